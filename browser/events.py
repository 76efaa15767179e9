"""One event that the page's recorder told, and the action that it is."""

from __future__ import annotations

from typing import Any, Literal

from schema_extraction.action import Action, Check, Click, Fill, Select, Target
from schema_extraction.normalise import value as normalised
from schema_extraction.provenance import infer
from schema_extraction.view import Control, Frozen, View

ENTERED = frozenset({"textbox", "searchbox", "spinbutton", "combobox", "listbox", "radiogroup", "slider", "checkbox", "switch"})
"""Roles whose clicks are told by what they change."""


class Heard(Frozen):
    """`refs`: the element and those around it, inside out. `option`: the ref of what was chosen. `snap`: the number of the
    snapshot before it, in its document. `old`: what the control held, where the snapshot was taken after it had changed.
    `whole`: the snapshot is of the whole page, not of one frame of another origin. `submitted`: the field emptied itself on
    Enter. "enter" is a press or a key on a field that is not told as anything else; "rest" the page after the last event."""

    doc: str
    kind: Literal["fill", "select", "check", "click", "enter", "rest"]
    refs: tuple[str, ...]
    snap: int
    value: str = ""
    option: str = ""
    old: str | None = None
    whole: bool = True
    submitted: bool = False

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Heard:
        return cls(
            doc=raw["doc"],
            kind=raw["kind"],
            refs=tuple(raw["refs"]),
            snap=raw["snap"]["id"],
            value=raw.get("value") or "",
            option=raw.get("option") or "",
            old=raw.get("old"),
            whole=raw["whole"],
            submitted=bool(raw.get("submitted")),
        )


def act(view: View, heard: Heard) -> Control | None:
    """The control that an event was on: the innermost one in the view; None when it was on none that can be told."""
    by_ref = {control.ref: control for control in view.controls if control.ref}
    found = next((by_ref[ref] for ref in heard.refs if ref in by_ref), None)
    if found is None or found.sensitive:
        return None
    return found


def entering(view: View, control: Control, heard: Heard) -> tuple[View, Action | None]:
    """The action of an event, None where it only enters a field, and the view with the control as it was before."""
    target = Target(key=control.key, role=control.role, name=control.name, ref=control.ref)
    before = view if heard.old is None else _undone(view, control, heard)
    match heard.kind:
        case "fill":
            # What is typed into a field with suggestions, and is one of them, is chosen.
            if any(option.label == heard.value for option in control.options):
                return before, Select(target=target, option=heard.value)
            return before, Fill(target=target, value=heard.value, provenance=infer(before, heard.value))
        case "select":
            label = next((option.label for option in control.options if option.ref and option.ref == heard.option), heard.value)
            return before, Select(target=target, option=label)
        case "check":
            return before, Check(target=target, checked=heard.value == "on")
        case "click" if control.role not in ENTERED and not control.disabled:
            return before, Click(target=target)
        case _:
            return before, None


def _undone(view: View, control: Control, heard: Heard) -> View:
    old = heard.old or ""
    update: dict[str, Any]
    if heard.kind == "check":
        update = {"checked": old == "on"}
    elif heard.kind == "select":
        options = tuple(o.model_copy(update={"selected": o.label in (old, *old.split(", "))}) for o in control.options)
        # An option without a value, such as "Choose...", stands for nothing chosen.
        empty = any(o.label == old and not o.value for o in control.options) and control.role != "radiogroup"
        update = {"options": options, "value": normalised("" if empty else old, "choice")}
    else:
        update = {"value": normalised(old, control.name)}
    changed = tuple(c.model_copy(update=update) if c is control else c for c in view.controls)
    return view.model_copy(update={"controls": changed})
