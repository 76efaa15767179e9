"""The requests of one page: which are under way, and what came of those that an action set off."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter, deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame, Page, Request, Response

TRACKED = frozenset({"document", "xhr", "fetch", "script", "stylesheet"})
"""What can still change the page. Event streams, sockets, beacons, images and media may go on for ever."""
READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods by which nothing is sent that could change a record."""
PATIENCE = 3.0
"""Seconds after which a GET by script that is still open counts as a long poll, and is no longer waited for."""
UNREAD, SHORT = 0.1, 65_536
"""Seconds after its head in which a body of fewer bytes is there, whether or not a script reads it."""
POLLS = 2
"""A GET by script that came this often while nobody acted is a poll, and proves nothing about an action."""
SLOW = 0.3
"""Seconds for which a read by script has been open when it counts as one that hangs, should an action begin."""
HUNG = 2
"""A place that kept so many reads hanging that no action had begun is a long poll, and is not waited for."""
WRITE_PATIENCE = 15.0
"""Seconds after which a request other than a read that is still open is no longer waited for."""
TELEMETRY = re.compile(
    r"""^/(?:[a-z]{1,3}/|api/|v\d+/)*                                  # a short way, without anything that names a case
    (?:collect|beacons?|telemetry|analytics|metrics|rum|pixel|web-?vitals|jserrors?|csp-?reports?|insights)
    (?:/(?:v?\d{1,2}|events?|batch|track|collect|send|identify|page))*/?$
    |^/api/\d+/(?:envelope|store)/?$                                   # Sentry
    |^/b/ss/|^/cdn-cgi/(?:rum|beacon)""",
    re.VERBOSE | re.IGNORECASE,
)
"""Paths of requests by script that only tell an analyst what people do; what comes of them changes nothing on the page."""


@dataclass
class Exchange:
    """One tracked request. `status` is 0 until there is an answer, which comes at `answered` with a `short` body or not;
    `failure` is the browser's own error text. `aside`: nobody waits for its end, or does no longer."""

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
    answered: float = 0.0
    short: bool = False
    aside: bool = False

    @property
    def writes(self) -> bool:
        return self.method not in READS

    @property
    def scripted(self) -> bool:
        return self.kind in ("xhr", "fetch")

    @property
    def telemetry(self) -> bool:
        return self.scripted and bool(TELEMETRY.search(urlsplit(self.url).path))

    @property
    def place(self) -> tuple[str, str]:
        return self.method, urlsplit(self.url).path


class Traffic:
    """Follows a page's requests from its events. `serial` counts the requests so far, `navigations` the main frame's, `left`
    the windows that the page opened and the files that it gave out. `acting`: somebody acts between `begin` and `end`; `began`:
    the `serial` then. `last`: when something last came or went that is waited for, in monotonic seconds."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.serial = 0
        self.began = -1
        self.navigations = 0
        self.left = 0
        self._landed, self._address = 0, ""
        self.acting = False
        self.crashed = False
        self._open: dict[Request, Exchange] = {}
        self._log: deque[Exchange] = deque(maxlen=512)
        self._polls: Counter[tuple[str, str]] = Counter()
        self._hung: Counter[tuple[str, str]] = (
            Counter()
        )  # how often a place kept a read by script waiting that nobody acted for
        self._changed = asyncio.Event()
        self.last = 0.0
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("requestfinished", self._on_end)
        page.on("requestfailed", self._on_failed)
        page.on("framenavigated", self._on_navigated)
        page.on("crash", self._on_crash)
        page.on("popup", self._on_left)
        page.on("download", self._on_left)

    def begin(self) -> None:
        """An action begins. Reads by script that are under way are none of its doing."""
        self.acting = True
        self.began = self.serial
        now = time.monotonic()
        for exchange in self._open.values():
            if exchange.scripted and not exchange.writes:
                exchange.aside = True
                if now - exchange.started > SLOW:
                    self._hung[exchange.place] += 1

    def end(self) -> None:
        self.acting = False

    def since(self, serial: int) -> list[Exchange]:
        """The exchanges after `serial`, polls and telemetry aside."""
        return [e for e in self._log if e.serial > serial and self._polls[e.place] < POLLS and not e.telemetry]

    def undecided(self) -> list[Exchange]:
        """Requests under way without which nobody can tell what came of an action: those that write and are not answered yet,
        and the page's own next document, to which many applications send the browser on after they have taken what was sent."""
        main = self.page.main_frame
        return [
            e
            for e in self._open.values()
            if (e.writes and not e.status and not e.telemetry) or (e.navigation and e.frame in (main, None))
        ]

    def leaving_for(self) -> str | None:
        """The address that the page is on its way to and that has not answered yet."""
        main = self.page.main_frame
        return next((e.url for e in self._open.values() if e.navigation and e.frame in (main, None) and not e.status), None)

    def busy(self) -> bool:
        """Whether a request is under way that can still change the page."""
        now = time.monotonic()
        for exchange in self._open.values():
            if not exchange.aside and now > _until(exchange):
                exchange.aside = True
                if exchange.scripted and not exchange.writes and not exchange.status:
                    self._hung[exchange.place] += 1
        return any(not exchange.aside for exchange in self._open.values())

    async def answered(self, serial: int, deadline: float) -> bool:
        """Wait until no request that came after `serial` is `undecided`; False when `deadline` (monotonic seconds) came
        first."""
        while any(e.serial > serial for e in self.undecided()):
            if not await self._change(deadline):
                return False
        return True

    async def idle(self, deadline: float) -> bool:
        """Wait until no tracked request is under way; False when `deadline` (monotonic seconds) came first."""
        while self.busy():
            first = min(_until(e) for e in self._open.values() if not e.aside)
            if not await self._change(deadline, first + 0.01):
                return False
        return True

    async def _change(self, deadline: float, until: float = math.inf) -> bool:
        """Wait for a change, at most `until`; False when `deadline` came first."""
        now = time.monotonic()
        if now >= deadline or self.crashed:
            return False
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), max(0.01, min(deadline, until) - now))
        except TimeoutError:
            pass
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
        exchange.aside = exchange.telemetry or (not exchange.writes and self._hung[exchange.place] >= HUNG)
        self._open[request] = exchange
        self._log.append(exchange)
        if not self.acting and not exchange.writes and exchange.scripted:
            self._polls[exchange.place] += 1
        self._tell(exchange)

    def _on_response(self, response: Response) -> None:
        exchange = self._open.get(response.request)
        if exchange is None:
            return
        exchange.status, exchange.answered = response.status, time.monotonic()
        length = response.headers.get("content-length", "")
        exchange.short = response.status == 204 or (length.isdecimal() and int(length) < SHORT)
        self._tell(exchange)
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
            self._tell(exchange)

    def _tell(self, exchange: Exchange) -> None:
        if not exchange.aside:
            self.last = time.monotonic()
        self._changed.set()

    def _on_navigated(self, frame: Frame) -> None:
        # What the old document had asked for may end without a word; all of it is older than the newest navigation.
        newest = max((e.serial for e in self._log if e.navigation and e.frame is frame), default=0)
        if frame is self.page.main_frame:
            # A link to "#" leads nowhere.
            if newest > self._landed or frame.url.rstrip("#") != self._address:
                self.navigations += 1
            self._landed, self._address = newest, frame.url.rstrip("#")
        for request, exchange in list(self._open.items()):
            if exchange.frame is frame and not exchange.navigation and exchange.serial < newest:
                self._close(request)
        self.last = time.monotonic()
        self._changed.set()

    def _on_left(self, _: object) -> None:
        self.left += 1

    def _on_crash(self, page: Page) -> None:
        self.crashed = True
        self._open.clear()
        self._changed.set()


def _until(exchange: Exchange) -> float:
    """When it is no longer waited for, in monotonic seconds."""
    if exchange.scripted and exchange.answered and exchange.short:
        return exchange.answered + UNREAD  # of an answer that no script reads, the browser never tells the end
    if exchange.writes:
        return exchange.started + WRITE_PATIENCE
    return exchange.started + (PATIENCE if exchange.scripted or exchange.kind in ("script", "stylesheet") else math.inf)
