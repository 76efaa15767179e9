"""The requests of one page: which are under way, and what came of those that an action set off."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame, Page, Request, Response

TRACKED = frozenset({"document", "xhr", "fetch", "script", "stylesheet"})
"""What can still change the page. Event streams, sockets, beacons, images and media may go on for ever."""
PATIENCE = 3.0
"""Seconds after which a GET by script that is still open counts as a long poll, and is no longer waited for."""
POLLS = 2
"""A GET by script that came this often while nobody acted is a poll, and proves nothing about an action."""


@dataclass
class Exchange:
    """One tracked request. `status` is 0 until there is an answer; `failure` is the browser's own error text."""

    serial: int
    method: str
    url: str
    kind: str
    frame: Frame | None
    navigation: bool
    started: float
    status: int = 0
    failure: str = ""
    done: bool = False

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")

    @property
    def place(self) -> tuple[str, str]:
        return self.method, urlsplit(self.url).path


class Traffic:
    """Follows a page's requests from its events. `serial` counts the requests so far, `navigations` the main frame's."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.serial = 0
        self.navigations = 0
        self.acting = False
        self.crashed = False
        self._open: dict[Request, Exchange] = {}
        self._log: deque[Exchange] = deque(maxlen=512)
        self._polls: Counter[tuple[str, str]] = Counter()
        self._changed = asyncio.Event()
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("requestfinished", self._on_end)
        page.on("requestfailed", self._on_failed)
        page.on("framenavigated", self._on_navigated)
        page.on("crash", self._on_crash)

    def since(self, serial: int) -> list[Exchange]:
        """The exchanges after `serial`, polls aside."""
        return [e for e in self._log if e.serial > serial and self._polls[e.place] < POLLS]

    def undecided(self) -> list[Exchange]:
        """Requests under way without which nobody can tell what came of an action: all that write, and the page's own next
        document, to which many applications send the browser on after they have taken what was sent."""
        main = self.page.main_frame
        return [e for e in self._open.values() if e.writes or (e.navigation and e.frame in (main, None))]

    def leaving_for(self) -> str | None:
        """The address that the page is on its way to and that has not answered yet."""
        main = self.page.main_frame
        return next((e.url for e in self._open.values() if e.navigation and e.frame in (main, None) and not e.status), None)

    def busy(self) -> bool:
        """Whether a request is under way that can still change the page."""
        now = time.monotonic()
        for request, exchange in list(self._open.items()):
            if now - exchange.started > PATIENCE and not exchange.writes and exchange.kind in ("xhr", "fetch"):
                del self._open[request]
        return bool(self._open)

    async def idle(self, deadline: float) -> bool:
        """Wait until no tracked request is under way; False when `deadline` (monotonic seconds) came first."""
        while self.busy():
            now = time.monotonic()
            if now >= deadline or self.crashed:
                return False
            oldest = min(e.started for e in self._open.values())
            until = min(deadline, max(oldest + PATIENCE, now) + 0.01)
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), until - now)
            except TimeoutError:
                continue
        return True

    def _on_request(self, request: Request) -> None:
        kind = request.resource_type
        if kind not in TRACKED:
            return
        try:
            frame: Frame | None = request.frame
        except PlaywrightError:  # a navigation whose frame is not there yet, or a service worker's request
            frame = None
        self.serial += 1
        exchange = Exchange(
            self.serial, request.method, request.url, kind, frame, request.is_navigation_request(), time.monotonic()
        )
        self._open[request] = exchange
        self._log.append(exchange)
        if not self.acting and not exchange.writes and kind in ("xhr", "fetch"):
            self._polls[exchange.place] += 1
        self._changed.set()

    def _on_response(self, response: Response) -> None:
        exchange = self._open.get(response.request)
        if exchange is None:
            return
        exchange.status = response.status
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            self._close(response.request)

    def _on_end(self, request: Request) -> None:
        self._close(request)

    def _on_failed(self, request: Request) -> None:
        if exchange := self._open.get(request):
            exchange.failure = request.failure or "failed"
        self._close(request)

    def _close(self, request: Request) -> None:
        if exchange := self._open.pop(request, None):
            exchange.done = True
            self._changed.set()

    def _on_navigated(self, frame: Frame) -> None:
        if frame is self.page.main_frame:
            self.navigations += 1
        # What the old document had asked for may end without a word; all of it is older than the newest navigation.
        newest = max((e.serial for e in self._log if e.navigation and e.frame is frame), default=0)
        for request, exchange in list(self._open.items()):
            if exchange.frame is frame and not exchange.navigation and exchange.serial < newest:
                self._close(request)
        self._changed.set()

    def _on_crash(self, page: Page) -> None:
        self.crashed = True
        self._open.clear()
        self._changed.set()
