"""A message of this process is heard of at once, not when the durable engine looks for messages the next time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from dbos._sys_db_sqlite import SQLiteSystemDatabase

from agent.desk import Desk
from agent.runner import Runner
from agent.store import CaseSummary
from policies.feedback import Verdict
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from tests.agent.app import TinyApp
from tests.agent.script import decide_and_close, settings

pytestmark = pytest.mark.browser
RECHECK_SECONDS = 3600.0


def test_a_session_goes_on_while_nobody_looks_for_messages(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The engine's own listener hears nothing, and its safety net is an hour away.
    monkeypatch.setattr(SQLiteSystemDatabase, "_notification_listener", lambda self: None)
    monkeypatch.setattr(SQLiteSystemDatabase, "_notification_fallback_polling_interval", RECHECK_SECONDS)

    async def scenario() -> CaseSummary:
        desk = Desk()
        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            working = asyncio.create_task(run.run(["C-1"]))
            async with asyncio.timeout(240):
                async for handoff in desk:
                    await desk.verdict(handoff.id, Verdict(kind="accept", operator="kim"))
                    if tiny.decided and handoff.suggestion.startswith("Close"):
                        break
                (summary,) = await working
            return summary

    assert portal.call(scenario).status == "completed"
