"""Cases of third-party applications worked from start to end: by casepilot's own actions, and again from a recording.

What came of them is read from the applications' own records. `casepilot bench hands` does the same with 20 cases each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from agent.bench.replays import Replays, measure, practice, third_party
from agent.bench.working import Done, work
from browser.page import new_case_page
from fixtures.targets.errors import UnavailableError
from fixtures.targets.formjs import running_formjs
from fixtures.targets.target import Target
from fixtures.targets.viewflow import running_viewflow
from fixtures.targets.work.kinds import WorkCase, load_work
from fixtures.targets.work.records import READERS, differences
from schema_extraction.profile import load_profile

pytestmark = pytest.mark.browser
SECONDS = 240


@pytest.fixture(scope="module")
def viewflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    try:
        with running_viewflow(tmp_path_factory.mktemp("viewflow"), load_work("viewflow").customers) as target:
            yield target
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def formjs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    try:
        with running_formjs(tmp_path_factory.mktemp("formjs")) as target:
            yield target
    except UnavailableError as error:
        pytest.skip(str(error))


async def work_all(browser: Browser, name: str, target: Target, cases: list[WorkCase]) -> list[list[Done]]:
    profile = load_profile(Path(str(files("fixtures.targets") / f"{name}.profile.yaml")))
    page = await new_case_page(browser, profile.model_copy(update={"base_url": target.url}))
    try:
        if target.user:
            await page.sign_in(target.user, target.password)
        return [await work(page, case) for case in cases]
    finally:
        await page.close()


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("rt5", {"hand over to another queue and wait": 4, "take a ticket and ask back": 5}),
        ("viewflow", {"approve or refuse a refund": 8, "inspect a fault": 9}),
        ("formjs", {"approve a refund": 0, "refuse a refund": 1}),
    ],
)
def test_cases_are_worked_from_start_to_end_by_casepilots_own_actions(
    name: str, chosen: dict[str, int], request: pytest.FixtureRequest, portal: BlockingPortal, agent_browser: Browser
) -> None:
    target: Target = request.getfixturevalue(name)
    target.reset()
    kinds = {kind.name: kind.work() for kind in load_work(name).kinds}
    cases = [kinds[kind][place] for kind, place in chosen.items()]
    for case in cases:
        assert differences(case.wants, READERS[name](target.folder, case.case)), "nothing has been done yet"
    for case, steps in zip(cases, portal.call(work_all, agent_browser, name, target, cases), strict=True):
        assert [(step.step.do, step.step.name, step.outcome.message) for step in steps if not step.outcome.ok] == []
        assert differences(case.wants, READERS[name](target.folder, case.case)) == []


def assert_same(replays: Replays, cases: int) -> None:
    print(replays)
    assert replays.faults == ()
    assert (replays.same, len(replays.cases)) == (cases, cases)
    assert all(case.steps >= 3 for case in replays.cases)


@pytest.mark.parametrize(("name", "cases"), [("rt5", 1), ("viewflow", 2)])
def test_recorded_work_replayed_on_a_reset_application_ends_the_same(
    name: str, cases: int, request: pytest.FixtureRequest, portal: BlockingPortal, agent_browser: Browser
) -> None:
    target: Target = request.getfixturevalue(name)

    async def replayed() -> Replays:
        return await asyncio.wait_for(measure(agent_browser, third_party(name, target, cases)), SECONDS)

    target.reset()
    assert_same(portal.call(replayed), cases)
    target.reset()  # for who uses it next


def test_recorded_work_at_the_practice_bpm_ends_the_same(
    portal: BlockingPortal, agent_browser: Browser, tmp_path: Path
) -> None:
    async def replayed() -> Replays:
        async with practice(tmp_path, cases=2) as desk:
            return await asyncio.wait_for(measure(agent_browser, desk), SECONDS)

    assert_same(portal.call(replayed), 2)
