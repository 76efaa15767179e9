"""Low-level steps folded back into composite actions: what the hands take apart, the recorder puts together."""

from __future__ import annotations

from dataclasses import dataclass

from schema_extraction.action import (
    Action,
    Click,
    CloseCase,
    SendMessage,
    TransferCase,
    action_value,
)
from schema_extraction.profile import Part, Profile
from schema_extraction.provenance import infer
from schema_extraction.view import Control, View

Recorded = tuple[View, Action]


@dataclass
class Begun:
    """A composite action under way: the view before its first part, the value entered, and whether a click part was done."""

    name: str
    view: View | None
    value: str | None = None
    clicked: bool = False


class Folder:
    """Takes one low-level step after another and gives back the steps to record, in order."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._begun: Begun | None = None

    def push(self, view: View, control: Control, action: Action, submitted: bool = False) -> list[Recorded]:
        """`action` was done on `control` of `view`. `submitted`: the field emptied itself on Enter."""
        done: list[Recorded] = []
        begun = self._begun
        if begun is not None and begun.clicked and view.case_id == (begun.view or view).case_id:
            if view.closed and begun.view is not None and not begun.view.closed:
                done += self._finish(begun, view)  # this release asks for no confirmation
            elif view.dialog is None and not self._is_part(control, begun.name):
                self._begun = None  # the dialog was left without a word
        if part := self._part(control):
            return done + self._part_done(view, control, action, *part, submitted=submitted)
        begun = self._begun
        if begun is not None and begun.clicked:
            # Another button of the dialog: it was cancelled, so nothing was done.
            self._begun = None
            if view.dialog is not None and isinstance(action, Click):
                return done
        elif begun is not None:
            begun.view = None  # something else came between the parts
        return [*done, (view, action)]

    def reset(self) -> None:
        """Forget what was begun."""
        self._begun = None

    def _part(self, control: Control) -> tuple[str, Part] | None:
        composite, _, name = control.part.partition(".")
        parts = self.profile.composites.get(composite, ())  # type: ignore[call-overload]
        return next(((composite, part) for part in parts if part.name == name), None)

    def _is_part(self, control: Control, composite: str) -> bool:
        return control.part.partition(".")[0] == composite

    def _part_done(
        self, view: View, control: Control, action: Action, composite: str, part: Part, submitted: bool
    ) -> list[Recorded]:
        if self._begun is None or self._begun.name != composite:
            self._begun = Begun(composite, view)
        begun = self._begun
        if begun.view is None or begun.view.case_id != view.case_id:
            self._begun = begun = Begun(composite, view, begun.value if begun.view is None else None)
        if part.kind == "value":
            begun.value = action_value(action)
            return self._finish(begun, view) if submitted else []
        begun.clicked = True
        clicks = [p for p in self.profile.composites[composite] if p.kind == "click"]  # type: ignore[index]
        if part.name != clicks[-1].name:
            return []
        return self._finish(begun, view)

    def _finish(self, begun: Begun, view: View) -> list[Recorded]:
        self._begun = None
        before = begun.view or view
        value = begun.value
        if value is None:
            value = _held(view, self._values(begun.name)) or _held(before, self._values(begun.name))
        provenance = infer(before, value)
        match begun.name:
            case "send_message":
                return [(before, SendMessage(text=value, provenance=provenance))] if value.strip() else []
            case "close_case":
                return [(before, CloseCase(resolution=value, provenance=provenance))]
            case _:
                return [(before, TransferCase(team=value, provenance=provenance))]

    def _values(self, composite: str) -> list[str]:
        parts = self.profile.composites[composite]  # type: ignore[index]
        return [f"{composite}.{part.name}" for part in parts if part.kind == "value"]


def _held(view: View, parts: list[str]) -> str:
    """What the value part of a composite holds in a view, "" where it is not there."""
    control = next((c for c in view.controls if c.part in parts), None)
    if control is None:
        return ""
    chosen = next((option.label for option in control.options if option.selected), None)
    return chosen if chosen is not None else control.value.raw if control.value else ""
