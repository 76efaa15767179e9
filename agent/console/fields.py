"""What an operator enters in place of a suggestion: an input of the right kind, and the action that comes of it."""

from __future__ import annotations

import re
from datetime import date

from agent.errors import ConsoleError
from agent.handoff import Handoff
from agent.verdicts import ENTERED_ROLES
from schema_extraction.action import (
    COMPOSITE_VALUES,
    Action,
    Check,
    Fill,
    Provenance,
    Select,
    Target,
    action_value,
    target_key,
)
from schema_extraction.profile import compiled
from schema_extraction.view import Control, Frozen, View

OPERATOR = Provenance(source="operator")
LONG = 80
"""From so many characters on, a text is written in a box of several lines."""
MOST_LETTERS = 20_000
TYPED = ("date", "time", "month", "week", "datetime-local", "number", "email", "tel", "url")


class Entry(Frozen):
    """One input. `key`: the control's; empty for the value of a composite action. `kind`: `text`, `long`, `select`, `check`, or
    one of HTML's own types with a picker or a check of its own."""

    key: str
    label: str
    kind: str
    value: str = ""
    options: tuple[str, ...] = ()
    required: bool = False
    max_length: int | None = None
    min: str = ""
    max: str = ""
    hint: str = ""


def entries(handoff: Handoff) -> tuple[Entry, ...]:
    """The inputs with which the suggestion can be edited: that of its own field, or, where it presses a button, those of the
    fields on the page, of which one may be changed."""
    proposal, view = handoff.proposal, handoff.view
    if proposal is None:
        return _form(view)
    action = proposal.action
    value = action_value(action)
    if value is None:
        return _form(view)
    control = _control(view, action)
    if control is None:
        return (Entry(key="", label=action.type.replace("_", " "), kind="long" if len(value) > LONG else "text", value=value),)
    return (_entry(control, value, key=target_key(action) if isinstance(action, Fill | Select | Check) else ""),)


def edited(handoff: Handoff, key: str, value: str) -> Action:
    """The action that enters `value`: in the suggestion's own field, or in the field `key` of the page.

    Raises:
        ConsoleError: there is no such field, or it does not take this value.
    """
    known = {entry.key: entry for entry in entries(handoff)}
    entry = known.get(key) or (next(iter(known.values())) if len(known) == 1 and not key else None)
    if entry is None:
        raise ConsoleError(f"Expected a field that can be edited here, met {key!r}. Reload the card, or do the step yourself.")
    _check(entry, value)
    proposal = handoff.proposal
    if proposal is not None and proposal.action.type in COMPOSITE_VALUES:
        return proposal.action.but(**{COMPOSITE_VALUES[proposal.action.type]: value, "provenance": OPERATOR})
    control = handoff.view.control(entry.key)
    if control is None:
        raise ConsoleError(f"The field {entry.label!r} is not on the page. Do the step yourself.")
    return _action(control, entry, value)


def _action(control: Control, entry: Entry, value: str) -> Action:
    target = Target(key=control.key, role=control.role, name=control.name, ref=control.ref)
    if entry.kind == "check":
        return Check(target=target, checked=value == "on")
    if entry.kind == "select":
        return Select(target=target, option=value, provenance=OPERATOR)
    return Fill(target=target, value=value, provenance=OPERATOR)


def _control(view: View, action: Action) -> Control | None:
    if action.type in COMPOSITE_VALUES:
        return view.part(action.type, COMPOSITE_VALUES[action.type])
    return view.control(target_key(action))


def _form(view: View) -> tuple[Entry, ...]:
    return tuple(
        _entry(control, _held(control), key=control.key)
        for control in view.operable()
        if control.role in ENTERED_ROLES and not control.part and not control.sensitive
    )


def _held(control: Control) -> str:
    if control.checked is not None:
        return "on" if control.checked else "off"
    chosen = next((o.label for o in control.options if o.selected), "")
    typed = control.format.type in TYPED
    return (control.value.normal if typed and control.value.normal else control.value.raw) if control.value else chosen


def _entry(control: Control, value: str, key: str) -> Entry:
    shape = control.format
    options = tuple(o.label for o in control.options if o.label and not o.disabled)
    if control.checked is not None and control.role in ("checkbox", "switch"):
        kind = "check"
    elif options:
        kind = "select"
    elif shape.type in TYPED:
        kind = shape.type
    else:
        kind = "long" if len(value) > LONG or control.part == "send_message.text" else "text"
    return Entry(
        key=key,
        label=control.name or control.key,
        kind=kind,
        value=value,
        options=options,
        required=control.required,
        max_length=shape.max_length,
        min=shape.min,
        max=shape.max,
        hint=control.hint,
    )


def _check(entry: Entry, value: str) -> None:
    def refuse(expected: str) -> ConsoleError:
        met = value if len(value) <= 60 else value[:57] + "..."
        return ConsoleError(f"{entry.label!r} takes {expected}, met {met!r}. Correct it and send it again.")

    if entry.kind == "select" and value not in entry.options:
        raise refuse("one of its options")
    if entry.kind == "check" and value not in ("on", "off"):
        raise refuse("'on' or 'off'")
    if entry.kind == "number" and not _is_number(value, entry):
        raise refuse(f"a number{_range(entry)}")
    if entry.kind == "date" and not _is_date(value, entry):
        raise refuse(f"a date such as 2026-05-31{_range(entry)}")
    if entry.kind == "email" and compiled(r"[^@\s]+@[^@\s]+\.[^@\s]+").fullmatch(value) is None:
        raise refuse("an e-mail address")
    if entry.required and not value.strip():
        raise refuse("a value")
    if len(value) > (most := min(entry.max_length or MOST_LETTERS, MOST_LETTERS)):
        raise refuse(f"at most {most} characters, not {len(value)}")


def _range(entry: Entry) -> str:
    low, high = (f" from {entry.min}" if entry.min else ""), (f" to {entry.max}" if entry.max else "")
    return low + high


def _is_number(value: str, entry: Entry) -> bool:
    if not value and not entry.required:
        return True
    if re.fullmatch(r"-?\d+(\.\d+)?", value) is None:
        return False
    least, most = _number(entry.min), _number(entry.max)
    return (least is None or float(value) >= least) and (most is None or float(value) <= most)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _is_date(value: str, entry: Entry) -> bool:
    if not value and not entry.required:
        return True
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    # ISO dates of four-digit years compare as text.
    return len(value) == 10 and (not entry.min or value >= entry.min) and (not entry.max or value <= entry.max)
