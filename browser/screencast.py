"""A live picture of one page, also of a headless one: JPEG frames by the DevTools protocol, the latest for each watcher.

https://chromedevtools.github.io/devtools-protocol/tot/Page/#method-startScreencast
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from loguru import logger
from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

from browser.errors import PageError
from schema_extraction.view import Frozen


class ScreencastSettings(Frozen):
    """`quality`: of the JPEG, 0 to 100. `most_width`, `most_height`: of a frame in pixels; a larger page is scaled down.
    `most_per_second`: frames are not asked for faster than this, for each costs the browser some milliseconds."""

    quality: int = 60
    most_width: int = 1600
    most_height: int = 1200
    most_per_second: float = 15.0


class Frame(Frozen):
    """One picture. `number` counts up from 1. `width`, `height`: of the page's viewport in CSS pixels, which the picture shows
    in full however many pixels it has itself."""

    number: int
    jpeg: bytes
    width: float
    height: float


class Watcher:
    """One who watches. A frame that comes while the one before has not been taken yet replaces it."""

    def __init__(self, latest: Frame | None) -> None:
        self._frame = latest
        self._news = asyncio.Event()
        self._ended = False
        if latest is not None:
            self._news.set()

    def put(self, frame: Frame) -> None:
        self._frame = frame
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        while self._frame is None:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        frame, self._frame = self._frame, None
        return frame


class Screencast:
    """The live picture of one page. It runs while somebody watches:

    async with screencast.watch() as frames:
        async for frame in frames: ...

    The iteration ends when the page does.
    """

    def __init__(self, page: Page, settings: ScreencastSettings = ScreencastSettings()) -> None:
        self.page = page
        self.settings = settings
        self._watchers: set[Watcher] = set()
        self._latest: Frame | None = None
        self._count = 0
        self._session: CDPSession | None = None
        self._changing = asyncio.Lock()
        self._acks: set[asyncio.Task[None]] = set()
        self._next_ack = 0.0

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Watcher]:
        """Frames from now on, the present one first.

        Raises:
            PageError: the page is gone.
        """
        watcher = Watcher(self._latest)
        self._watchers.add(watcher)
        try:
            await self._run()
            yield watcher
        finally:
            self._watchers.discard(watcher)
            await self._run()

    async def size(self) -> tuple[float, float]:
        """Width and height of the viewport that the pictures show, in CSS pixels.

        Raises:
            PageError: the page is gone.
        """
        if self._latest is not None:
            return self._latest.width, self._latest.height
        if (size := self.page.viewport_size) is not None:
            return size["width"], size["height"]
        try:
            width, height = await self.page.evaluate("[innerWidth, innerHeight]")
        except PlaywrightError as error:
            raise PageError(f"The page {self.page.url!r} has gone. Claim the step again.") from error
        return width, height

    async def _run(self) -> None:
        """Start, or stop, as there are watchers."""
        async with self._changing:
            if self._watchers and self._session is None:
                await self._start()
            elif not self._watchers and self._session is not None:
                await self._stop()

    async def _start(self) -> None:
        settings = self.settings
        try:
            session = await self.page.context.new_cdp_session(self.page)
            session.on("Page.screencastFrame", self._on_frame)
            await session.send(
                "Page.startScreencast",
                {
                    "format": "jpeg",
                    "quality": settings.quality,
                    "maxWidth": settings.most_width,
                    "maxHeight": settings.most_height,
                    "everyNthFrame": 1,
                },
            )
        except PlaywrightError as error:
            raise PageError(f"The page {self.page.url!r} cannot be watched: it has gone. Claim the step again.") from error
        self._session = session
        self.page.once("close", self._on_close)

    async def _stop(self) -> None:
        session, self._session, self._latest = self._session, None, None
        self.page.remove_listener("close", self._on_close)
        for task in list(self._acks):
            task.cancel()
        await asyncio.gather(*self._acks, return_exceptions=True)
        if session is None or self.page.is_closed():
            return
        try:
            await session.send("Page.stopScreencast")
            await session.detach()
        except PlaywrightError as error:
            logger.debug("The picture of {!r} ended with its page: {}", self.page.url, error)

    def _on_frame(self, event: dict[str, Any]) -> None:
        meta = event["metadata"]
        self._count += 1
        frame = Frame(
            number=self._count,
            jpeg=base64.b64decode(event["data"]),
            width=meta["deviceWidth"],
            height=meta["deviceHeight"],
        )
        self._latest = frame
        for watcher in self._watchers:
            watcher.put(frame)
        task = asyncio.create_task(self._ack(event["sessionId"]))
        self._acks.add(task)
        task.add_done_callback(self._acks.discard)

    async def _ack(self, number: int) -> None:
        """Ask for the next frame, when it is time for that."""
        loop = asyncio.get_running_loop()
        due = max(self._next_ack, loop.time())
        self._next_ack = due + 1 / self.settings.most_per_second
        await asyncio.sleep(due - loop.time())
        if self._session is None:
            return
        try:
            await self._session.send("Page.screencastFrameAck", {"sessionId": number})
        except PlaywrightError as error:
            logger.debug("The picture of {!r} ended with its page: {}", self.page.url, error)

    def _on_close(self, _: object) -> None:
        for watcher in self._watchers:
            watcher.end()
