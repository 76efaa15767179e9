"""Asking a page's main frame: the same over a DevTools connection of the page's own and through Playwright's driver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from browser import wire
from browser.errors import moved_on
from browser.launch import BrowserSettings
from browser.session import free_port, opened

pytestmark = pytest.mark.browser
SLEEP = "seconds => new Promise((done) => setTimeout(() => done('awake'), seconds * 1000))"


@pytest.fixture(scope="module", params=["own line", "driver", "nobody listens"])
def chromium(request: pytest.FixtureRequest, portal: BlockingPortal) -> Iterator[Browser]:
    settings = BrowserSettings(devtools_port=free_port() if request.param == "own line" else 0)
    with portal.wrap_async_context_manager(opened(settings)) as started:
        if request.param == "nobody listens":
            wire.listens(started, f"http://127.0.0.1:{free_port()}")
        yield started


@pytest.fixture
def page(portal: BlockingPortal, chromium: Browser) -> Iterator[Page]:
    page = portal.call(chromium.new_page)
    yield page
    portal.call(page.close)


def test_answers_are_json_promises_are_awaited_and_many_may_ask_at_once(portal: BlockingPortal, page: Page) -> None:
    async def scenario() -> None:
        await page.set_content("<p>Ωmega")
        asked = [wire.ask(page, "n => ({n, text: document.body.textContent.trim()})", n) for n in range(20)]
        assert await asyncio.gather(*asked) == [{"n": n, "text": "Ωmega"} for n in range(20)]
        assert await wire.ask(page, SLEEP, 0.01) == "awake"
        assert await wire.ask(page, "() => undefined", {}) is None

    portal.call(scenario)


def test_a_large_answer_arrives_whole(portal: BlockingPortal, page: Page) -> None:
    assert len(portal.call(wire.ask, page, "n => 'x'.repeat(n)", 9_000_000)) == 9_000_000


def test_what_the_function_throws_is_said(portal: BlockingPortal, page: Page) -> None:
    with pytest.raises(PlaywrightError, match="no such field"):
        portal.call(wire.ask, page, "() => { throw new Error('no such field'); }", {})


def test_a_question_given_up_leaves_the_line_as_it_was(portal: BlockingPortal, page: Page) -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await wire.ask(page, SLEEP, 0.3)
        assert await wire.ask(page, "n => n", 1) == 1
        await asyncio.sleep(0.4)  # the answer that nobody waits for has come
        assert await wire.ask(page, "n => n", 2) == 2

    portal.call(scenario)


@pytest.mark.parametrize("address", ["data:text/html,<p>next", "about:blank"])
def test_a_document_that_goes_away_is_an_error_and_the_next_one_answers(
    portal: BlockingPortal, page: Page, address: str
) -> None:
    async def scenario() -> None:
        await page.goto("data:text/html,<p>first")
        asked = asyncio.create_task(wire.ask(page, SLEEP, 60))
        await asyncio.sleep(0.1)
        await page.goto(address)
        async with asyncio.timeout(5):
            with pytest.raises(PlaywrightError) as caught:
                await asked
        assert moved_on(caught.value)
        assert await wire.ask(page, "() => location.href", {}) == address

    portal.call(scenario)


def test_a_page_that_is_closed_is_said_to_be(portal: BlockingPortal, chromium: Browser) -> None:
    async def scenario() -> None:
        page = await chromium.new_page()
        asked = asyncio.create_task(wire.ask(page, SLEEP, 60))
        await asyncio.sleep(0.1)
        await page.close()
        async with asyncio.timeout(5):
            with pytest.raises(PlaywrightError, match="closed"):
                await asked
            with pytest.raises(PlaywrightError, match="closed"):
                await wire.ask(page, SLEEP, 0)

    portal.call(scenario)


@pytest.mark.parametrize("chromium", ["own line"], indirect=True)
def test_a_page_that_crashes_keeps_nobody_waiting(portal: BlockingPortal, chromium: Browser) -> None:
    async def scenario() -> None:
        page = await chromium.new_page()
        asked = asyncio.create_task(wire.ask(page, SLEEP, 60))
        await asyncio.sleep(0.1)
        with pytest.raises(PlaywrightError):
            await page.goto("chrome://crash", timeout=2000)
        async with asyncio.timeout(5):
            with pytest.raises(PlaywrightError, match="crashed"):
                await asked
            with pytest.raises(PlaywrightError, match="crashed"):
                await wire.ask(page, SLEEP, 0)
        await page.close()

    portal.call(scenario)


@pytest.mark.parametrize("chromium", ["own line"], indirect=True)
def test_a_line_that_is_cut_is_gone_around(portal: BlockingPortal, page: Page) -> None:
    async def scenario() -> None:
        await wire.ask(page, "n => n", 1)
        line = await wire._session(page)
        assert isinstance(line, wire._Line)
        asked = asyncio.create_task(wire.ask(page, SLEEP, 0.3))
        await asyncio.sleep(0.1)
        await line._socket.close()
        async with asyncio.timeout(5):
            assert await asked == "awake"
            assert await wire.ask(page, "n => n", 2) == 2

    portal.call(scenario)
