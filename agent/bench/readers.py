"""Readers of a page: casepilot, Playwright's snapshots and the floor in this process, other peers in theirs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

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
PAGE_SECONDS = 60.0
"""A reader that has not read a page by then has none."""


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
        """The first reading puts the in-page part in; it counts only where there is no time for another."""
        seconds: list[float] = []
        spent = 0.0
        try:
            while len(seconds) <= opened.repeats and spent < MOST_SECONDS:
                started = time.perf_counter()
                async with asyncio.timeout(PAGE_SECONDS - spent):
                    found = await self.read(opened.page)
                seconds.append(time.perf_counter() - started)
                spent += seconds[-1]
        except TimeoutError:
            if not seconds:
                return Measured(none=f"none within {PAGE_SECONDS:g} s")
        return Measured(*self.told(found), seconds=tuple(seconds[1:] or seconds))


async def view_of(page: Page) -> View:
    """A whole view, nothing kept from an earlier look."""
    return extract(await capture.capture(page))


def _snapshot(mode: Literal["ai", "default"]) -> Callable[[Page], Awaitable[str]]:
    return lambda page: page.aria_snapshot(mode=mode, timeout=2000 * PAGE_SECONDS)


async def _floor(page: Page) -> str:
    outer: str = await page.evaluate("document.documentElement.outerHTML")
    lxml_html.fromstring(outer)
    return outer


IN_PAGE: tuple[Reader, ...] = (
    InPage(CASEPILOT, view_of, lambda view: (render(view), items_of_view(view))),
    InPage(AI_SNAPSHOT, _snapshot("ai"), lambda text: (text, items_of(text, "aria"))),
    InPage("Playwright aria snapshot", _snapshot("default"), lambda text: (text, items_of(text, "aria"))),
    InPage("outerHTML, lxml (the floor)", _floor, lambda text: (text, None)),
)
