"""Record a scripted operator at work on the practice BPM; then the hands do the recorded steps on an untouched copy of it."""

from __future__ import annotations

import asyncio
import time
from importlib.resources import files
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from browser.page import CasePage, new_case_page
from browser.recorder import Recorder
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import PERSONAS
from schema_extraction.action import Action, Outcome
from schema_extraction.profile import Profile, load_profile
from schema_extraction.view import View

pytestmark = pytest.mark.browser
PROFILE = load_profile(Path(str(files("fixtures.bpm").joinpath("profile.yaml"))))
CASES = 2
BUSY_SECONDS = 15.0


def profile(url: str) -> Profile:
    return PROFILE.model_copy(update={"base_url": url})


def settings(folder: Path, name: str) -> BpmSettings:
    return BpmSettings(db=folder / f"{name}.sqlite", cases=8)


def ends(oracle: Oracle, cases: list[str]) -> list[bool]:
    still_open = set(oracle.case_ids())
    return [case not in still_open for case in cases]


async def record(browser: Browser, folder: Path) -> list[tuple[str, list[Action]]]:
    """The actions of an operator on a few cases, case by case."""
    told: dict[str, list[Action]] = {}

    def on_step(view: View, action: Action) -> None:
        told.setdefault(view.case_id or "", []).append(action)

    async with running_bpm(settings(folder, "worked")) as url:
        oracle = Oracle(folder / "worked.sqlite")
        operator = Operator(next(iter(PERSONAS.values())), oracle)
        context = await browser.new_context()
        page = await context.new_page()
        await operator.sign_in(page, url)
        recorder = Recorder(page, profile(url), on_step)
        await recorder.start()
        cases = oracle.case_ids()[:CASES]
        for case in cases:
            await operator.work_case(page, case, url)
        await recorder.flush()
        await recorder.stop()
        await context.close()
        assert ends(oracle, cases) == [True] * CASES
    return [(case, told[case]) for case in cases]


async def awake(page: CasePage) -> View:
    """The view once the desk is no longer busy with what was done last."""
    deadline = time.monotonic() + BUSY_SECONDS
    view = await page.view()
    while view.busy and (left := deadline - time.monotonic()) > 0:
        await page.changed(left)
        view = await page.view()
    return view


async def repeat(browser: Browser, folder: Path, recorded: list[tuple[str, list[Action]]]) -> tuple[list[Outcome], list[bool]]:
    async with running_bpm(settings(folder, "repeated")) as url:
        page = await new_case_page(browser, profile(url))
        await page.sign_in("agent1", "practice")
        outcomes = []
        for case, actions in recorded:
            await page.open_case(case)
            for action in actions:
                outcomes.append(await page.perform(await awake(page), action))
        await page.close()
        return outcomes, ends(Oracle(folder / "repeated.sqlite"), [case for case, _ in recorded])


def test_what_was_recorded_can_be_done_again(portal: BlockingPortal, agent_browser: Browser, tmp_path: Path) -> None:
    async def both() -> None:
        recorded = await record(agent_browser, tmp_path)
        outcomes, ended = await asyncio.wait_for(repeat(agent_browser, tmp_path, recorded), 120)
        assert [outcome for outcome in outcomes if not outcome.ok] == []
        assert ended == [True] * CASES

    portal.call(both)
