"""Cases worked by an operator and recorded, then replayed by the hands on a reset application: do both come to the same end?

The ends are read from the application's own records. The time is held against a script of plain Playwright calls that does the
same actions, waits for the pages that these lead to, and verifies nothing.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from agent.bench.plain import PlainAction, calls_of, run
from browser.errors import BrowserError
from browser.page import CasePage, new_case_page
from browser.recorder import Recorder
from browser.session import Browser, Page, free_port
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import PERSONAS
from fixtures.pages.hands import BareError
from fixtures.targets.rt5 import running_rt5
from fixtures.targets.target import Target
from fixtures.targets.viewflow import running_viewflow
from fixtures.targets.work.kinds import WorkCase, load_work
from fixtures.targets.work.operators import OPERATORS
from fixtures.targets.work.records import READERS, Records, bpm_records, differences
from schema_extraction.action import Action, target_key
from schema_extraction.match import remembered
from schema_extraction.profile import Profile, load_profile
from schema_extraction.view import Frozen, View

TARGETS = ("practice", "rt5", "viewflow")
BUSY_SECONDS = 15.0
APPEAR_SECONDS = 5.0
AFTERWARDS = 0.5  # seconds that what a plain script did last is given to arrive; not counted


class CaseReplay(Frozen):
    """One case. `steps`: how many actions were recorded of it. `faults`: in words, why its end is not the same. `seconds`: that
    the hands took for all of them; `plain`: that a script of plain calls took to the same end, or `plain_fault` why it came
    to none."""

    kind: str
    case: str
    steps: int
    faults: tuple[str, ...] = ()
    seconds: float = 0.0
    plain: float = 0.0
    plain_fault: str = ""

    @property
    def same(self) -> bool:
        return not self.faults

    @property
    def ratio(self) -> float:
        """The hands' time over the script's; 0 where there is no such script."""
        return self.seconds / self.plain if self.same and self.plain else 0.0


class Replays(Frozen):
    """All cases of one application."""

    target: str
    cases: tuple[CaseReplay, ...]

    @property
    def same(self) -> int:
        """How many came to the same end."""
        return sum(case.same for case in self.cases)

    @property
    def steps(self) -> int:
        return sum(case.steps for case in self.cases)

    @property
    def ratio(self) -> float:
        """The hands' time over that of plain scripts, at the median over the cases that both did; 0 where there is none."""
        ratios = [case.ratio for case in self.cases if case.ratio]
        return round(statistics.median(ratios), 2) if ratios else 0.0

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(f"{self.target}, case {case.case} ({case.kind}): {fault}" for case in self.cases for fault in case.faults)


@dataclass(frozen=True)
class Job:
    """A case for the operator to work on a page that is signed in. `wants`: what its records must hold afterwards."""

    kind: str
    case: str
    wants: Records
    work: Callable[[Page], Awaitable[object]]


@dataclass(frozen=True)
class Desk:
    """An application with work to do in it. `user`, `password`: the login for the replay; `reset()`: puts its data back."""

    name: str
    profile: Profile
    user: str
    password: str
    jobs: tuple[Job, ...]
    sign_in: Callable[[Page], Awaitable[None]]
    records: Callable[[str], Records]
    reset: Callable[[], Awaitable[None]]


def _profile(path: str, url: str) -> Profile:
    return load_profile(Path(str(files("fixtures").joinpath(path)))).model_copy(update={"base_url": url})


def third_party(name: str, target: Target, cases: int) -> Desk:
    """The desk of a running third-party application: the first cases of each of its kinds, `cases` in all."""
    operator = OPERATORS[name](target)
    kinds = [kind.work() for kind in load_work(name).kinds]
    share = -(-cases // len(kinds))
    chosen = [case for kind in kinds for case in kind[:share]][:cases]

    def job(work: WorkCase) -> Job:
        return Job(work.kind, work.case, work.wants, lambda page: operator.work(page, work))

    async def reset() -> None:
        await asyncio.to_thread(target.reset)

    return Desk(
        name=name,
        profile=_profile(f"targets/{name}.profile.yaml", target.url),
        user=target.user,
        password=target.password,
        jobs=tuple(job(work) for work in chosen),
        sign_in=operator.sign_in,
        records=lambda case: READERS[name](target.folder, case),
        reset=reset,
    )


@asynccontextmanager
async def practice(folder: Path, cases: int) -> AsyncIterator[Desk]:
    """The practice BPM, served while the context is open, and its operators, who take turns."""
    settings, port = BpmSettings(db=folder / "bpm.sqlite", cases=max(cases, 8)), free_port()
    url = f"http://127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    serving = running_bpm(settings, port=port)
    await serving.__aenter__()
    try:
        oracle = Oracle(settings.db)
        operators = [Operator(persona, oracle) for persona in PERSONAS.values()]
        processes = {case: oracle.truth(case).process for case in oracle.case_ids()[:cases]}

        def job(number: int, case: str) -> Job:
            operator = operators[number % len(operators)]
            return Job(processes[case], case, {"over": "yes"}, lambda page: operator.work_case(page, case, url))

        async def reset() -> None:
            nonlocal serving
            oracle.close()
            await serving.__aexit__(None, None, None)
            for left in folder.glob("bpm.sqlite*"):
                left.unlink()
            serving = running_bpm(settings, port=port)
            await serving.__aenter__()

        yield Desk(
            name="practice",
            profile=_profile("bpm/profile.yaml", url),
            user="agent1",
            password=settings.password,
            jobs=tuple(job(number, case) for number, case in enumerate(processes)),
            sign_in=lambda page: operators[0].sign_in(page, url),
            records=lambda case: bpm_records(folder, case),
            reset=reset,
        )
    finally:
        await serving.__aexit__(None, None, None)


@contextmanager
def _running(name: str, folder: Path) -> Iterator[Target]:
    if name == "rt5":
        starting = running_rt5(folder)
    else:
        starting = running_viewflow(folder, load_work(name).customers)
    with starting as target:
        yield target


@asynccontextmanager
async def opened_desk(name: str, folder: Path, cases: int) -> AsyncIterator[Desk]:
    """The desk of one of `TARGETS`, started in `folder` while the context is open.

    Raises:
        UnavailableError: its packages cannot be had on this machine.
        TargetError: it does not start.
    """
    if name == "practice":
        async with practice(folder, cases) as desk:
            yield desk
        return
    running = _running(name, folder)
    target = await asyncio.to_thread(running.__enter__)
    try:
        yield third_party(name, target, cases)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


def _batches(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs that can be done in one go: no case twice."""
    batches: list[list[Job]] = []
    for job in jobs:
        free = next((batch for batch in batches if all(other.case != job.case for other in batch)), None)
        if free is None:
            batches.append([job])
        else:
            free.append(job)
    return batches


async def measure(browser: Browser, desk: Desk) -> Replays:
    """Let the operator work all jobs of a desk under the recorder's eyes, and replay each on the application put back.

    The desk is left as the last replay leaves it.

    Raises:
        PageError: nobody can sign in.
    """
    found: list[CaseReplay] = []
    batches = _batches(desk.jobs)
    for number, batch in enumerate(batches):
        if number:
            await desk.reset()
        recorded, given_up = await _record(browser, desk, batch)
        worked = {job.case: desk.records(job.case) for job in batch}
        await desk.reset()
        replayed = await _replay(browser, desk, recorded)
        ends = {job.case: desk.records(job.case) for job in batch}
        await desk.reset()
        plain = await _script(browser, desk, replayed)
        for job in batch:
            faults = [f"the operator gave up: {given_up[job.case]}"] if job.case in given_up else []
            faults += [f"the operator left it wrong: {words}" for words in differences(job.wants, worked[job.case])]
            again, ended = replayed[job.case], ends[job.case]
            faults += again.faults
            faults += differences(worked[job.case], ended)
            faults += [f"{name} is {text!r}, and was nothing" for name, text in ended.items() if name not in worked[job.case]]
            steps = len(recorded[job.case])
            seconds, fault = plain[job.case]
            if not fault and (others := differences(ended, desk.records(job.case))):
                seconds, fault = 0.0, others[0]
            found.append(
                CaseReplay(
                    kind=job.kind,
                    case=job.case,
                    steps=steps,
                    faults=tuple(faults),
                    seconds=round(again.seconds, 3),
                    plain=round(seconds, 3),
                    plain_fault=fault,
                )
            )
    return Replays(target=desk.name, cases=tuple(found))


async def _record(browser: Browser, desk: Desk, batch: Sequence[Job]) -> tuple[dict[str, list[Action]], dict[str, str]]:
    """The actions of the operator on each case, as the recorder tells them, and why some could not be worked."""
    told: dict[str, list[Action]] = {job.case: [] for job in batch}
    given_up: dict[str, str] = {}

    def on_step(view: View, action: Action) -> None:
        told.setdefault(view.case_id or "", []).append(remembered(view, action))

    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = await context.new_page()
        await desk.sign_in(page)
        recorder = Recorder(page, desk.profile, on_step)
        await recorder.start()
        for job in batch:
            try:
                await job.work(page)
            except BrowserError as error:
                given_up[job.case] = str(error)
        await recorder.flush()
        await recorder.stop()
    finally:
        await context.close()
    return told, given_up


@dataclass
class _Again:
    """A case done again: the seconds that it took, the same in plain calls, and in words what went wrong."""

    seconds: float = 0.0
    script: list[PlainAction] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def _replay(browser: Browser, desk: Desk, recorded: dict[str, list[Action]]) -> dict[str, _Again]:
    """Do what was recorded, case by case, each up to its first step that is not done."""
    page = await new_case_page(browser, desk.profile.model_copy(update={"requests_per_second": 1000}))
    try:
        if desk.user:
            await page.sign_in(desk.user, desk.password)
        return {case: await _again(page, case, actions) for case, actions in recorded.items()}
    finally:
        await page.close()


async def _again(page: CasePage, case: str, actions: Sequence[Action]) -> _Again:
    done = _Again()
    if not actions:
        done.faults.append("nothing was recorded")
    try:
        await page.open_case(case)
        for number, action in enumerate(actions, start=1):
            started = time.perf_counter()
            view = await _ready(page, action)
            done.seconds += time.perf_counter() - started
            calls = await calls_of(page, view, action)
            traffic, navigations, serial = page.traffic, page.traffic.navigations, page.traffic.serial
            started = time.perf_counter()
            outcome = await page.perform(view, action)
            done.seconds += time.perf_counter() - started
            sent = [urlsplit(one.url).path for one in traffic.since(serial) if one.writes and one.scripted]
            leaves = traffic.navigations > navigations
            done.script.append(PlainAction(calls=calls, leaves=leaves, sends="" if leaves or not sent else sent[-1]))
            if not outcome.ok:
                done.faults.append(f"step {number} of {len(actions)}, {_told(action)}, is {outcome.result}: {outcome.message}")
                break
    except BrowserError as error:
        done.faults.append(str(error))
    return done


async def _script(browser: Browser, desk: Desk, replayed: dict[str, _Again]) -> dict[str, tuple[float, str]]:
    """The plain script of each case: the seconds that it took, or in words why it failed."""
    found = {}
    assert desk.profile.case is not None
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await desk.sign_in(page)
        for case, again in replayed.items():
            try:
                await page.goto(desk.profile.base_url + desk.profile.case.path.replace("{case_id}", case))
                found[case] = (await run(page, again.script), "")
                await page.wait_for_timeout(AFTERWARDS * 1000)
            except BareError as error:
                found[case] = (0.0, str(error).splitlines()[0])
    finally:
        await context.close()
    return found


def _told(action: Action) -> str:
    return f"{action.type} {target_key(action)!r}"


async def _ready(page: CasePage, action: Action) -> View:
    """The view once the application is no longer busy and shows the action's target, or both have taken too long."""
    begun = time.monotonic()
    key = target_key(action)
    while True:
        view = await page.view()
        limit = BUSY_SECONDS if view.busy else APPEAR_SECONDS
        there = key == action.type or view.control(key) is not None
        left = begun + limit - time.monotonic()
        if (there and not view.busy) or left <= 0:
            return view
        await page.changed(left)
