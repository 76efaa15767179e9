"""The desk: who may do what to a hand-off, and the person at the screen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.desk import Desk
from agent.errors import DeskError
from agent.handoff import Handoff
from agent.person import at_the_screen
from agent.runner import Runner
from agent.store import CaseSummary
from policies.feedback import Verdict
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from tests.agent.app import TinyApp
from tests.agent.script import decide_and_close, settings

pytestmark = pytest.mark.browser


def test_the_desk_refuses_what_makes_no_sense(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        desk = Desk()
        with pytest.raises(DeskError, match="serves no run"):
            desk.open()
        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            running = asyncio.create_task(run.run(["C-1"]))
            async with asyncio.timeout(60):
                handoff = await anext(aiter(desk))
                with pytest.raises(DeskError, match="No hand-off 'x'"):
                    await desk.claim("x", "kim")
                await desk.claim(handoff.id, "kim")
                with pytest.raises(DeskError, match="is 'kim''s"):
                    await desk.claim(handoff.id, "lee")
                with pytest.raises(DeskError, match="no edited action"):
                    await desk.verdict(handoff.id, Verdict(kind="edit", operator="kim"))
                await desk.end_session(handoff.id, "kim")
                with pytest.raises(DeskError, match="has ended"):
                    await desk.give_back(handoff.id)
                await running

    portal.call(scenario)


def test_the_person_at_the_screen_gets_one_handoff_at_a_time(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def scenario() -> tuple[list[CaseSummary], int]:
        desk, most = Desk(), 0
        told: set[str] = set()
        presses: set[asyncio.Task[None]] = set()

        async def press(handoff: Handoff) -> None:
            page = desk.page(handoff.id)
            assert page
            await page.page.keyboard.press("Alt+A")

        def tell(handoff: Handoff) -> None:
            nonlocal most
            told.add(handoff.id)
            most = max(most, len(told & {waiting.id for waiting in desk.open()}))
            presses.add(asyncio.create_task(press(handoff)))

        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            person = asyncio.create_task(at_the_screen(desk, "kim", tell))
            async with asyncio.timeout(60):
                summaries = await run.run(["C-1", "C-2"])
        await person
        await asyncio.gather(*presses)
        return summaries, most

    summaries, most = portal.call(scenario)
    assert [(s.status, s.critical_supervised) for s in summaries] == [("completed", 2), ("completed", 2)]
    assert {change.operator for change in tiny.changes} == {"kim"}
    assert most == 1
