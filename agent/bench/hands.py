"""Operating pages: every widget, every sabotage, pages that are never quite still, and recorded cases done again."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.table import Table

from agent.bench import replays, settling, widgets
from agent.bench.replays import TARGETS, Replays
from agent.bench.results import Machine
from agent.bench.settling import LATE, Settling
from agent.bench.widgets import SabotageResult, WidgetResult
from browser.launch import BrowserSettings
from browser.session import free_port, opened
from fixtures.pages.hands import SABOTAGED, WIDGETS, HandsSite
from fixtures.pages.unrest import PAGES
from fixtures.targets.errors import TargetError
from schema_extraction.view import Frozen

WIDGETS_WANTED, SABOTAGED_WANTED, PAGES_WANTED, CASES_WANTED = 60, 30, 12, 20
OVERHEAD = 1.5
"""Times the time of plain Playwright calls that the work may take, at the median over the cases that were replayed."""

Progress = Callable[[int, int], None]


class HandsSettings(Frozen):
    """`repeats`: of each widget. `runs`: of each page that is never quite still. `cases`: on each of `targets`."""

    repeats: int = 5
    runs: int = 30
    cases: int = CASES_WANTED
    targets: tuple[str, ...] = TARGETS


class HandsBench(Frozen):
    """Everything that one run measured. `replays_none`: why there is nothing of an application, by name."""

    machine: Machine
    widgets: tuple[WidgetResult, ...]
    sabotaged: tuple[SabotageResult, ...]
    settling: tuple[Settling, ...]
    replays: tuple[Replays, ...]
    replays_none: dict[str, str] = {}
    overhead: float = 0.0
    short: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


async def run(settings: HandsSettings, folder: Path, progress: Progress = lambda done, total: None) -> HandsBench:
    """Measure all of it, one part after the other. `folder`: for the data of the applications.

    Raises:
        LaunchError: there is no browser.
        PageError: a page of the benchmark's own cannot be opened.
    """
    total = len(WIDGETS) + len(SABOTAGED) + len(PAGES) + len(settings.targets)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    replayed: list[Replays] = []
    none: dict[str, str] = {}
    async with opened(BrowserSettings(devtools_port=free_port())) as browser:
        with HandsSite(WIDGETS + SABOTAGED) as site:
            worked = await widgets.worked(browser, site, settings.repeats, count)
            sabotaged = await widgets.sabotaged(browser, site, count)
        settled: list[Settling] = []
        for page in PAGES:
            settled += await settling.measure(browser, [page], settings.runs)
            count()
        for name in settings.targets:
            try:
                async with replays.opened_desk(name, folder / name, settings.cases) as desk:
                    replayed.append(await replays.measure(browser, desk))
            except TargetError as error:
                none[name] = str(error)
            count()
        version = browser.version
    found = HandsBench(
        machine=Machine(cores=os.cpu_count() or 0, load=load, python=platform.python_version(), chromium=version, versions={}),
        widgets=worked,
        sabotaged=sabotaged,
        settling=tuple(settled),
        replays=tuple(replayed),
        replays_none=none,
        overhead=round(statistics.median(one.ratio for one in worked if one.bare), 2),
    )
    return found.model_copy(update={"short": tuple(shortfalls(found, settings))})


def shortfalls(found: HandsBench, settings: HandsSettings) -> Iterator[str]:
    """What falls short of the limits, in words."""
    for count, wanted, what in (
        (len(found.widgets), WIDGETS_WANTED, "widgets"),
        (len(found.sabotaged), SABOTAGED_WANTED, "sabotaged widgets"),
        (len(found.settling), PAGES_WANTED, "restless pages"),
    ):
        if count < wanted:
            yield f"{count} {what}, at least {wanted} wanted"
    yield from (f"{one.name}: {one.fault}" for one in found.widgets if one.fault)
    yield from (f"{one.name}: {one.fault}" for one in found.sabotaged if one.fault)
    for page in found.settling:
        if page.early:
            yield f"{page.page}: {page.early} of {page.runs} views came too early ({page.why})"
        if not page.p95 <= LATE:
            yield f"{page.page}: the view came {page.p95:.0f} ms after quiet (p95), at most {LATE:.0f} ms wanted"
    for target in found.replays:
        if len(target.cases) < settings.cases:
            yield f"{target.target}: {len(target.cases)} cases, {settings.cases} wanted"
        yield from target.faults
        if target.ratio > OVERHEAD:
            yield f"{target.target}: {target.ratio:.2f}x the time of plain scripts, at most {OVERHEAD}x wanted"
        if target.cases and not target.ratio:
            yield f"{target.target}: no plain script came to the end of a case, so nothing tells how long the work takes"
    yield from (f"{name}: not replayed: {why}" for name, why in found.replays_none.items())


def tables(found: HandsBench) -> Iterator[Table]:
    """What was measured, in the order to be printed in."""
    actions = Table(title="Widgets: done, verified and true", title_justify="left")
    for heading in ("action", "widgets", "done", "p50 ms", "plain ms", "ratio"):
        actions.add_column(heading, justify="left" if heading == "action" else "right")
    kinds = sorted({one.kind for one in found.widgets})
    for kind, some in [(kind, [one for one in found.widgets if one.kind == kind]) for kind in kinds] + [
        ("all", list(found.widgets))
    ]:
        timed = [one for one in some if one.bare]
        actions.add_row(
            kind,
            str(len(some)),
            str(sum(not one.fault for one in some)),
            f"{statistics.median(one.p50 for one in timed):.0f}",
            f"{statistics.median(one.bare for one in timed):.0f}",
            f"{statistics.median(one.ratio for one in timed):.2f}x",
        )
    yield actions
    told = Table(title="Sabotaged widgets: what was told", title_justify="left")
    results = sorted({one.result for one in found.sabotaged if one.result})
    for heading in ("widgets", *results, "false done", "not in words"):
        told.add_column(heading, justify="right")
    told.add_row(
        str(len(found.sabotaged)),
        *(str(sum(one.result == result for one in found.sabotaged)) for result in results),
        str(sum(one.false_done for one in found.sabotaged)),
        str(sum(bool(one.fault) and not one.false_done for one in found.sabotaged)),
    )
    yield told
    still = Table(title="Pages that are never quite still: the next view", title_justify="left")
    for heading in ("page", "runs", "too early", "p50 ms", "p95 ms"):
        still.add_column(heading, justify="left" if heading == "page" else "right")
    for page in found.settling:
        still.add_row(page.page, str(page.runs), str(page.early), f"{page.p50:.0f}", f"{page.p95:.0f}")
    yield still
    again = Table(title="Recorded, then replayed", title_justify="left")
    for heading in ("application", "cases", "same end", "steps", "ms a step", "plain ms", "of cases", "ratio"):
        again.add_column(heading, justify="left" if heading == "application" else "right")
    for target in found.replays:
        both = [case for case in target.cases if case.ratio]
        again.add_row(
            target.target,
            str(len(target.cases)),
            str(target.same),
            str(target.steps),
            f"{1000 * statistics.median(case.seconds / case.steps for case in both):.0f}" if both else "",
            f"{1000 * statistics.median(case.plain / case.steps for case in both):.0f}" if both else "",
            str(len(both)),
            f"{target.ratio:.2f}x" if both else "",
        )
    for name in found.replays_none:
        again.add_row(name, "none", *[""] * 6)
    yield again
