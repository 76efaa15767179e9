"""An operator at another screen drives the page of a headless session and gives it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from agent.desk import Desk
from agent.errors import DeskError
from agent.handoff import Handoff
from agent.runner import Runner
from agent.settings import TakeoverSettings
from agent.store import CaseSummary
from agent.takeover import Hold, Takeovers
from agent.verdicts import holds
from browser.page import CasePage
from browser.remote_input import Key, Mouse, Text
from policies.feedback import Verdict
from policies.gate import Gate
from policies.proposal import History
from policies.scripted import ScriptedPolicy
from policies.trace import Step, read_steps
from schema_extraction.action import Action, Click, CloseCase, Fill, Wait
from schema_extraction.view import View
from tests.agent.app import TinyApp
from tests.agent.script import OpenGate, decide_and_close, named, settings, target

pytestmark = pytest.mark.browser


def wait_for_amount(view: View, history: History) -> Action | None:
    """Waits until somebody has filled the amount, then submits and closes."""
    amount, submit = named(view, "Amount"), named(view, "Submit decision")
    if amount is not None and submit is not None:
        return Wait() if holds(view, amount.key, "") else Click(target=target(submit))
    return CloseCase(resolution="Refunded") if named(view, "Close case") else None


KEY_CODES = {".": 190}


class Operator:
    """At the wheel of one page, from elsewhere."""

    def __init__(self, takeovers: Takeovers, hold: Hold) -> None:
        self.takeovers = takeovers
        self.hold = hold
        self.page, self.screencast = takeovers.wheel(hold.session, hold.seat)

    async def click(self, role: Any, name: str) -> None:
        box = await self.page.page.get_by_role(role, name=name).bounding_box()
        width, height = await self.screencast.size()
        assert box
        point = {"x": (box["x"] + box["width"] / 2) / width, "y": (box["y"] + box["height"] / 2) / height}
        for action in ("down", "up"):
            press = {"action": action, "button": "left", "buttons": int(action == "down"), "clicks": 1}
            await self.takeovers.send(self.hold.session, self.hold.seat, Mouse.model_validate(press | point))

    async def type(self, role: Any, name: str, text: str) -> None:
        await self.click(role, name)
        for letter in text:
            for action in ("down", "up"):
                key = Key.model_validate({"action": action, "key": letter, "key_code": KEY_CODES.get(letter, ord(letter))})
                await self.takeovers.send(self.hold.session, self.hold.seat, key)


@asynccontextmanager
async def running(
    app: TinyApp, run_dir: Path, gate: Any = None, policy: Any = None, **changes: Any
) -> AsyncIterator[tuple[Runner, Desk, asyncio.Task[list[CaseSummary]]]]:
    desk = Desk()
    chosen = settings(app, run_dir, **changes)
    async with asyncio.timeout(120):
        async with Runner(chosen, policy or ScriptedPolicy(wait_for_amount), lambda _: gate or OpenGate(), desk) as run:
            working = asyncio.create_task(run.run(run.unfinished() or ["C-1"]))
            try:
                yield run, desk, working
            finally:
                run.stop()
                await working


async def begun(run: Runner) -> str:
    """The one session, once it is at work on a page."""
    while not any(live.page is not None for live in run.worker.lives.values()):
        await asyncio.sleep(0.02)
    return next(iter(run.worker.lives))


def operator_steps(run_dir: Path) -> list[Step]:
    return [step for step in read_steps(run_dir / "traces") if step.actor == "operator"]


def test_a_session_at_work_is_taken_over_and_goes_on_where_the_operator_left_it(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    async def scenario() -> tuple[tuple[str, ...], CaseSummary]:
        async with running(tiny, run_dir) as (run, desk, working):
            session = await begun(run)
            hold = await desk.takeovers.take(session, "kim")
            live = run.worker.lives[session]
            assert desk.takeovers.holder(session) == hold.model_copy(update={"seat": ""})
            # Neither the agent's hands nor another operator come between.
            assert live.handoff and live.page and live.handoff.decision.code == "takeover"
            view = await live.page.view()
            submit = named(view, "Submit decision")
            assert submit
            outcome = await live.perform(view, Click(target=target(submit)))
            assert (outcome.result, outcome.message) == ("not_sent", "kim drives the page; wait until it is given back.")
            with pytest.raises(DeskError, match="'kim' has driven this page since"):
                await desk.takeovers.take(session, "lee")
            with pytest.raises(DeskError, match="is 'kim''s"):
                await desk.claim(hold.handoff, "lee")
            operator = Operator(desk.takeovers, hold)
            await operator.type("textbox", "Amount", "20.00")
            returned = await desk.takeovers.give_back(session, hold.seat)
            assert desk.takeovers.holder(session) is None
            with pytest.raises(DeskError, match="do not drive"):
                await desk.takeovers.send(session, hold.seat, Text(text="late"))
            (summary,) = await working
        return returned.changes, summary

    changes, summary = portal.call(scenario)
    assert "'Amount' holds '20.00'; it held empty." in changes
    assert (summary.status, summary.handoffs, summary.critical_unattended) == ("completed", 1, 2)
    assert tiny.decided["C-1"]["amount"] == "20.00"
    (step,) = operator_steps(run_dir)
    assert isinstance(step.action, Fill) and (step.action.value, step.user) == ("20.00", "kim")
    assert [change.operator for change in tiny.changes] == ["", ""]


def test_a_waiting_step_is_taken_over_and_its_critical_action_done_by_the_operator(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    async def scenario() -> CaseSummary:
        policy = ScriptedPolicy(decide_and_close)
        async with running(tiny, run_dir, Gate("copilot"), policy) as (run, desk, working):
            waiting: Handoff = await anext(aiter(desk))
            hold = await desk.takeovers.take(waiting.session, "kim")
            assert hold.handoff == waiting.id
            with pytest.raises(DeskError, match="'kim' has driven"):
                await desk.verdict(waiting.id, Verdict(kind="accept", operator="lee"))
            operator = Operator(desk.takeovers, hold)
            assert not operator.page.overlay.shown
            await operator.click("button", "Submit decision")
            # The step is done, but the page stays the operator's until they say so.
            await operator.page.page.get_by_role("button", name="Close case").wait_for()
            await operator.page.recorder.flush()
            assert desk.takeovers.holder(waiting.session) is not None
            returned = await desk.takeovers.give_back(waiting.session, hold.seat, note="done")
            assert "New: button 'Close case'." in returned.changes
            assert [(done.action.type, done.critical) for done in returned.actions] == [("click", True)]
            closing = await anext(aiter(desk))
            await desk.verdict(closing.id, Verdict(kind="accept", operator="kim"))
            (summary,) = await working
        return summary

    summary = portal.call(scenario)
    assert (summary.status, summary.critical_operator, summary.critical_supervised) == ("completed", 1, 1)
    assert [change.operator for change in tiny.changes] == ["kim", "kim"]
    judged = [step.verdict for step in read_steps(run_dir / "traces") if step.verdict]
    assert [(verdict.kind, verdict.implicit) for verdict in judged] == [("accept", True), ("accept", False)]


def test_an_operator_who_vanishes_loses_the_page_and_the_agent_looks_again(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    async def scenario() -> tuple[CaseSummary, str]:
        quick = TakeoverSettings(vanish=0.5)
        async with running(tiny, run_dir, takeover=quick) as (run, desk, working):
            session = await begun(run)
            hold = await desk.takeovers.take(session, "kim")
            operator = Operator(desk.takeovers, hold)
            await operator.type("textbox", "Amount", "7")
            held = Key(action="down", key="Shift", code="ShiftLeft", key_code=16, modifiers=8)
            await desk.takeovers.send(session, hold.seat, held)
            over = await desk.takeovers.returned(session, hold.seat)
            (summary,) = await working
        return summary, over.note

    summary, note = portal.call(scenario)
    assert note == "kim was not heard of for 0.5 s."
    assert summary.status == "completed" and tiny.decided["C-1"]["amount"] == "7"
    assert [step.user for step in operator_steps(run_dir)] == ["kim"]


def test_another_screen_of_the_same_operator_takes_the_wheel_from_the_first(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    async def scenario() -> None:
        async with running(tiny, run_dir) as (run, desk, _):
            session = await begun(run)
            first = await desk.takeovers.take(session, "kim")
            second = await desk.takeovers.take(session, "kim")
            assert first.handoff == second.handoff
            with pytest.raises(DeskError, match="not any more"):
                desk.takeovers.beat(session, first.seat)
            desk.takeovers.beat(session, second.seat)
            with pytest.raises(DeskError, match="not any more"):
                desk.takeovers.beat(session, "")
            await desk.takeovers.give_back(session, second.seat)
            with pytest.raises(DeskError, match="No session 'x'"):
                await desk.takeovers.take("x", "kim")

    portal.call(scenario)


def test_what_an_operator_had_entered_when_the_process_ended_is_there_in_the_next_one(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    async def first() -> None:
        async with running(tiny, run_dir) as (run, desk, _):
            session = await begun(run)
            operator = Operator(desk.takeovers, await desk.takeovers.take(session, "kim"))
            await operator.type("textbox", "Amount", "33")
            await operator.click("textbox", "Remark")
            while not operator_steps(run_dir):
                await asyncio.sleep(0.02)

    async def second() -> tuple[str, CaseSummary]:
        async with running(tiny, run_dir) as (run, desk, working):
            while not (session := next(iter(run.worker.lives), "")) or desk.takeovers.holder(session) is None:
                await asyncio.sleep(0.02)
            # It is still kim's: nobody has given it back.
            with pytest.raises(DeskError, match="'kim' has driven"):
                await desk.takeovers.take(session, "lee")
            hold = await desk.takeovers.take(session, "kim")
            page: CasePage = desk.takeovers.wheel(session, hold.seat)[0]
            typed = await page.page.get_by_label("Amount").input_value()
            returned = await desk.takeovers.give_back(session, hold.seat)
            assert [done.action.type for done in returned.actions] == ["fill"]
            (summary,) = await working
        return typed, summary

    portal.call(first)
    typed, summary = portal.call(second)
    assert typed == "33"
    assert summary.status == "completed" and tiny.decided["C-1"]["amount"] == "33"
    assert [change.what for change in tiny.changes] == ["submit", "close"]
