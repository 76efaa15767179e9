"""The verdict that nobody pressed: what the operator did, compared with what was proposed."""

from __future__ import annotations

from policies.feedback import Reason, Verdict
from policies.proposal import Proposal, is_critical
from schema_extraction import normalise
from schema_extraction.action import Action, SendMessage, action_value, same_action, target_key
from schema_extraction.view import View

ENTERED_ROLES = frozenset(
    {"textbox", "searchbox", "spinbutton", "combobox", "listbox", "checkbox", "radio", "switch", "slider", "radiogroup"}
)


def form_state(view: View) -> dict[str, str]:
    """What the controls of a view hold, by stable key; parts of composites aside, since the action itself fills them."""
    state: dict[str, str] = {}
    for control in view.controls:
        if control.role not in ENTERED_ROLES or control.part or control.sensitive:
            continue
        chosen = "|".join(o.label for o in control.options if o.selected)
        held = control.value.normal or control.value.raw if control.value else chosen
        state[control.key] = "on" if control.checked else "off" if control.checked is not None else " ".join(held.split())
    return state


def holds(view: View, key: str, value: str) -> bool:
    """Whether the control with this key holds `value`, however it writes it."""
    control = view.control(key)
    if control is None:
        return False
    wanted = " ".join(value.split())
    held = [o.label for o in control.options if o.selected]
    if control.checked is not None:
        held.append("on" if control.checked else "off")
    if control.value is not None:
        held += [control.value.raw, control.value.normal]
        if control.value.normal and control.value.normal == normalise.value(value, control.value.kind).normal:
            return True
    return wanted in (" ".join(text.split()) for text in held)


def changed_fields(before: View, after: View) -> list[str]:
    """Keys of the controls that both views have and that hold something else in the later one."""
    old, new = form_state(before), form_state(after)
    return sorted(key for key in old.keys() & new.keys() if old[key] != new[key])


def compare(proposal: Proposal, view: View, steps: list[tuple[View, Action]], operator: str, seconds: float) -> Verdict | None:
    """The verdict that the operator's own steps imply on a proposal made for `view`, or None when they imply nothing.

    The step that counts is the operator's first critical one, or, where the proposal was reversible, the one on the
    proposal's own target.
    """

    def verdict(reason: Reason | None) -> Verdict:
        kind = "accept" if reason is None else "reject"
        return Verdict(kind=kind, operator=operator, reason=reason, seconds=seconds, implicit=True)

    if not steps:
        return None
    proposed = proposal.action
    critical = [(v, a) for v, a in steps if is_critical(v, a)]
    if not is_critical(view, proposed):
        own = next(((v, a) for v, a in steps if target_key(a) == target_key(proposed)), None)
        if own is None:
            return verdict(Reason.WRONG_ACTION) if critical else None
        return verdict(None if same_action(own[1], proposed) else Reason.WRONG_VALUE)
    if not critical:
        # Only fields were touched before the page was given back: the proposal would have sent other values.
        return verdict(Reason.WRONG_VALUE) if touched(view, steps) else None
    seen, did = critical[0]
    if did.type != proposed.type or target_key(did) != target_key(proposed):
        return verdict(Reason.WRONG_ACTION)
    if not same_action(did, proposed):
        return verdict(Reason.WRONG_WORDING if isinstance(proposed, SendMessage) else Reason.WRONG_VALUE)
    if changed_fields(view, seen):
        return verdict(Reason.WRONG_VALUE)
    return verdict(None)


def touched(view: View, steps: list[tuple[View, Action]]) -> bool:
    """Whether any of the steps entered something other than what the view already held."""
    entered = [(target_key(a), action_value(a)) for _, a in steps if not is_critical(view, a)]
    return any(value is not None and not holds(view, key, value) for key, value in entered)
