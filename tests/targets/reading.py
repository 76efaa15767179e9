"""A page of a third-party application as casepilot reads it, held against what a person wrote down about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page

from browser.capture import capture, install
from fixtures.pages.truth import Completeness, PageTruth, compare, read_truth
from schema_extraction.extract import extract


@contextmanager
def window(portal: BlockingPortal, browser: Browser) -> Iterator[Page]:
    """A page in the window that the truths were written for: their language, time zone and size."""

    async def start() -> Page:
        context = await browser.new_context(locale="en-US", timezone_id="UTC", viewport={"width": 1280, "height": 900})
        page = await context.new_page()
        page.set_default_timeout(15_000)
        await install(page)
        return page

    page = portal.call(start)
    yield page
    portal.call(page.context.close)


def truth_of(state: str) -> PageTruth:
    """What a person sees in a state, such as "viewflow-login"."""
    return read_truth(Path(str(files("fixtures.targets") / "truth" / f"{state}.json")))


async def completeness(page: Page, state: str) -> Completeness:
    """How complete and how right casepilot reads the page as it stands."""
    return compare(truth_of(state), extract(await capture(page)))


def report(state: str, found: Completeness) -> str:
    """The figures on one line, then each fault on its own."""
    shares = {name: value for name, value in found if name != "wrong"}
    figures = ", ".join(f"{name} {share:.3f}" for name, share in shares.items())
    return "\n  ".join((f"{state}: {figures}", *found.wrong))


def assert_complete(state: str, found: Completeness) -> None:
    """Nearly every control is there under its name, hardly one that is not, and what they hold is right."""
    told = report(state, found)
    print(told)
    assert found.recall >= 0.98, told
    assert found.precision >= 0.95, told
    shares = (found.values, found.options, found.states, found.facts, found.messages, found.cells, found.notices)
    assert min(shares) == 1.0, told
    assert not [fault for fault in found.wrong if fault.startswith("dialog")], told
