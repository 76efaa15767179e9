"""The hands on every widget that works and on every one that does not: what is done, what is told, and how long it takes.

The truth is what the widget itself says; the time is held against plain Playwright calls that do the same work unverified.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Callable, Sequence

from browser.errors import BrowserError
from browser.page import CasePage, PageSettings, new_case_page
from browser.perform.ground import HandSettings
from browser.session import Browser, Page
from fixtures.pages.hands import SABOTAGED, WIDGETS, HandsSite, SabotagedCase, WidgetCase, act_bare, action_of
from schema_extraction.profile import Profile
from schema_extraction.view import Frozen

PATIENCE = 1.0  # seconds that an application may take for work of its own after the page is at rest
THOUGHT = 0.1  # seconds between a page that is there and the action on it, in which a policy would make up its mind
IMPATIENT = PageSettings(hands=HandSettings(answer=1.5))

Progress = Callable[[], None]


class WidgetResult(Frozen):
    """One widget that works. `fault`: in words what is wrong, "" where it was done, verified and true every time. Times are
    milliseconds of an action at the median: by the hands, and by plain calls."""

    name: str
    kind: str
    fault: str = ""
    p50: float = 0.0
    bare: float = 0.0

    @property
    def ratio(self) -> float:
        return self.p50 / self.bare if self.bare else 0.0


class SabotageResult(Frozen):
    """One widget that does not. `fault`: in words, where "done" was told, or not what is known."""

    name: str
    result: str = ""
    message: str = ""
    fault: str = ""

    @property
    def false_done(self) -> bool:
        return self.result == "done"


def _profile(site: HandsSite) -> Profile:
    return Profile(name="none", base_url=site.url, requests_per_second=1000)


async def truth_of(page: Page, case: WidgetCase) -> object:
    """What the widget itself says, once it says what is wanted, or when `PATIENCE` is over."""
    deadline = time.monotonic() + PATIENCE
    while (found := await page.evaluate(case.truth)) != case.wants and time.monotonic() < deadline:
        await page.wait_for_timeout(20)
    return found


async def worked(
    browser: Browser, site: HandsSite, repeats: int, progress: Progress, cases: Sequence[WidgetCase] = WIDGETS
) -> tuple[WidgetResult, ...]:
    """Work every widget `repeats` times, by turns with plain calls.

    Raises:
        PageError: the pages cannot be opened.
    """
    found = []
    for case in cases:
        mine: list[float] = []
        bare: list[float] = []
        fault = ""
        for _ in range(repeats):
            seconds, wrong = await _once(browser, site, case)
            fault = fault or wrong
            mine.append(seconds)
            bare.append(await _bare(browser, site, case))
        found.append(
            WidgetResult(
                name=case.name,
                kind=case.kind,
                fault=fault,
                p50=round(1000 * statistics.median(mine), 1),
                bare=round(1000 * statistics.median(bare), 1),
            )
        )
        progress()
    return tuple(found)


async def _once(browser: Browser, site: HandsSite, case: WidgetCase) -> tuple[float, str]:
    page = await _opened(browser, site, site.path(case), PageSettings())
    try:
        view = await page.view()
        try:
            action = action_of(case, view)
        except LookupError as error:
            return 0.0, str(error)
        await asyncio.sleep(THOUGHT)
        started = time.perf_counter()
        outcome = await page.perform(view, action)
        seconds = time.perf_counter() - started
        if not outcome.ok:
            return seconds, f"{outcome.result}: {outcome.message}"
        found = await truth_of(page.page, case)
        return seconds, "" if found == case.wants else f"told as done, but the widget says {found!r}, not {case.wants!r}"
    finally:
        await page.close()


async def _bare(browser: Browser, site: HandsSite, case: WidgetCase) -> float:
    page = await browser.new_page()
    try:
        await page.goto(site.url + site.path(case))
        await page.query_selector(":root")  # as in the middle of a script: Playwright's own part is in the page already
        await asyncio.sleep(THOUGHT)
        started = time.perf_counter()
        await act_bare(page, case.bare)
        return time.perf_counter() - started
    finally:
        await page.close()


async def _opened(browser: Browser, site: HandsSite, path: str, settings: PageSettings) -> CasePage:
    page = await new_case_page(browser, _profile(site), None, settings)
    await page.goto(path)
    return page


async def sabotaged(
    browser: Browser, site: HandsSite, progress: Progress, cases: Sequence[SabotagedCase] = SABOTAGED
) -> tuple[SabotageResult, ...]:
    """Try every widget that does not do what it is told.

    Raises:
        PageError: the pages cannot be opened.
    """
    found = []
    for case in cases:
        page = await _opened(browser, site, site.path(case), IMPATIENT)
        try:
            view = await page.view()
            action = action_of(case, view)
            if case.meanwhile:
                await page.page.evaluate(case.meanwhile)
            outcome = await page.perform(view, action)
            fault = ""
            if outcome.result not in case.allowed:
                fault = f"{outcome.result} was told, {' or '.join(sorted(case.allowed))} is true"
            elif not re.search(case.words, outcome.message):
                fault = f"expected words like {case.words!r}, was told {outcome.message!r}"
            found.append(SabotageResult(name=case.name, result=outcome.result, message=outcome.message, fault=fault))
        except LookupError as error:
            found.append(SabotageResult(name=case.name, fault=str(error)))
        finally:
            try:
                await page.close()
            except BrowserError:
                pass  # some of these pages close themselves
        progress()
    return tuple(found)
