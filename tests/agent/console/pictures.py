"""Pictures of the console at work on the practice BPM: `python -m tests.agent.console.pictures FOLDER [--all]`.

Two of them, for the README; with `--all` every page, light and dark, on a desk and on a tablet.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, Page, async_playwright, expect

from agent.handoff import Handoff
from browser.launch import launch
from tests.agent.console.practice import practising
from tests.agent.console.screen import go, point, screen
from tests.agent.console.staffed import Staffed

DESK = {"width": 1280, "height": 800}


async def waiting(run: Staffed, number: int) -> list[Handoff]:
    while len(found := [one.handoff for one in run.parts.floor.waiting() if one.handoff.screenshot]) < number:
        await asyncio.sleep(0.1)
    return found


async def drive(run: Staffed, page: Page, handoff: Handoff) -> None:
    """Take the page of a hand-off over and enter something."""
    await go(page, f"{run.address}/handoffs/{handoff.id}")
    await page.keyboard.press("t")
    await expect(page.locator("#driver")).to_have_text("you drive")
    await page.locator("#picture[data-pictures]").wait_for()
    field = next(one.name for one in handoff.view.controls if one.name in ("Order ID", "Account ID, e-mail or phone"))
    await page.mouse.click(*await point(run, page, lambda driven: driven.get_by_label(field), handoff.session))
    await page.keyboard.press("Control+A")
    await page.keyboard.type("AC-4711")
    await page.keyboard.press("Tab")
    await expect(page.locator("#done")).to_contain_text("AC-4711")


async def take(folder: Path, whole: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        with TemporaryDirectory() as work:
            async with practising(Path(work)) as run:
                await pages(run, browser, folder, await waiting(run, 6), whole)
        await browser.close()


async def pages(run: Staffed, browser: Browser, folder: Path, found: list[Handoff], whole: bool) -> None:
    message = next(one for one in found if one.suggestion.startswith("Send"))
    press = next(one for one in found if one.suggestion.startswith("Press"))
    async with screen(browser, run.address, "sam", viewport=DESK) as page:
        await go(page, f"{run.address}/handoffs/{message.id}")
        await page.screenshot(path=folder / "console-card.png")
        if whole:
            await every(run, page, folder, message, press)
        await drive(run, page, press)
        await page.screenshot(path=folder / "console-takeover.png")
        if whole:
            await page.emulate_media(color_scheme="dark")
            await page.screenshot(path=folder / "takeover-desk-dark.png")
            await page.set_viewport_size({"width": 1024, "height": 768})
            await page.screenshot(path=folder / "takeover-tablet-dark.png")
            await page.get_by_role("button", name="Give back").click()
            await page.locator("#returned").wait_for()
            await page.screenshot(path=folder / "given-back-tablet-dark.png")


async def every(run: Staffed, page: Page, folder: Path, message: Handoff, press: Handoff) -> None:
    kinds = {"card": f"/handoffs/{message.id}", "press": f"/handoffs/{press.id}", "session": f"/sessions/{press.session}"}
    for kind, path in (kinds | {kind: f"/{kind}" for kind in ("queue", "sessions", "audit", "supervision")}).items():
        await go(page, run.address + path)
        for name, (width, height) in {"desk": (1280, 800), "tablet": (1024, 768)}.items():
            await page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                await page.screenshot(path=folder / f"{kind}-{name}-{scheme}.png")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.emulate_media(color_scheme="light")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), "--all" in sys.argv))
