"""Reading pages: casepilot's view beside Playwright's snapshots, other peers and the floor, in one run on the same pages."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from agent.bench.changes import time_changes
from agent.bench.judge import judge
from agent.bench.limits import shortfalls
from agent.bench.peers import MODULES, Peer
from agent.bench.readers import IN_PAGE, PAGE_SECONDS, Measured, Opened, Reader, view_of
from agent.bench.results import ExtractBench, Machine, PageResult, Reading, milliseconds
from agent.bench.site import Site, serving
from agent.bench.tokens import TOKENIZER, count_tokens
from browser import capture
from browser.launch import BrowserSettings
from browser.session import Browser, Page, free_port, opened, visit
from fixtures.pages import miniwob
from fixtures.pages.generated import GeneratedPage
from fixtures.pages.support_case import support_case
from fixtures.pages.truth import PageTruth, TrueControl, compare
from fixtures.pages.written import frames, widgets
from schema_extraction.view import Frozen

SIZES = (0, 500, 5000)
SEEDS = (1, 2)
PACKAGES = ("playwright", "miniwob")
MINIWOB_NONE = "not installed (pip install 'casepilot[peers]')"

Progress = Callable[[int, int], None]


class BenchSettings(Frozen):
    """`repeats`: how often a reader reads a page, and each change is made, at the most. `peers`: names of those to run beside
    Playwright. `pythons`: of the environments to look for them in. `page_seconds`: what a peer may take for one page."""

    repeats: int = 20
    peers: tuple[str, ...] = tuple(MODULES)
    pythons: tuple[Path, ...] = (Path(sys.executable),)
    page_seconds: float = PAGE_SECONDS
    sizes: tuple[int, ...] = SIZES
    seeds: tuple[int, ...] = SEEDS


@dataclass
class _Subject:
    """A page while it is measured."""

    name: str
    url: str
    truth: PageTruth
    script: str = ""
    beyond: tuple[TrueControl, ...] = ()
    rows: int = 0
    secret: str = ""
    changing: bool = False
    task: bool = False
    readings: list[Reading] = field(default_factory=list)
    result: PageResult | None = None


async def run(settings: BenchSettings = BenchSettings(), progress: Progress = lambda done, total: None) -> ExtractBench:
    """Measure every reader on every page. Peers come after all that runs in this process, one by one.

    Raises:
        LaunchError: there is no browser.
        PageError: a page does not load.
    """
    pages = [*(support_case(rows) for rows in settings.sizes), frames(), widgets()]
    folder = miniwob.folder()
    peers = [Peer(name, [str(python) for python in settings.pythons], settings.page_seconds) for name in settings.peers]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    async with AsyncExitStack() as stack:
        site = stack.enter_context(serving(pages, folder))
        browser = await stack.enter_async_context(opened(BrowserSettings(devtools_port=free_port())))
        subjects = [_subject(page, site) for page in pages]
        if folder is not None:
            subjects += [await _task(browser, site, task, seed) for task in miniwob.TASKS for seed in settings.seeds]
        done, total = 0, len(subjects) * (2 + len(peers))
        for subject in subjects:
            page = await _open(browser, subject)
            subject.result = await _strict(page, subject)
            for reader in IN_PAGE:
                if not await _read(reader, page, subject, settings):
                    await page.close()  # what was asked of it may still be running
                    page = await _open(browser, subject)
            progress(done := done + 1, total)
            if subject.changing:
                changes = await time_changes(page, subject.name, subject.rows, settings.repeats)
                subject.result = subject.result.model_copy(update={"changes": changes})
            progress(done := done + 1, total)
            await page.close()
        blank = await browser.new_page()
        for peer in peers:
            stack.push_async_callback(peer.close)
            for subject in subjects:
                await _read(peer, blank, subject, settings)
                progress(done := done + 1, total)
            await peer.close()
        version = browser.version
    results = [s.result.model_copy(update={"readings": tuple(s.readings)}) for s in subjects if s.result is not None]
    made = tuple(found for found, subject in zip(results, subjects, strict=True) if not subject.task)
    tasks = tuple(found for found, subject in zip(results, subjects, strict=True) if subject.task)
    return ExtractBench(
        machine=_machine(load, version, peers),
        tokenizer=TOKENIZER,
        pages=made,
        miniwob=tasks,
        miniwob_none="" if folder is not None else MINIWOB_NONE,
        short=shortfalls(made, tasks, [subject.name for subject in subjects if subject.changing]),
    )


def _subject(page: GeneratedPage, site: Site) -> _Subject:
    sized = page.path.startswith("/support-case")
    return _Subject(
        page.name,
        site.url + page.path,
        page.truth,
        beyond=page.beyond,
        rows=page.rows,
        secret=page.secret,
        changing=sized,
    )


async def _task(browser: Browser, site: Site, task: str, seed: int) -> _Subject:
    """A task of MiniWoB++ with its truth, which depends on the seed."""
    subject = _Subject(
        f"{task} ({seed})",
        site.url + miniwob.path_of(task),
        PageTruth(title=task),
        script=miniwob.START.format(seed=seed),
        task=True,
    )
    page = await _open(browser, subject)
    subject.truth = miniwob.truth_of(task, seed, await page.evaluate(miniwob.truth_script(task)))
    await page.close()
    return subject


async def _open(browser: Browser, subject: _Subject) -> Page:
    page = await browser.new_page()
    await capture.install(page)  # as wherever casepilot works
    await visit(page, subject.url)
    await page.wait_for_load_state("load")
    if subject.script:
        await page.evaluate(subject.script)
        await page.wait_for_load_state("networkidle")  # its icons are pictures
    return page


async def _strict(page: Page, subject: _Subject) -> PageResult:
    view = await view_of(page)
    truth = subject.truth
    if subject.task:
        truth = miniwob.named_as(truth, [(control.role, control.name) for control in view.controls])
    own = [control for control in view.controls if not _is_beyond(subject, control.role, control.name)]
    return PageResult(
        name=subject.name,
        nodes=int(await page.evaluate("document.querySelectorAll('*').length")),
        true_controls=len(truth.controls),
        own_controls=len(own),
        table_rows=subject.rows,
        readings=(),
        completeness=compare(truth, view.model_copy(update={"controls": tuple(own)})),
    )


def _is_beyond(subject: _Subject, role: str, name: str) -> bool:
    return any((true.role, true.name) == (role, name) for true in subject.beyond)


async def _read(reader: Reader, page: Page, subject: _Subject, settings: BenchSettings) -> bool:
    """Measure one reader on one page; whether it read it."""
    measured = await reader.measure(Opened(page, subject.url, subject.script, settings.repeats))
    subject.readings.append(_reading(reader.name, subject, measured))
    return not measured.none


def _reading(name: str, subject: _Subject, measured: Measured) -> Reading:
    if measured.none:
        return Reading(page=subject.name, reader=name, none=measured.none)
    seconds = list(measured.seconds)
    return Reading(
        page=subject.name,
        reader=name,
        p50=milliseconds(seconds, 50),
        p95=milliseconds(seconds, 95),
        count=len(seconds),
        characters=len(measured.text),
        tokens=count_tokens(measured.text),
        leaks_password=bool(subject.secret) and subject.secret in measured.text,
        shares=None if measured.items is None else judge(subject.truth, measured.items, measured.text, subject.beyond),
    )


def _machine(load: float, chromium: str, peers: Sequence[Peer]) -> Machine:
    versions = {peer.name: peer.version for peer in peers if peer.version}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return Machine(cores=os.cpu_count() or 0, load=load, python=platform.python_version(), chromium=chromium, versions=versions)


def names(peers: Sequence[str]) -> tuple[str, ...]:
    """The peers that were asked for by name; none means all.

    Raises:
        ValueError: there is no such peer.
    """
    for name in peers:
        if name not in MODULES:
            raise ValueError(f"Expected a peer out of {', '.join(MODULES)}, met {name!r}.")
    return tuple(peers) or tuple(MODULES)
