"""An operator's own browser at the console."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.agent.console.staffed import PASSWORD, Staffed

expect.set_options(timeout=60_000)


@asynccontextmanager
async def screen(browser: Browser, address: str, name: str = "kim", **context: Any) -> AsyncIterator[Page]:
    """A page on the queue, signed in as `name`; what is not as it should be in the page's scripts fails the test."""
    made = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
    made.set_default_timeout(60_000)
    page = await made.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        await page.goto(f"{address}/login")
        await sign_in(page, name)
        await page.wait_for_url("**/queue")
        await live(page)
        yield page
        assert not errors, errors
    finally:
        await made.close()


async def sign_in(page: Page, name: str) -> None:
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def live(page: Page) -> None:
    """Return when the page's scripts run and it hears of what happens."""
    await page.locator("body[data-line=open]").wait_for()


async def go(page: Page, address: str) -> None:
    """Open a page of the console."""
    await page.goto(address)
    await live(page)


async def ready(page: Page, id: str) -> None:
    """Return when the card of a hand-off is there and takes answers."""
    await page.locator(f"#card:not([aria-busy=true]) article[data-handoff='{id}']").wait_for()


async def point(run: Staffed, page: Page, find: Callable[[Page], Any], session: str = "") -> tuple[float, float]:
    """Where in the operator's window an element of the page that they drive is drawn. `session`: default the only one."""
    lives = run.runner.worker.lives
    live = lives[session or next(iter(lives))]
    assert live.page
    box = await find(live.page.page).bounding_box()
    shown = await page.locator("#picture").bounding_box()
    size = live.page.page.viewport_size
    assert box and shown and size
    x = shown["x"] + (box["x"] + box["width"] / 2) / size["width"] * shown["width"]
    return x, shown["y"] + (box["y"] + box["height"] / 2) / size["height"] * shown["height"]
