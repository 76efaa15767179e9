"""The console beside agents that work cases of the practice BPM, with a policy that knows what is right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agent.bench.handoff.knowing import KnowingPolicy
from agent.demo.record import PROFILE
from agent.settings import Credentials, RunSettings
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings
from fixtures.operators.oracle import Oracle
from policies.gate import Gate
from policies.proposal import History, Proposal
from schema_extraction.action import Action, CloseCase
from schema_extraction.profile import load_profile
from schema_extraction.view import View
from tests.agent.console.staffed import Staffed, staffed


class Ranking(KnowingPolicy):
    """Also offers the other resolutions where it would close a case."""

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        best = tuple(proposal for proposal in super().propose(view, history) if proposal.action.type != "wait")
        return best + tuple(Proposal(action=other, probability=0.1 / n) for n, other in enumerate(_others(view, best), start=2))


def _others(view: View, best: tuple[Proposal, ...]) -> list[Action]:
    action = best[0].action if best else None
    part = view.part("close_case", "resolution")
    if not isinstance(action, CloseCase) or part is None:
        return []
    return [action.but(resolution=o.label) for o in part.options if o.value and o.label != action.resolution][:2]


@asynccontextmanager
async def practising(folder: Path, cases: int = 6, **changes: Any) -> AsyncIterator[Staffed]:
    """A run in copilot on so many cases of the practice BPM, whose database is `bpm.sqlite` in `folder`. `console`: settings of
    the console; others are the run's."""
    db = folder / "bpm.sqlite"
    console = changes.pop("console", {})
    gates = changes.pop("gates", lambda _: Gate("copilot"))
    bpm = BpmSettings(db=db, cases=cases, splits=("test",), answer_seconds=(0.0, 0.02))
    async with running_bpm(bpm) as base_url:
        oracle = Oracle(db)
        settings = RunSettings(
            **{
                "profile": load_profile(PROFILE).model_copy(update={"base_url": base_url}),
                "run_dir": folder / "run",
                "stage": "copilot",
                "concurrency": 3,
                "credentials": Credentials(username="agent1", password=SecretStr("practice")),
                "operator": "kim",
            }
            | changes
        )
        policy = Ranking(db)
        try:
            async with staffed(settings, policy, oracle.case_ids(), gates, **console) as run:
                yield run
        finally:
            policy.close()
            oracle.close()
