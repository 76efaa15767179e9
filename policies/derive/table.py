"""Recorded entries of one field as a table: a row a case, a column an operand; and what was tried on it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from policies.derive.expressions import Expression, get
from policies.derive.operands import Operand, Operands, Type
from schema_extraction.view import Value

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Texts = list[str | None]


@dataclass(frozen=True)
class Entry:
    """One entry: what the view offered and what was entered."""

    case_id: str
    given: Operands
    value: Value


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """An expression with where it has a value and where this is the one entered (n,). `chance`: how often its value in one case
    is what was entered in another. `level`: 0 for a copy or a constant, which are no derivations; else how deep it was sought.
    `tried`: among how many it was sought, where that is not all of the level."""

    expression: Expression | None
    level: int
    size: float
    right: Flags
    defined: Flags
    chance: float
    tried: int = 0

    @property
    def held(self) -> int:
        return int(self.right.sum())


@dataclass
class Tried:
    """The hypotheses worth testing, and how many were tried on each level."""

    found: list[Hypothesis] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)

    def left(self) -> int:
        """In how many rows the best one so far is not right."""
        best = max(self.found, key=lambda h: h.held, default=None)
        return int((~best.right).sum()) if best is not None else 1 << 30


def columns(rows: Sequence[Entry], wanted: Type, most: int) -> dict[str, list[Operand | None]]:
    """The operands of a type that at least three in ten rows have, by slot; equal ones once. The fuller and more varied ones
    where there are more than `most`."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(slot for slot, operand in row.given.items() if operand.type == wanted)
    least = max(3, math.ceil(0.3 * len(rows)))
    found: dict[tuple[Any, ...], tuple[str, list[Operand | None]]] = {}
    for slot, count in counts.items():
        if count >= least:
            column = [row.given.get(slot) for row in rows]
            column = [cell if cell is not None and cell.type == wanted else None for cell in column]
            key = tuple(held(cell) if cell is not None else None for cell in column)
            found.setdefault(key, (slot, column))
    kept = sorted(found.items(), key=lambda item: -len({k for k in item[0] if k is not None}) * _filled(item[0]))[:most]
    order = {slot: place for place, slot in enumerate(counts)}
    return dict(sorted((pair for _, pair in kept), key=lambda pair: order[pair[0]]))


def held(operand: Operand) -> float | str:
    """What an operand holds, a date as its day number."""
    if operand.type == "number":
        return operand.number if operand.number is not None else math.nan
    if operand.type == "date":
        return float(operand.day.toordinal()) if operand.day is not None else math.nan
    return operand.shown


def matrix(found: dict[str, list[Operand | None]], width: int) -> Floats:
    """Numbers or day numbers (columns, `width` rows), NaN where there is none."""
    made = np.full((len(found), width), np.nan)
    for place, column in enumerate(found.values()):
        made[place] = [float(held(cell)) if cell is not None else math.nan for cell in column]
    return made


def gets(found: Iterable[str]) -> list[Expression]:
    return [get(slot) for slot in found]


def chance(values: Sequence[Any], truth: Sequence[Any]) -> float:
    """How often a value (None for none) equals what was entered in another row, never less than once in as many rows."""
    told, wanted = Counter(v for v in values if v is not None), Counter(truth)
    same = sum(count * wanted[value] for value, count in told.items())
    diagonal = sum(v is not None and v == t for v, t in zip(values, truth, strict=True))
    pairs = told.total() * (len(truth) - 1)
    return max((same - diagonal) / pairs if pairs else 1.0, 1.0 / max(len(truth), 1))


def _filled(cells: tuple[Any, ...]) -> int:
    return sum(cell is not None for cell in cells)
