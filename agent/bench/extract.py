"""Reading generated pages: casepilot's view beside Playwright's snapshots and the floor, all in one run on the same pages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
from lxml import html as lxml_html
from rich.table import Table

from agent.bench.pages import GeneratedPage, TrueControl, support_case
from browser import capture
from browser.launch import BrowserSettings
from browser.session import Page, opened
from schema_extraction.extract import extract
from schema_extraction.render import render
from schema_extraction.view import Control, Frozen, View

SIZES = (0, 500, 5000)
PEER = "Playwright AI snapshot"
MOST_SECONDS = 20.0
"""A reader is timed so long on one page, or `repeats` times, whichever comes first; always at least three times."""

Reader = Callable[[Page], Awaitable[str]]
Progress = Callable[[int, int], None]


class Timing(Frozen):
    """Milliseconds of one reader on one page, and how many characters it gave."""

    reader: str
    page: str
    nodes: int
    p50: float
    p95: float
    count: int
    characters: int
    leaks_password: bool


class Completeness(Frozen):
    """The view against the truth. `recall`: controls with the right role and name; `precision`: of the view's own, links in
    table rows apart; the others are shares of the true controls that have the attribute.
    `rows_told`: the table's total is right."""

    page: str
    recall: float
    precision: float
    values: float
    options: float
    states: float
    rows_told: bool
    missing: tuple[str, ...] = ()


class ExtractBench(Frozen):
    """Everything that one run measured. `ratios`: casepilot's time over that of `PEER`, by page. `short`: what fell short, in
    words."""

    timings: tuple[Timing, ...]
    completeness: tuple[Completeness, ...]
    ratios: dict[str, float]
    short: tuple[str, ...]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


async def _view(page: Page) -> View:
    return extract(await capture.capture(page))


async def _text(page: Page) -> str:
    return render(await _view(page))


async def _floor(page: Page) -> str:
    outer: str = await page.evaluate("document.documentElement.outerHTML")
    lxml_html.fromstring(outer)
    return outer


READERS: dict[str, Reader] = {
    "casepilot": _text,
    PEER: lambda page: page.aria_snapshot(mode="ai"),
    "Playwright aria snapshot": lambda page: page.aria_snapshot(),
    "outerHTML and lxml (the floor)": _floor,
}


async def run(repeats: int = 20, progress: Progress = lambda done, total: None) -> ExtractBench:
    """Measure every reader on every page.

    Raises:
        LaunchError: there is no browser.
    """
    timings: list[Timing] = []
    completeness: list[Completeness] = []
    pages = [support_case(rows) for rows in SIZES]
    async with opened(BrowserSettings()) as browser:
        for number, made in enumerate(pages):
            page = await browser.new_page()
            await page.set_content(made.html)
            nodes = int(await page.evaluate("document.querySelectorAll('*').length"))
            completeness.append(complete(made, await _view(page)))
            for place, (name, reader) in enumerate(READERS.items()):
                timings.append(await _timed(page, made, nodes, name, reader, repeats))
                progress(number * len(READERS) + place + 1, len(pages) * len(READERS))
            await page.close()
    ratios = {made.name: _p50(timings, "casepilot", made) / _p50(timings, PEER, made) for made in pages}
    return ExtractBench(
        timings=tuple(timings),
        completeness=tuple(completeness),
        ratios=ratios,
        short=tuple(_short(pages, timings, completeness, ratios)),
    )


async def _timed(page: Page, made: GeneratedPage, nodes: int, name: str, reader: Reader, repeats: int) -> Timing:
    text = await reader(page)  # the first call puts the in-page part in, and is not timed
    seconds: list[float] = []
    while len(seconds) < 3 or (len(seconds) < repeats and sum(seconds) < MOST_SECONDS):
        started = time.perf_counter()
        await reader(page)
        seconds.append(time.perf_counter() - started)
    return Timing(
        reader=name,
        page=made.name,
        nodes=nodes,
        p50=float(np.percentile(seconds, 50)) * 1000,
        p95=float(np.percentile(seconds, 95)) * 1000,
        count=len(seconds),
        characters=len(text),
        leaks_password=made.secret in text,
    )


def _p50(timings: Sequence[Timing], reader: str, made: GeneratedPage) -> float:
    return next(t.p50 for t in timings if t.reader == reader and t.page == made.name)


def complete(made: GeneratedPage, view: View) -> Completeness:
    """A view of a generated page against what the page was made of."""
    own = [control for control in view.controls if not control.href.startswith("/orders/")]
    seen: dict[tuple[str, str], Control] = {(control.role, control.name): control for control in own}
    found = [(true, seen[true.role, true.name]) for true in made.controls if (true.role, true.name) in seen]
    wanted = Counter((true.role, true.name) for true in made.controls)
    extra = Counter((control.role, control.name) for control in own) - wanted
    total = len(made.controls)
    return Completeness(
        page=made.name,
        recall=len(found) / total,
        precision=1.0 - extra.total() / max(len(own), 1),
        values=sum(_value(control) == true.value or true.secret for true, control in found) / total,
        options=sum(tuple(o.label for o in control.options) == true.options for true, control in found) / total,
        states=sum(_state(control) == _state(true) for true, control in found) / total,
        rows_told=made.rows == 0 or any(table.total == made.rows for table in view.tables),
        missing=tuple(f"{true.role} {true.name!r}" for true in made.controls if (true.role, true.name) not in seen),
    )


def _value(control: Control) -> str:
    return control.value.raw if control.value is not None and control.role != "checkbox" else ""


def _state(control: Control | TrueControl) -> tuple[bool | None, bool, bool, bool, bool]:
    return control.checked, control.required, control.invalid, control.disabled, control.readonly


def _short(
    pages: Sequence[GeneratedPage], timings: Sequence[Timing], completeness: Sequence[Completeness], ratios: dict[str, float]
) -> list[str]:
    found: list[str] = []
    for made, seen in zip(pages, completeness, strict=True):
        mine = next(t for t in timings if t.reader == "casepilot" and t.page == made.name)
        peer = next(t for t in timings if t.reader == PEER and t.page == made.name)
        most = 0.35 if made.rows == 0 else 0.2
        if ratios[made.name] > most:
            found.append(f"{made.name}: {ratios[made.name]:.2f}x the time of {PEER}, at most {most}x wanted")
        if seen.recall < 1.0:
            found.append(f"{made.name}: control recall {seen.recall:.1%}, 100% wanted")
        if seen.precision < 0.98:
            found.append(f"{made.name}: control precision {seen.precision:.1%}, at least 98% wanted")
        found += [
            f"{made.name}: {name} of {getattr(seen, name):.1%} of the controls, 100% wanted"
            for name in ("values", "options", "states")
            if getattr(seen, name) < 1.0
        ]
        if not seen.rows_told:
            found.append(f"{made.name}: the table's total is not {made.rows}")
        if mine.leaks_password:
            found.append(f"{made.name}: the text holds a password")
        most_text = 0.4 * peer.characters if made.rows == 0 else 25_000
        if mine.characters > most_text:
            found.append(f"{made.name}: {mine.characters} characters, at most {most_text:.0f} wanted")
    return found


def table(bench: ExtractBench) -> Table:
    """For the terminal: one row a reader and page."""
    shown = Table(title="Reading a page", caption="Milliseconds for the whole page, nothing kept from an earlier look.")
    for heading in ("Page", "Reader", "p50 ms", "p95 ms", "Characters", "Password"):
        shown.add_column(heading, justify="left" if heading in ("Page", "Reader") else "right")
    for timing in bench.timings:
        shown.add_row(
            f"{timing.page} ({timing.nodes} nodes)" if timing.reader == "casepilot" else "",
            timing.reader,
            f"{timing.p50:.1f}",
            f"{timing.p95:.1f}",
            f"{timing.characters:,}",
            "[red]printed[/]" if timing.leaks_password else "",
            end_section=timing.reader == list(READERS)[-1],
        )
    return shown
