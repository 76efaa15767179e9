"""What a run of the benchmark measured, what was wanted, and what falls short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from agent.bench.results import Machine
from schema_extraction.view import Frozen


class Wanted(Frozen):
    """Milliseconds at the 95th percentile; hand-offs; frames a second. `least`: fewer measurements than this tell nothing."""

    resume: float = 150.0
    card: float = 300.0
    missed: int = 0
    frames: float = 5.0
    least: int = 20


class HandoffSettings(Frozen):
    """`resumes`, `cards`: so many are measured of each. `sessions`: at the same time. `seconds`: of typing, and of scrolling,
    in the page that is taken over."""

    resumes: int = 60
    cards: int = 40
    sessions: int = 20
    seconds: float = 6.0


class Times(Frozen):
    """Of one thing, in milliseconds."""

    what: str
    count: int
    p50: float
    p95: float

    @classmethod
    def of(cls, what: str, milliseconds: Sequence[float]) -> Times:
        p50, p95 = np.percentile(milliseconds, [50, 95]) if milliseconds else (float("nan"), float("nan"))
        return cls(what=what, count=len(milliseconds), p50=round(float(p50), 1), p95=round(float(p95), 1))


class Many(Frozen):
    """Many sessions and one operator. `told`: changes of hand-offs that the desk told of; `missed`: those of them that did not
    reach the operator's stream. `settled`: hand-offs answered, by kind. `cpu`: share of all cores that everything together
    took, `agent_cpu`: that of the process of agents and console alone, of one core."""

    sessions: int
    closed: int
    handoffs: int
    told: int
    missed: int
    settled: dict[str, int]
    seconds: float
    per_minute: float
    cpu: float
    agent_cpu: float


class Pictures(Frozen):
    """Frames a second that the operator's screen drew, while the page changed in this way."""

    what: str
    seconds: float
    frames: int

    @property
    def per_second(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0


class HandoffBench(Frozen):
    """Everything that one run measured. `resume`: from the operator's change in the page to the agent's next action, all
    together and by kind of change. `card`: from the gate's decision to what is on the operator's screen."""

    machine: Machine
    resume: tuple[Times, ...] = ()
    card: tuple[Times, ...] = ()
    many: Many | None = None
    pictures: tuple[Pictures, ...] = ()
    seconds: float = 0.0
    short: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


def shortfalls(found: HandoffBench, settings: HandoffSettings, wanted: Wanted = Wanted()) -> Iterator[str]:
    """What falls short, in words."""
    for times, most in ((found.resume[:1], wanted.resume), (found.card[:1], wanted.card)):
        for one in times:
            if one.count < wanted.least:
                yield f"{one.what}: {one.count} measured, at least {wanted.least} wanted"
            if not one.p95 < most:
                yield f"{one.what}: {one.p95:.0f} ms (p95), under {most:.0f} ms wanted"
    if (many := found.many) is not None:
        if many.missed > wanted.missed:
            yield f"{many.missed} of {many.told} changes of hand-offs did not reach the operator, {wanted.missed} wanted"
        if many.closed < settings.sessions:
            yield f"{many.closed} of {settings.sessions} cases came to their end"
    for pictures in found.pictures:
        if pictures.per_second < wanted.frames:
            yield f"{pictures.what}: {pictures.per_second:.1f} pictures a second, at least {wanted.frames:g} wanted"
