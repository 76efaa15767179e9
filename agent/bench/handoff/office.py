"""A run on the practice BPM with the operators' console beside it, as `casepilot run --console` opens them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
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
class Office:
    """`address`, `token`, `password`: what the operator needs to know of the console; `db`: the application's database; `log`:
    the folder that the operator's program logs into."""

    address: str
    token: str
    password: str
    db: Path
    log: Path
    runner: Runner
    cases: list[str]


@asynccontextmanager
async def opened_office(
    folder: Path,
    cases: int,
    gates: Callable[[str], Decider] = lambda _: Gate("copilot"),
    *,
    concurrency: int,
    open_pages: int = 0,
) -> AsyncIterator[Office]:
    """Open application, agents and console; nothing works before `office.runner.run`.

    Raises:
        LaunchError, PageError, SignInError: the browser or the application cannot be had.
    """
    accounts, db = folder / "console.sqlite", folder / "bpm.sqlite"
    folder.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(12)
    token = await asyncio.to_thread(_account, accounts, password)
    async with running_bpm(BpmSettings(db=db, cases=cases, splits=("test",))) as base_url:
        settings = RunSettings(
            profile=load_profile(PROFILE).model_copy(update={"base_url": base_url}),
            run_dir=folder / "run",
            concurrency=concurrency,
            open_pages=open_pages,
            isolate_sites=False,  # the practice BPM has no frames of other sites
            credentials=AGENT,
        )
        policy, oracle = KnowingPolicy(db), Oracle(db)
        try:
            async with Runner(settings, policy, gates, Desk()) as runner:
                console = ConsoleSettings(port=0, accounts=accounts, undo_seconds=0.0)
                async with running_console(with_runner(console, runner)) as address:
                    yield Office(address, token, password, db, folder / "operator", runner, oracle.case_ids())
        finally:
            oracle.close()
            policy.close()


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
