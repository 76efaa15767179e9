"""The agent's hands on the practice BPM's own widgets: the ends of a case, with their confirmation dialogs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from agent.demo.record import PROFILE
from agent.worklist import open_cases
from browser.page import new_case_page
from fixtures.bpm.pages import PAGE_SIZE
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings
from fixtures.bpm.truth import CaseTruth
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import FLAWLESS
from schema_extraction.action import Action, CloseCase, TransferCase
from schema_extraction.profile import load_profile


def close(truth: CaseTruth) -> Action:
    return CloseCase(resolution=truth.resolution)


def transfer(truth: CaseTruth) -> Action:
    return TransferCase(team=truth.team)


@pytest.mark.browser
@pytest.mark.parametrize("end", [close, transfer])
def test_done_means_that_the_case_is_over(
    portal: BlockingPortal, agent_browser: Browser, tmp_path: Path, end: Callable[[CaseTruth], Action]
) -> None:
    async def work() -> None:
        db = tmp_path / "bpm.sqlite"
        async with running_bpm(BpmSettings(db=db, cases=30, splits=("test",))) as base_url:
            oracle = Oracle(db)
            wanted = next(c for c in oracle.case_ids() if bool(oracle.truth(c).team) == (end is transfer))
            page = await new_case_page(agent_browser, load_profile(PROFILE).model_copy(update={"base_url": base_url}))
            await page.sign_in("agent1", "practice")
            await page.open_case(wanted)
            operator = Operator(FLAWLESS, oracle)
            while (task := oracle.step(wanted).task) is not None and task.kind != "wrapup":
                await operator.do_step(page.page, wanted)
            outcome = await page.perform(await page.view(), end(oracle.truth(wanted)))
            view = await page.view()
            assert outcome.ok, outcome
            assert view.closed and view.dialog is None
            assert oracle.step(wanted).over
            oracle.close()
            await page.close()

    portal.call(work)


@pytest.mark.browser
def test_every_page_of_the_work_list_is_read(portal: BlockingPortal, agent_browser: Browser, tmp_path: Path) -> None:
    async def work() -> list[str]:
        settings = BpmSettings(db=tmp_path / "bpm.sqlite", cases=PAGE_SIZE + 5, splits=("test",))
        async with running_bpm(settings) as base_url:
            profile = load_profile(PROFILE).model_copy(update={"base_url": base_url})
            page = await new_case_page(agent_browser, profile)
            await page.sign_in("agent1", "practice")
            found = await open_cases(page, profile)
            await page.close()
            return found

    assert len(set(portal.call(work))) == PAGE_SIZE + 5
