"""Shared fixtures.

casepilot's own code is asynchronous and runs in a loop of its own thread (`portal`); the `page` of pytest-playwright plays
the person at the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright

from browser.launch import BrowserSettings, find_chromium, launch, launch_args
from browser.session import free_port

AGAIN = 2
"""Browser tests that may fail once and pass the second time, in a run that still counts as passed."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser test that fails is run once more: it shares its machine with browsers that other tests drive. The summary names
    each, since behind one that passes the second time there may be a race in casepilot as well as one in the test."""
    for item in items:
        if item.get_closest_marker("browser") is not None:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """More than a few are no accident."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and len(reporter.stats.get("rerun", ())) > AGAIN:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    again = terminalreporter.stats.get("rerun", [])
    for report in again:
        terminalreporter.section(f"failed the first time: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
    if len(again) > AGAIN:
        terminalreporter.write_line(f"More than {AGAIN} browser tests failed the first time; mend them.", red=True)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """pytest-playwright's own browser: the same Chromium and switches as casepilot's."""
    return {**browser_type_launch_args, "executable_path": find_chromium(), "args": launch_args(BrowserSettings())}


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """Runs coroutines: `portal.call(function, *args)`."""
    with start_blocking_portal() as started:
        yield started


@pytest.fixture(scope="session")
def agent_browser(portal: BlockingPortal) -> Iterator[Browser]:
    """A headless Chromium in the portal's loop."""

    async def start() -> tuple[Playwright, Browser]:
        playwright = await async_playwright().start()
        return playwright, await launch(playwright, BrowserSettings(devtools_port=free_port()))

    async def stop() -> None:
        await started.close()
        await playwright.stop()

    playwright, started = portal.call(start)
    yield started
    portal.call(stop)


@contextmanager
def opened(portal: BlockingPortal, browser: Browser) -> Iterator[Page]:
    context: BrowserContext = portal.call(browser.new_context)
    yield portal.call(context.new_page)
    portal.call(context.close)


@pytest.fixture
def agent_page(portal: BlockingPortal, agent_browser: Browser) -> Iterator[Page]:
    """An asynchronous Playwright page in a context of its own; use it inside functions given to `portal.call`."""
    with opened(portal, agent_browser) as page:
        yield page
