"""Readers of a page: casepilot, Playwright's snapshots and the floor in this process, other peers in theirs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from lxml import html as lxml_html

from agent.bench.judge import Item, items_of, items_of_view
from browser import capture
from browser.session import Page
from schema_extraction.extract import extract
from schema_extraction.render import render
from schema_extraction.view import View

T = TypeVar("T")

CASEPILOT = "casepilot"
AI_SNAPSHOT = "Playwright AI snapshot"
MOST_SECONDS = 20.0
"""A reader is timed so long on one page, or as often as asked, whichever comes first."""


class Opened(NamedTuple):
    """A page to read: open in `page`, and at `url` for a peer with a browser of its own, which runs `script` in it first."""

    page: Page
    url: str
    script: str
    repeats: int


class Measured(NamedTuple):
    """`items`: the operable elements that the reader lists, or None if it knows no elements; `none`: why there is no text, in
    words."""

    text: str = ""
    items: tuple[Item, ...] | None = None
    seconds: tuple[float, ...] = ()
    none: str = ""


class Reader(Protocol):
    """Reads one page again and again."""

    @property
    def name(self) -> str: ...

    async def measure(self, opened: Opened) -> Measured: ...


@dataclass(frozen=True)
class InPage(Generic[T]):
    """A reader in this process. `read` is what is timed; `told` makes text and elements of its last result, and is not."""

    name: str
    read: Callable[[Page], Awaitable[T]]
    told: Callable[[T], tuple[str, tuple[Item, ...] | None]]

    async def measure(self, opened: Opened) -> Measured:
        found = await self.read(opened.page)  # the first call puts the in-page part in, and is not timed
        seconds: list[float] = []
        while len(seconds) < 3 or (len(seconds) < opened.repeats and sum(seconds) < MOST_SECONDS):
            started = time.perf_counter()
            found = await self.read(opened.page)
            seconds.append(time.perf_counter() - started)
        return Measured(*self.told(found), seconds=tuple(seconds))


async def view_of(page: Page) -> View:
    """A whole view, nothing kept from an earlier look."""
    return extract(await capture.capture(page))


async def _floor(page: Page) -> str:
    outer: str = await page.evaluate("document.documentElement.outerHTML")
    lxml_html.fromstring(outer)
    return outer


IN_PAGE: tuple[Reader, ...] = (
    InPage(CASEPILOT, view_of, lambda view: (render(view), items_of_view(view))),
    InPage(AI_SNAPSHOT, lambda page: page.aria_snapshot(mode="ai"), lambda text: (text, items_of(text, "aria"))),
    InPage("Playwright aria snapshot", lambda page: page.aria_snapshot(), lambda text: (text, items_of(text, "aria"))),
    InPage("outerHTML and lxml (the floor)", _floor, lambda text: (text, None)),
)
