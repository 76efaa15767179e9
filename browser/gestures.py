"""Gestures put together to what they amount to.

A person opens a drawn list or a calendar, turns its pages and clicks an entry; a script of the page then changes the field.
What is told is one step on that field, as the hands would do it, with the page as it was before the first of these gestures.
"""

from __future__ import annotations

from dataclasses import dataclass

from schema_extraction.action import Action, Check, Click, Fill, Select, Target, same_action, target_key
from schema_extraction.provenance import infer
from schema_extraction.view import Control, View

MOST = 60
"""Gestures that are held back at most."""


@dataclass(frozen=True)
class Gesture:
    """`view`: the page before it. `control`: what it was on, or None where the view has nothing there. `action`: None for one
    that only opens or enters a field. `submitted`: the field emptied itself on Enter."""

    view: View
    control: Control | None
    action: Action | None
    submitted: bool = False


class Gestures:
    """Takes one gesture after another, and looks at the page in between; gives back the steps, in order."""

    def __init__(self) -> None:
        self._held: list[Gesture] = []
        self._last: Action | None = None  # what was last told because the page showed it

    def reset(self) -> None:
        """Forget what was begun."""
        self._held, self._last = [], None

    @property
    def holding(self) -> bool:
        """Whether there is anything that a look at the page may tell more of."""
        return bool(self._held)

    def look(self, view: View, rests: bool = False) -> list[Gesture]:
        """The page as it is after the last gesture. `rests`: a while after it, and nothing else has been done since."""
        if not self._held:
            return []
        base, last = self._held[0].view, self._held[-1]
        if (view.path, view.case_id) != (base.path, base.case_id):
            return self.release()
        field = self._field(base, view)
        if field is not None and last.action is not None and target_key(last.action) == field.key and not _pressed(last):
            field = None  # it is known already
        if field is not None:
            before = base.control(field.key) or field
            entered = self._entering(base, before, field)
            if (typed := self._typed(entered)) is not None:
                done, self._held = self._held[: typed + 1], self._held[typed + 1 :]
                return [gesture for gesture in done if gesture.action is not None] + self.look(view, rests)
            return self._found(Gesture(base, before, entered))
        if (chosen := self._shown(base, view)) is not None:
            return self._found(chosen)
        if len(self._held) < MOST and (
            last.action is None or self._may_choose(base, view) or (not rests and isinstance(last.action, (Fill, Check)))
        ):
            return []
        return self.release()

    def _typed(self, entered: Action) -> int | None:
        """The gesture that alone has entered this, where others came after it that are about something else."""
        for number, gesture in enumerate(self._held):
            if isinstance(gesture.action, (Fill, Check)) and same_action(gesture.action, entered):
                after = [held.control.key if held.control is not None else "" for held in self._held[number + 1 :]]
                return number if any(key != target_key(entered) for key in after) else None
        return None

    def _may_choose(self, base: View, view: View) -> bool:
        """Whether something to press has appeared as a list does, or a dialog: with what was pressed first still there. A page
        that has gone on to something else waits for no choice."""
        first = self._held[0].control
        if first is None or view.dialog is not None:
            return _opened(base, view)
        stays = any(control.key == first.key or control.ref == first.ref != "" for control in view.controls)
        return stays and _opened(base, view)

    def _found(self, step: Gesture) -> list[Gesture]:
        self._held, self._last = [], step.action
        return [step]

    def push(self, gesture: Gesture) -> list[Gesture]:
        """One more gesture."""
        last, self._last = self._last, None
        if last is not None and gesture.action is not None and not _pressed(gesture) and same_action(last, gesture.action):
            return []  # the page's own event came after the page had shown it
        if gesture.action is None or isinstance(gesture.action, Click):
            done = [] if self._goes_on(gesture) else self.release()
            self._held.append(gesture)
            return done
        if self._held and self._belongs(gesture):
            base = self._held[0].view
            if gesture.control is not None and (before := base.control(gesture.control.key)) is not None:
                gesture = Gesture(base, before, gesture.action, gesture.submitted)
            self._held = []
            done = []
        else:
            done = self.release()
        if isinstance(gesture.action, (Fill, Check)) and not gesture.submitted:
            self._held = [
                gesture
            ]  # what is typed may be completed by a click, or drawn anew with every key; a tick may turn on
            return done
        return [*done, gesture]

    def release(self) -> list[Gesture]:
        """What is held back, as it is."""
        held, self._held = self._held, []
        return [gesture for gesture in held if gesture.action is not None]

    def _goes_on(self, gesture: Gesture) -> bool:
        """Whether a press belongs to those before it: it is on what they opened, or on the field that they are about."""
        if not self._held:
            return True
        base = self._held[0].view
        if (gesture.view.path, gesture.view.case_id) != (base.path, base.case_id):
            return False
        if gesture.control is None:
            return True
        return base.control(gesture.control.key) is None or gesture.control.key in {
            held.control.key for held in self._held if held.control is not None
        }

    def _belongs(self, gesture: Gesture) -> bool:
        """Whether what was held back only led to an entry into this field."""
        key = gesture.control.key if gesture.control is not None else ""
        base = self._held[0].view
        return all(
            held.action is None or held.control is None or held.control.key == key or base.control(held.control.key) is None
            for held in self._held
        ) and (base.control(key) is not None or all(held.action is None for held in self._held))

    def _field(self, base: View, view: View) -> Control | None:
        """The field that these gestures have changed, if it can be told."""
        changed = [control for control in view.controls if _changed(base.control(control.key), control)]
        opened = {held.control.key for held in self._held if held.control is not None and not _pressed(held)}
        own = [control for control in changed if control.key in opened]
        if own:
            return own[0]
        last = self._held[-1].control
        inside = last is None or base.control(last.key) is None
        return changed[0] if len(changed) == 1 and inside and (last is None or len(self._held) > 1) else None

    def _shown(self, base: View, view: View) -> Gesture | None:
        """The choice of a button that now says what was pressed in the list that it opened."""
        first, last = self._held[0].control, self._held[-1].control
        if len(self._held) < 2 or first is None or last is None or first.role != "button" or not _pressed(self._held[-1]):
            return None
        now = next((control for control in view.controls if control.ref and control.ref == first.ref), None)
        if now is None or not now.name or now.name == first.name or _folded(now.name) not in _folded(last.name):
            return None
        if base.control(last.key) is not None and last.ref != first.ref:
            return None
        target = Target(key=first.key, role=first.role, name=first.name, ref=first.ref)
        return Gesture(base, first, Select(target=target, option=now.name))

    def _entering(self, base: View, before: Control, after: Control) -> Action:
        target = Target(key=before.key, role=before.role, name=before.name, ref=before.ref)
        if after.checked is not before.checked and after.checked is not None:
            return Check(target=target, checked=after.checked)
        chosen = ", ".join(option.label for option in after.options if option.selected)
        held = after.value.raw if after.value is not None else ""
        last = self._held[-1].control
        said = last.name if last is not None and _pressed(self._held[-1]) else ""
        if before.role in ("combobox", "listbox", "radiogroup") or (said and _folded(said) == _folded(held)):
            return Select(target=target, option=chosen or held)
        return Fill(target=target, value=held, provenance=infer(base, held))


def _pressed(gesture: Gesture) -> bool:
    return isinstance(gesture.action, Click)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _changed(before: Control | None, after: Control) -> bool:
    """Whether a field holds something else, and something at all."""
    if before is None or before.sensitive or (after.value is None and after.checked is None):
        return False
    if after.checked is not before.checked:
        return True
    held = after.value.raw if after.value is not None else ""
    chosen = [option.label for option in after.options if option.selected]
    if held != (before.value.raw if before.value is not None else ""):
        return bool(held)
    return bool(chosen) and chosen != [option.label for option in before.options if option.selected]


def _opened(base: View, view: View) -> bool:
    """Whether something to press has appeared."""
    known = {control.key for control in base.controls}
    return any(control.key not in known for control in view.controls)
