"""Every widget of `fixtures.pages.hands`: what is told as done is done, and what is not done is told in words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page, Route

from browser.page import CasePage, PageSettings, new_case_page
from browser.perform.ground import HandSettings
from fixtures.pages.hands import SABOTAGED, WIDGETS, HandsSite, SabotagedCase, WidgetCase, act_bare, action_of
from schema_extraction.profile import Profile

pytestmark = pytest.mark.browser

PATIENCE = 1.0  # seconds that an application may take for work of its own after the page is at rest
SHORT = PageSettings(hands=HandSettings(answer=1.5))
Open = Callable[[WidgetCase | SabotagedCase, PageSettings], CasePage]


@pytest.fixture(scope="module")
def site() -> Iterator[HandsSite]:
    with HandsSite(WIDGETS + SABOTAGED) as running:
        yield running


@pytest.fixture
def open_widget(portal: BlockingPortal, agent_browser: Browser, site: HandsSite) -> Iterator[Open]:
    """Opens the page of a case, by no profile but an address."""
    opened: list[CasePage] = []

    def start(case: WidgetCase | SabotagedCase, settings: PageSettings) -> CasePage:
        profile = Profile(name="none", base_url=site.url, requests_per_second=1000)
        page = portal.call(new_case_page, agent_browser, profile, None, settings)
        opened.append(page)
        portal.call(page.goto, site.path(case))
        return page

    yield start
    for page in opened:
        portal.call(page.close)


async def truth_of(page: Page, case: WidgetCase) -> object:
    """What the widget itself says, once it says what is wanted, or when `PATIENCE` is over."""
    deadline = time.monotonic() + PATIENCE
    while (found := await page.evaluate(case.truth)) != case.wants and time.monotonic() < deadline:
        await page.wait_for_timeout(20)
    return found


@pytest.mark.parametrize("case", WIDGETS, ids=lambda case: case.name)
def test_a_widget_that_works_is_worked(portal: BlockingPortal, open_widget: Open, case: WidgetCase) -> None:
    page = open_widget(case, PageSettings())
    view = portal.call(page.view)
    outcome = portal.call(page.perform, view, action_of(case, view))
    assert outcome.result == "done", outcome
    assert portal.call(truth_of, page.page, case) == case.wants


@pytest.mark.parametrize("case", SABOTAGED, ids=lambda case: case.name)
def test_a_widget_that_does_not_work_is_never_called_done(
    portal: BlockingPortal, open_widget: Open, case: SabotagedCase
) -> None:
    page = open_widget(case, SHORT)
    view = portal.call(page.view)
    action = action_of(case, view)
    if case.meanwhile:
        portal.call(page.page.evaluate, case.meanwhile)
    outcome = portal.call(page.perform, view, action)
    assert outcome.result in case.allowed, outcome
    assert re.search(case.words, outcome.message), outcome


@pytest.mark.parametrize("case", WIDGETS[::8], ids=lambda case: case.name)
def test_plain_calls_do_the_same_work(portal: BlockingPortal, agent_page: Page, site: HandsSite, case: WidgetCase) -> None:
    async def run() -> object:
        await agent_page.goto(site.url + site.path(case))
        await act_bare(agent_page, case.bare)
        return await truth_of(agent_page, case)

    assert portal.call(run) == case.wants


@pytest.mark.parametrize("name", ["button that asks the server", "switch that the server confirms"])
def test_a_page_that_is_closed_in_the_middle_makes_the_outcome_unknown(
    portal: BlockingPortal, open_widget: Open, name: str
) -> None:
    case = next(case for case in WIDGETS if case.name == name)
    page = open_widget(case, SHORT)
    view = portal.call(page.view)

    async def close(route: Route) -> None:
        await page.page.close()

    portal.call(page.page.route, "**/ok", close)
    outcome = portal.call(page.perform, view, action_of(case, view))
    assert outcome.result == "unknown", outcome
    assert "closed" in outcome.message


def test_the_words_of_a_case_are_not_those_of_any_outcome() -> None:
    """A message that says nothing fits no case."""
    assert [case.name for case in SABOTAGED if re.search(case.words, "It did not work.")] == []


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len(WIDGETS) >= 60 and len(SABOTAGED) >= 30
    assert len({case.name for case in WIDGETS + SABOTAGED}) == len(WIDGETS + SABOTAGED)
