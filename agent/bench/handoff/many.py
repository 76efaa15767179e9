"""Many sessions at the same time and one scripted operator, who is another program."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from agent.bench.handoff.office import OPERATOR, Practice, opened_office, outside
from agent.bench.handoff.results import Many
from agent.console.client import ConsoleClient
from agent.demo.clerk import Clerk
from agent.desk import Change
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import Persona
from schema_extraction.view import Frozen

CHOOSY = Persona(username=OPERATOR, display="Operator 1", wording=1, own_words=0.3, fussy=0.1)
"""Edits and rejects more than the others, so that every way to settle a hand-off is gone."""


class Heard(Frozen):
    """What the operator's program saw of the run."""

    events: tuple[tuple[str, str], ...]
    answered: dict[str, int]


async def measure(folder: Path, practice: Practice, count: Callable[[], None]) -> Many:
    """Work as many cases as there are sessions, all at once. `count` is called for every hand-off that is answered.

    Raises:
        RunError: the operator's program died.
    """
    sessions = len(practice.cases)
    async with opened_office(folder, practice, concurrency=sessions, open_pages=sessions) as office:
        told: Counter[tuple[str, Change]] = Counter()
        office.runner.desk.watch(lambda id, change: told.update([(id, change)]))
        async with outside(operate, office, count=count) as operating:
            own, everything, started = _seconds(whole=False), _seconds(), time.monotonic()
            summaries = await office.runner.run(practice.cases)
            seconds = time.monotonic() - started
            agent, whole = _seconds(whole=False) - own, _seconds() - everything
            heard = await operating
    missed = told - Counter((id, change) for id, change in heard.events)  # type: ignore[misc]
    settled = sum(heard.answered.values())
    return Many(
        sessions=sessions,
        closed=sum(summary.status == "completed" for summary in summaries),
        handoffs=sum(change == "opened" for _, change in told),
        told=told.total(),
        missed=missed.total(),
        settled=heard.answered,
        seconds=round(seconds, 1),
        per_minute=round(60 * settled / seconds, 1),
        cpu=round(whole / seconds / (psutil.cpu_count() or 1), 3),
        agent_cpu=round(agent / seconds, 3),
    )


def operate(address: str, token: str, db: Path, progress: Callable[[int, int], None]) -> Heard:
    """The operator's program, in a process of its own, until all cases are over."""
    return asyncio.run(_operate(address, token, db, progress))


async def _operate(address: str, token: str, db: Path, progress: Callable[[int, int], None]) -> Heard:
    oracle = Oracle(db)
    done = 0

    def answered() -> None:
        nonlocal done
        done += 1
        progress(done, 0)

    try:
        async with ConsoleClient(address, token) as console, Clerk(console, Operator(CHOOSY, oracle), answered) as clerk:
            await clerk.work(lambda: progress(0, 0))
            return Heard(events=tuple(clerk.heard), answered=dict(clerk.answered))
    finally:
        oracle.close()


def _seconds(whole: bool = True) -> float:
    """Processor seconds of this process, or of it and all that it has started."""
    me = psutil.Process()
    total = 0.0
    for process in [me, *me.children(recursive=True)] if whole else [me]:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has ended since
        total += times.user + times.system
    return total
