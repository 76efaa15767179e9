"""The live picture of a headless page."""

from __future__ import annotations

import asyncio

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser.errors import PageError
from browser.screencast import Frame, Screencast, ScreencastSettings, Watcher

pytestmark = pytest.mark.browser
MOVING = """<!doctype html><body style="font: 80px monospace"><p id=n>0</p><script>
  let count = 0;
  const step = () => { n.textContent = ++count; requestAnimationFrame(step); };
  requestAnimationFrame(step);
</script>"""


def frame(number: int) -> Frame:
    return Frame(number=number, jpeg=b"", width=1, height=1)


def test_the_latest_picture_wins(portal: BlockingPortal) -> None:
    async def scenario() -> list[int]:
        watcher = Watcher(frame(1))
        watcher.put(frame(2))
        watcher.put(frame(3))
        got = [(await anext(watcher)).number]
        watcher.put(frame(4))
        watcher.end()
        return got + [shown.number async for shown in watcher]

    assert portal.call(scenario) == [3, 4]


def test_a_moving_page_is_shown_to_all_who_watch_and_then_costs_nothing(portal: BlockingPortal, agent_page: Page) -> None:
    async def scenario() -> None:
        await agent_page.set_content(MOVING)
        cast = Screencast(agent_page, ScreencastSettings(quality=40))
        async with asyncio.timeout(60):
            async with cast.watch() as first:
                early = await anext(first)
                assert early.jpeg.startswith(b"\xff\xd8") and (early.width, early.height) == (1280, 720)
                async with cast.watch() as second:
                    late = await anext(second)
                    assert late.number >= early.number
                    numbers = [(await anext(first)).number for _ in range(5)]
                    assert numbers == sorted(set(numbers))
            assert cast._session is None
            async with cast.watch() as again:
                assert (await anext(again)).number > numbers[-1]

    portal.call(scenario)


def test_the_pictures_end_with_the_page(portal: BlockingPortal, agent_page: Page) -> None:
    async def scenario() -> int:
        await agent_page.set_content("<p>still")
        cast = Screencast(agent_page)
        async with asyncio.timeout(60):
            async with cast.watch() as frames:
                await anext(frames)
                await agent_page.close()
                count = len([shown async for shown in frames])
            with pytest.raises(PageError, match="cannot be watched"):
                async with cast.watch():
                    pass
        return count

    assert portal.call(scenario) <= 1
