"""`casepilot bench handoff`: carries out its parts one after the other, and tells what they measured."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from rich.table import Table

from agent.bench.handoff import card, many, pictures, resume
from agent.bench.handoff.office import opened_practice
from agent.bench.handoff.results import HandoffBench, HandoffSettings, shortfalls
from agent.bench.results import Machine
from browser.launch import BrowserSettings
from browser.session import opened

CHANGES = 2
"""Of a page that is taken over: typing and scrolling."""
HANDOFFS = 5
"""About so many a case has in copilot."""
CASE_CHANGES = 3
"""Hand-offs that a case has at the least, also where every other step is the agent's."""


async def run(settings: HandoffSettings, folder: Path, progress: Callable[[int, int], None]) -> HandoffBench:
    """Measure all of it. `folder`: for the data of the runs.

    Raises:
        LaunchError, PageError, SignInError: there is no browser, or a page cannot be opened. RunError: an operator's program
            died. ServingError: the application does not come up.
    """
    total = settings.resumes + settings.cards + HANDOFFS * settings.sessions + CHANGES
    done, started = 0, time.monotonic()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0

    def count() -> None:
        nonlocal done
        done += 1
        progress(min(done, total), total)

    progress(0, total)
    async with opened(BrowserSettings()) as browser:
        version = browser.version
    shares = {
        "resume": -(-settings.resumes // CASE_CHANGES),
        "card": -(-settings.cards // CASE_CHANGES),
        "many": settings.sessions,
        "pictures": 1,
    }
    async with opened_practice(folder, sum(shares.values())) as practice:
        ids = iter(practice.cases)
        parts = {name: replace(practice, cases=tuple(islice(ids, share))) for name, share in shares.items()}
        found = HandoffBench(
            machine=Machine(
                cores=os.cpu_count() or 0, load=load, python=platform.python_version(), chromium=version, versions={}
            ),
            resume=await resume.measure(folder / "resume", parts["resume"], settings.resumes, count),
            card=await card.measure(folder / "card", parts["card"], settings.cards, count),
            many=await many.measure(folder / "many", parts["many"], count),
            pictures=await pictures.measure(folder / "pictures", parts["pictures"], settings.seconds, count),
        )
    found = found.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
    return found.model_copy(update={"short": tuple(shortfalls(found, settings))})


def tables(found: HandoffBench) -> Iterator[Table]:
    """What was measured, in the order to be printed in."""
    times = Table(title="To the operator and back", title_justify="left")
    for heading in ("from … to", "n", "p50 ms", "p95 ms"):
        times.add_column(heading, justify="left" if heading.startswith("from") else "right")
    for one in (*found.resume, *found.card):
        times.add_row(one.what, str(one.count), f"{one.p50:.0f}", f"{one.p95:.0f}")
    yield times
    if (many := found.many) is not None:
        crowd = Table(title=f"{many.sessions} sessions, one operator", title_justify="left")
        rows = {
            "cases closed": str(many.closed),
            "hand-offs": str(many.handoffs),
            "settled": ", ".join(f"{number} {kind}" for kind, number in sorted(many.settled.items())),
            "settled a minute": f"{many.per_minute:.0f}",
            "changes told": str(many.told),
            "of these missed": str(many.missed),
            "seconds": f"{many.seconds:.0f}",
            "processor time, of all cores": f"{many.cpu:.0%}",
            "agents and console, of one core": f"{many.agent_cpu:.0%}",
        }
        crowd.add_column("")
        crowd.add_column("", justify="right")
        for what, value in rows.items():
            crowd.add_row(what, value)
        yield crowd
    screen = Table(title="The live page, in the operator's browser", title_justify="left")
    for heading in ("while", "seconds", "pictures", "a second"):
        screen.add_column(heading, justify="left" if heading == "while" else "right")
    for pictured in found.pictures:
        screen.add_row(pictured.what, f"{pictured.seconds:.1f}", str(pictured.frames), f"{pictured.per_second:.1f}")
    yield screen
