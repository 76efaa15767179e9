"""Suggestions that are wrong on purpose, in a real run: nothing tells them from others, and nothing of them is done."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.console.answers import Answer
from agent.console.client import ConsoleClient
from agent.console.seeded import Seeds
from policies.feedback import Reason
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from policies.trace import read_steps
from tests.agent.app import TinyApp
from tests.agent.console.staffed import staffed
from tests.agent.script import decide_and_close, settings

pytestmark = pytest.mark.browser
SECONDS = 300
RIGHT, WRONG = "Refunded", "Refused"
ANSWERS = {
    "accepted": Answer(kind="accept"),
    "edited": Answer(kind="edit", value=RIGHT),
    "rejected": Answer(kind="reject", reason=Reason.WRONG_VALUE),
}


@pytest.mark.parametrize("first", ANSWERS)
def test_a_wrong_suggestion_looks_like_any_other_and_nothing_of_it_is_done(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(Seeds, "_draw", lambda self, id, what: 0.0)  # every hand-off for which there is something wrong

    async def scenario() -> None:
        policy = ScriptedPolicy(decide_and_close)
        async with (
            asyncio.timeout(SECONDS),
            staffed(settings(tiny, run_dir), policy, ["C-1"], lambda _: Gate("copilot"), seeded_rate=0.5) as run,
            ConsoleClient(run.address, run.tokens["kim"]) as kim,
        ):
            done = 0
            async for event in kim.events():
                if event.name != "handoff" or event.data["change"] != "shown":
                    continue
                (live,) = run.runner.worker.lives.values()
                assert live.page is not None
                # No card in the page itself, which would tell in the picture and on the live page what is right.
                assert not live.page.overlay.shown
                seen = await kim.handoff(event.data["id"])
                if not seen.card.suggestion.startswith("Close"):
                    await kim.answer(seen.card.id, Answer(kind="accept"))
                    continue
                if not done:
                    assert WRONG in seen.card.suggestion and RIGHT not in seen.card.suggestion + seen.card.reason
                    (state,) = run.parts.floor.sessions()
                    assert WRONG in state.waits_for and RIGHT not in state.waits_for
                    assert (await kim.answer(seen.card.id, ANSWERS[first])).state == "seeded"
                    done += 1
                    assert not tiny.closed and run.runner.store.ending(seen.card.id) is None
                elif RIGHT in seen.card.suggestion:
                    assert (await kim.answer(seen.card.id, Answer(kind="accept"))).state == "sent"
                    break
            (summary,) = await run.running
            assert summary.status == "completed"

    portal.call(scenario)
    assert tiny.closed == {"C-1": RIGHT}
    verdicts = [step.verdict.kind for step in read_steps(run_dir / "traces") if step.verdict]
    assert verdicts == ["accept", "accept"]  # what was said of the wrong one is no feedback
