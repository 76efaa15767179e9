"""A session whose model is behind a server that is gone, slow, or talks nonsense: an operator is asked, nothing is guessed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.desk import Desk
from agent.runner import Runner
from agent.store import CaseSummary
from policies.remote.completions import ClientSettings, Completions
from policies.remote.server import RemoteScorer
from tests.agent.app import TinyApp
from tests.agent.script import OpenGate, settings
from tests.policies import lm
from tests.policies.completions_server import completions

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("fault", "words"),
    [("gone", "does not answer"), ("silent", "no answer within"), ("garbage", "Expected JSON"), ("nan", "log-probab")],
)
def test_an_operator_is_asked_when_the_model_server_fails(
    fault: str, words: str, tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    reasons: list[str] = []

    async def operator(desk: Desk) -> None:
        async for waiting in desk:
            reasons.append(waiting.reason)
            assert waiting.proposal is None
            await desk.end_session(waiting.id, "kim")

    with completions({"policy": lm.model()}, lm.language()) as served:
        served.fault = fault
        url = "http://127.0.0.1:9/v1" if fault == "gone" else served.url
        client = Completions(ClientSettings(url=url, timeout=0.3 if fault == "silent" else 60.0), lambda seconds: None)
        policy = lm.policy(reach=lm.WHOLE.but(budget=1_000_000))
        policy.scorer = RemoteScorer(client, {"policy": "policy"}, lm.language())

        async def scenario() -> CaseSummary:
            desk = Desk()
            chosen = settings(tiny, run_dir, stage="selective")
            async with Runner(chosen, policy, lambda _: OpenGate(), desk) as run:
                working = asyncio.create_task(operator(desk))
                async with asyncio.timeout(120):
                    (summary,) = await run.run(["C-1"])
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            return summary

        summary = portal.call(scenario)
        client.close()
    assert summary.status == "ended_by_operator" and summary.steps == 0
    assert len(reasons) == 1 and words in reasons[0]
    assert tiny.decided == {} and tiny.changes == []
