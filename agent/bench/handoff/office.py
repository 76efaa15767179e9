"""A run on the practice BPM with the operators' console beside it, as `casepilot run --console` opens them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.bench.handoff.knowing import KnowingPolicy
from agent.console.accounts import Accounts
from agent.console.database import opened
from agent.console.parts import with_runner
from agent.console.serving import running_console
from agent.console.settings import ConsoleSettings
from agent.console.tokens import Tokens
from agent.demo.aside import aside
from agent.demo.parts import AGENT
from agent.demo.record import PROFILE
from agent.desk import Desk
from agent.runner import Runner
from agent.settings import RunSettings
from agent.worker import Decider
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings
from fixtures.operators.oracle import Oracle
from policies.gate import Gate
from schema_extraction.profile import load_profile

T = TypeVar("T")
OPERATOR = "op1"
"""The operator's account, by the name of one of the practice BPM's people."""


@dataclass(frozen=True)
class Practice:
    """The application while it is served: its address, its database, its open cases."""

    base_url: str
    db: Path
    cases: tuple[str, ...]


@asynccontextmanager
async def opened_practice(folder: Path, cases: int) -> AsyncIterator[Practice]:
    """Serve the practice BPM with so many open cases, in a process of its own.

    Raises:
        ServingError: it did not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    db = folder / "bpm.sqlite"
    async with running_bpm(BpmSettings(db=db, cases=cases, splits=("test",))) as base_url:
        oracle = Oracle(db)
        ids = tuple(oracle.case_ids())
        oracle.close()
        yield Practice(base_url, db, ids)


@dataclass(frozen=True)
class Office:
    """`address`, `token`, `password`: what the operator needs to know of the console; `db`: the application's database; `log`:
    the folder that the operator's program logs into."""

    address: str
    token: str
    password: str
    db: Path
    log: Path
    runner: Runner


@asynccontextmanager
async def opened_office(
    folder: Path,
    practice: Practice,
    gates: Callable[[str], Decider] = lambda _: Gate("copilot"),
    *,
    concurrency: int,
    open_pages: int = 0,
) -> AsyncIterator[Office]:
    """Open agents and console over an application; nothing works before `office.runner.run`.

    Raises:
        LaunchError, PageError, SignInError: the browser or the application cannot be had.
    """
    accounts = folder / "console.sqlite"
    password = secrets.token_urlsafe(12)
    token = await asyncio.to_thread(_account, accounts, password)
    settings = RunSettings(
        profile=load_profile(PROFILE).model_copy(update={"base_url": practice.base_url}),
        run_dir=folder / "run",
        concurrency=concurrency,
        open_pages=open_pages,
        isolate_sites=False,  # the practice BPM has no frames of other sites
        credentials=AGENT,
    )
    policy = KnowingPolicy(practice.db)
    try:
        async with Runner(settings, policy, gates, Desk()) as runner:
            console = ConsoleSettings(port=0, accounts=accounts, undo_seconds=0.0)
            async with running_console(with_runner(console, runner)) as address:
                yield Office(address, token, password, practice.db, folder / "operator", runner)
    finally:
        policy.close()


@asynccontextmanager
async def at_work(runner: Runner, cases: Sequence[str], *, singly: bool = False) -> AsyncIterator[None]:
    """The agents work the cases for as long as the block runs, `singly` or as many at a time as the run is for; at its end
    sessions finish their present step."""

    async def work() -> None:
        for some in ([case] for case in cases) if singly else [cases]:
            if not runner.stopped:
                await runner.run(some)

    running = asyncio.create_task(work())
    try:
        yield
    finally:
        runner.stop()
        await running


@asynccontextmanager
async def outside(
    work: Callable[..., T], office: Office, *arguments: object, count: Callable[[], None]
) -> AsyncIterator[asyncio.Task[T]]:
    """The operator's program `work(address, token, db, *arguments, progress)` in a process of its own, which gets no other look
    at the run. It tells that it is ready with a progress of 0; `count` is called with each one after that.

    Raises:
        RunError: the program died.
    """
    ready = asyncio.Event()

    def progress(done: int, total: int) -> None:
        ready.set()
        if done:
            count()

    told = (office.address, office.token, office.db, *arguments)
    working = asyncio.create_task(aside(work, *told, progress=progress, log=office.log))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        yield working
    finally:
        waiting.cancel()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def _account(path: Path, password: str) -> str:
    """Make the operator's account; returns its token."""
    db = opened(path)
    try:
        Accounts(db).add(OPERATOR, password, "operator")
        return Tokens(db).issue(OPERATOR, "benchmark")[1]
    finally:
        db.close()
