"""The live picture of a headless page that an operator has taken over, in their own browser, while the page changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from agent.bench.handoff.card import HEIGHT, WIDTH, sign_in
from agent.bench.handoff.office import Practice, at_work, opened_office, outside
from agent.bench.handoff.results import Pictures
from agent.console.client import ConsoleClient
from browser.launch import BrowserSettings
from browser.session import Page, attached, find_page, opened

DRAWN = "Number(document.getElementById('picture').dataset.pictures ?? 0)"
KEY_MS, LINE, LINES = 40, 40, 10
"""Milliseconds from one key to the next, as a fast typist's; CSS pixels of a click of the wheel; so many clicks down, then up."""
LONGER = """(pixels) => {
  document.body.style.minHeight = `${innerHeight + pixels}px`;
  return document.documentElement.scrollHeight - innerHeight;
}"""


async def measure(folder: Path, practice: Practice, seconds: float, count: Callable[[], None]) -> tuple[Pictures, ...]:
    """`seconds`: of each kind of change.

    Raises:
        LaunchError: there is no browser. RunError: the operator's program died.
    """
    async with opened_office(folder, practice, concurrency=1) as office:
        async with outside(drive, office, office.password, seconds, count=count) as driving:
            async with at_work(office.runner, practice.cases):
                return await driving


def drive(
    address: str, token: str, db: Path, password: str, seconds: float, progress: Callable[[int, int], None]
) -> tuple[Pictures, ...]:
    """The operator's browser, with a process of its own."""
    return asyncio.run(_drive(address, token, password, seconds, progress))


async def _drive(
    address: str, token: str, password: str, seconds: float, progress: Callable[[int, int], None]
) -> tuple[Pictures, ...]:
    found: list[Pictures] = []
    async with opened(BrowserSettings()) as browser, ConsoleClient(address, token) as console:
        page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        await sign_in(page, address, password)
        id = ""
        async for event in console.events(lambda: progress(0, 2)):
            if event.name == "handoff" and event.data["change"] == "shown":
                id = event.data["id"]
                break
        seen = await console.handoff(id)
        async with attached(seen.card.devtools, guest=True) as agents:
            case = await find_page(agents, seen.target)
            box = await case.get_by_role("textbox", name="Reply").bounding_box()
            further = await case.evaluate(LONGER, LINES * LINE)
        await page.goto(f"{address}/sessions/{seen.card.session}/page")
        await page.locator("#picture[data-pictures]").wait_for()
        await page.get_by_role("button", name="Take over").click()
        await page.get_by_text("you drive").wait_for()
        shown = await page.locator("#picture").bounding_box()
        # Both were on the screen just now; a wheel that moves nothing would measure nothing.
        assert box is not None and shown is not None and further >= LINES * LINE
        size = await page.evaluate("[document.getElementById('picture').width, document.getElementById('picture').height]")
        x = shown["x"] + (box["x"] + box["width"] / 2) * shown["width"] / size[0]
        y = shown["y"] + (box["y"] + box["height"] / 2) * shown["height"] / size[1]
        await page.mouse.click(x, y)

        async def scroll(number: int) -> None:
            await page.mouse.wheel(0, LINE if number // LINES % 2 == 0 else -LINE)
            await page.wait_for_timeout(KEY_MS)

        for what, change in (("typing", lambda _: page.keyboard.type("a", delay=KEY_MS)), ("scrolling", scroll)):
            found.append(await _while(page, what, seconds, change))
            progress(len(found), 2)
        await page.get_by_role("button", name="Give back").click()
    return tuple(found)


async def _while(page: Page, what: str, seconds: float, change: Callable[[int], Awaitable[None]]) -> Pictures:
    """Change the page again and again for so long, and count what was drawn meanwhile."""
    before, started, number = int(await page.evaluate(DRAWN)), time.monotonic(), 0
    while time.monotonic() - started < seconds:
        await change(number)
        number += 1
    drawn = int(await page.evaluate(DRAWN)) - before
    return Pictures(what=what, seconds=round(time.monotonic() - started, 2), frames=drawn)
