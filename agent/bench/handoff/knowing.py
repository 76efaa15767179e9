"""A policy that needs no model: it knows what is right in a case of the practice BPM, and proposes that."""

from __future__ import annotations

from pathlib import Path

from fixtures.operators.formstate import field_control, held
from fixtures.operators.oracle import Oracle
from policies.proposal import History, Proposal
from schema_extraction.action import Action, Check, Click, CloseCase, Fill, Select, SendMessage, Target, TransferCase, Wait
from schema_extraction.view import Control, View

CHOSEN = frozenset({"select", "radio", "combobox"})


class KnowingPolicy:
    """`db`: the application's database."""

    def __init__(self, db: Path) -> None:
        self._oracle = Oracle(db)

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        action = self._right(view)
        return (Proposal(action=action, probability=0.9, p_target=0.9, novelty=0.0),)

    def close(self) -> None:
        self._oracle.close()

    def _right(self, view: View) -> Action:
        step = self._oracle.step(view.case_id or "")
        if step.task is None or step.waiting:
            return Wait()
        task = step.task
        if view.dialog is not None:
            # A closing that was begun and not confirmed: begin it again.
            return self._press(view, "cancel")
        if task.kind == "message":
            return SendMessage(text=task.replies[0])
        if task.kind == "wrapup":
            return TransferCase(team=step.case.team) if step.case.team else CloseCase(resolution=step.case.resolution)
        for field in task.fields:
            if not field.applies or field.right(held(view, task, field)):
                continue
            control = field_control(view, task, field)
            if control is None:
                return Wait()  # the page does not show the task yet
            target, value = _target(control), field.accept[0]
            if field.widget == "checkbox":
                return Check(target=target, checked=value == "Yes")
            return Select(target=target, option=value) if field.widget in CHOSEN else Fill(target=target, value=value)
        return self._press(view, "complete")

    def _press(self, view: View, label: str) -> Action:
        name = self._oracle.labels[label]
        button = next((one for one in view.controls if (one.role, one.name) == ("button", name)), None)
        return Click(target=_target(button)) if button is not None else Wait()


def _target(control: Control) -> Target:
    return Target(key=control.key, role=control.role, name=control.name, ref=control.ref)
