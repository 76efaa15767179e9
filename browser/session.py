"""A browser for as long as it is needed, the DevTools address under which others can join it, and joining one."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Page, StorageState, async_playwright
from playwright.async_api import Error as PlaywrightError

from browser.errors import PageError
from browser.launch import BrowserSettings, launch
from browser.wire import listens, target_id

__all__ = [
    "Browser",
    "BrowserContext",
    "Page",
    "StorageState",
    "attached",
    "find_page",
    "free_port",
    "new_window",
    "opened",
    "target_id",
    "visit",
]


def free_port() -> int:
    """A loopback TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def opened(settings: BrowserSettings) -> AsyncIterator[Browser]:
    """A started browser, closed at the end with everything in it.

    Raises:
        LaunchError: there is none, or it does not start.
    """
    async with async_playwright() as playwright:
        browser = await launch(playwright, settings)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def attached(endpoint: str, guest: bool = False) -> AsyncIterator[Browser]:
    """A running browser joined over its DevTools endpoint, such as ``http://127.0.0.1:9222``; left running at the end.

    A `guest` leaves what the browser does with downloads, fonts and the focus in its person's own tabs as it is.

    Raises:
        PageError: nobody answers there.
    """
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.connect_over_cdp(endpoint, timeout=10_000, no_defaults=guest)
        except PlaywrightError as error:
            raise PageError(
                f"No browser answers at {endpoint!r}. Start one with --remote-debugging-port, or drop --attach."
            ) from error
        listens(browser, endpoint)
        try:
            yield browser
        finally:
            await browser.close()


HEARD_SECONDS = 2.0
"""For so long a page that another client has opened may be unknown."""


async def find_page(browser: Browser, target: str) -> Page:
    """The page with this CDP target id in a browser joined with `attached`, which hears of new pages a moment late.

    Raises:
        PageError: no open page has it.
    """
    deadline = time.monotonic() + HEARD_SECONDS
    while True:
        for context in browser.contexts:
            for page in context.pages:
                if await target_id(page) == target:
                    return page
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.05)
    raise PageError(f"No open page has the target id {target!r}; it was closed or evicted. Claim the hand-off again.")


async def new_window(browser: Browser) -> Page:
    """A window in the person's own context of a browser joined with `attached`. In a tab, either it or theirs would be
    hidden, and a hidden page draws nothing, so that much of what waits to be drawn never happens.

    Raises:
        PageError: the window does not open.
    """
    try:
        session = await browser.new_browser_cdp_session()
        made = await session.send("Target.createTarget", {"url": "about:blank", "newWindow": True})
        await session.detach()
    except PlaywrightError as error:
        first = str(error).splitlines()[0]
        raise PageError(f"The browser opens no window: {first} Is it running still?") from error
    return await find_page(browser, made["targetId"])


async def visit(page: Page, url: str) -> None:
    """Open an address as a person would type it.

    Raises:
        PageError: nobody answers there.
    """
    try:
        await page.goto(url, wait_until="domcontentloaded", timeout=20_000)
    except PlaywrightError as error:
        first = str(error).strip().splitlines()[0].removeprefix("Page.goto: ")
        raise PageError(f"Cannot open {url!r}: {first}. Is the application running, and the address right?") from error
