"""What a run of the benchmark of reading measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.bench.judge import Shares
from fixtures.pages.truth import Completeness
from schema_extraction.view import Frozen


class Reading(Frozen):
    """One reader on one page. `none`: why there is no reading, in words. Times are milliseconds."""

    page: str
    reader: str
    p50: float = 0.0
    p95: float = 0.0
    count: int = 0
    characters: int = 0
    tokens: int = 0
    leaks_password: bool = False
    shares: Shares | None = None
    none: str = ""


class ChangeTiming(Frozen):
    """The next view after one change. `seen`: share of the changes that this view shows; `same`: it is what a look at the whole
    page gives."""

    page: str
    kind: str
    p50: float
    p95: float
    count: int
    seen: float
    same: bool


class PageResult(Frozen):
    """One page. `completeness`: casepilot's view by role and name, strictly; of `true_controls` on the page and `own_controls`
    in the view. `table_rows`: of its large table."""

    name: str
    nodes: int
    true_controls: int
    own_controls: int
    table_rows: int = 0
    readings: tuple[Reading, ...]
    completeness: Completeness
    changes: tuple[ChangeTiming, ...] = ()

    def reading(self, reader: str) -> Reading | None:
        """What a reader made of this page, or None if it gave nothing."""
        return next((found for found in self.readings if found.reader == reader and not found.none), None)


class Machine(Frozen):
    """Where it ran. `load`: runnable processes on average over the minute before the run."""

    cores: int
    load: float
    python: str
    chromium: str
    versions: dict[str, str]


class ExtractBench(Frozen):
    """Everything that one run measured. `miniwob` is empty, and `miniwob_none` says why, where there are no such pages."""

    machine: Machine
    tokenizer: str
    pages: tuple[PageResult, ...]
    miniwob: tuple[PageResult, ...] = ()
    miniwob_none: str = ""
    short: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


def milliseconds(seconds: list[float], percent: float) -> float:
    """A percentile of measured times."""
    return float(np.percentile(seconds, percent)) * 1000 if seconds else 0.0


def share(parts: list[tuple[float, float]]) -> float:
    """The mean of shares, each with its weight."""
    weight = sum(weight for _, weight in parts)
    return sum(value * weight for value, weight in parts) / weight if weight else 1.0
