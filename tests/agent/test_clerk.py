"""Cases of the practice BPM worked to their end by an operator who has nothing but the console's API."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.bench.handoff.many import CHOOSY
from agent.bench.handoff.office import opened_office, opened_practice
from agent.console.client import ConsoleClient
from agent.demo.clerk import Clerk
from fixtures.bpm.judge import judge
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from policies.feedback import Reason, Verdict
from schema_extraction.action import Action
from schema_extraction.view import View

pytestmark = pytest.mark.browser
SECONDS = 400
CASES = 3


class Fussy(Operator):
    """Does the second step of each case by hand."""

    def __init__(self, oracle: Oracle) -> None:
        super().__init__(CHOOSY, oracle, seed=3)
        self.asked: Counter[str] = Counter()

    def judge(self, case_id: str, view: View, action: Action) -> Verdict:
        self.asked[case_id] += 1
        if self.asked[case_id] == 2:
            return Verdict(kind="reject", operator=self.name, reason=Reason.PREFERENCE)
        return super().judge(case_id, view, action)


def test_a_program_with_a_token_works_cases_to_their_end(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with (
            asyncio.timeout(SECONDS),
            opened_practice(tmp_path, CASES) as practice,
            opened_office(tmp_path, practice, concurrency=2, open_pages=CASES) as office,
        ):
            told: Counter[tuple[str, str]] = Counter()
            office.runner.desk.watch(lambda id, change: told.update([(id, change)]))
            oracle = Oracle(office.db)
            try:
                async with (
                    ConsoleClient(office.address, office.token) as console,
                    Clerk(console, Fussy(oracle)) as clerk,
                ):
                    ready = asyncio.Event()
                    working = asyncio.create_task(clerk.work(ready.set))
                    await ready.wait()
                    summaries = await office.runner.run(practice.cases)
                    await working
                    assert not told - Counter(clerk.heard)
                    assert clerk.answered["reject"] >= CASES and clerk.answered["accept"] >= CASES
            finally:
                oracle.close()
            assert [summary.status for summary in summaries] == ["completed"] * CASES
            assert sum(summary.critical_operator for summary in summaries) >= CASES

    portal.call(scenario)
    assert all(verdict.outcome_right for verdict in judge(tmp_path / "bpm.sqlite"))
