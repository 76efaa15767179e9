"""Doing work that is given as data through casepilot's own hands: every target is found by role and name in the view."""

from __future__ import annotations

import time

from browser.page import CasePage
from fixtures.targets.work.kinds import Step, WorkCase
from schema_extraction.action import Action, Check, Click, CloseCase, Fill, Outcome, Select, SendMessage, Target
from schema_extraction.view import Control, Frozen, View

APPEAR_SECONDS = 5.0


class Done(Frozen):
    """A step and what came of it."""

    step: Step
    outcome: Outcome


def find(view: View, step: Step) -> Control | None:
    """The first control with the step's role and name, in its section where it names one."""
    return next(
        (
            control
            for control in view.controls
            if (control.role, control.name) == (step.role, step.name) and step.section in ("", control.section)
        ),
        None,
    )


async def _appeared(page: CasePage, step: Step) -> tuple[View, Control | None]:
    """The view that has the step's control, which may take a moment to appear."""
    deadline = time.monotonic() + APPEAR_SECONDS
    while True:
        view = await page.view()
        found = find(view, step)
        left = deadline - time.monotonic()
        if found is not None or left <= 0 or not await page.changed(left):
            return view, found


def action_of(step: Step, control: Control) -> Action:
    """The action that a step on a control is."""
    target = Target(key=control.key, role=control.role, name=control.name, ref=control.ref)
    match step.do:
        case "fill":
            return Fill(target=target, value=step.to)
        case "select":
            return Select(target=target, option=step.to)
        case "check":
            return Check(target=target, checked=step.to == "on")
        case _:
            return Click(target=target)


async def do(page: CasePage, step: Step) -> Outcome:
    """Carry out one step on the page as it is."""
    if step.do == "send_message":
        return await page.perform(await page.view(), SendMessage(text=step.to))
    if step.do == "close_case":
        return await page.perform(await page.view(), CloseCase(resolution=step.to))
    view, control = await _appeared(page, step)
    if control is None:
        words = ", ".join(f"{c.role} {c.name!r}" for c in view.controls if c.role == step.role)
        return Outcome(result="not_sent", message=f"{view.path!r} has no {step.role} {step.name!r}; it has {words or 'none'}.")
    return await page.perform(view, action_of(step, control))


async def work(page: CasePage, case: WorkCase) -> list[Done]:
    """Open a case and do its steps, up to the first that is not done.

    Raises:
        PageError: the case cannot be opened.
    """
    await page.open_case(case.case)
    done: list[Done] = []
    for step in case.steps:
        done.append(Done(step=step, outcome=await do(page, step)))
        if not done[-1].outcome.ok:
            break
    return done
