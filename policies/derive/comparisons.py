"""Comparisons that decide choices: one amount against another, the days between two dates, an amount against a learned number.

Found by growing a small tree for every choice, on the truths that are known already (see `policies.literals`) and on every
number, difference and ratio of the operands. A comparison is taken where it splits better than all that was known. What is
no chance is then kept: an exact test (Fisher) of each split, corrected for the splits tried in its node among measures of its
kind (plain, differences, ratios) and for the answers, and over all nodes of all choices a bound on the share of false
discoveries (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import Field
from scipy.stats import hypergeom

from policies.derive.expressions import Expression, apply, evaluate, get, worded
from policies.derive.numbers import roundest
from policies.derive.operands import Operands, operands
from policies.derive.table import Entry, Flags, Floats, columns, matrix
from policies.literals import Names, literals
from policies.proposal import History
from schema_extraction.normalise import plain
from schema_extraction.view import Frozen, Value, View

MOST_NUMBERS = 18
MOST_DATES = 8
MOST_CLASSES = 8
MOST_ROWS = 300
KINDS = {"-": 1, "/": 2}
"""Of measures: plain ones and days are 0."""
BETTER = 1.05
"""By how much a comparison must split better than what is known."""


class ComparisonSettings(Frozen):
    """`false`: the share of the comparisons kept that may decide nothing. `least`: rows in a node that is split. `depth`: of
    the tree. `most`: comparisons kept a choice."""

    false: float = Field(0.05, gt=0, lt=1)
    least: int = Field(8, ge=2)
    depth: int = Field(4, ge=1)
    most: int = Field(4, ge=1)


class Comparison(Frozen):
    """`expression`, a number, is at least `edge`; with `strict`, above it."""

    expression: Expression
    edge: float
    strict: bool = False

    @cached_property
    def name(self) -> str:
        """Its name as a truth about a view."""
        return f"compare {self.expression.id}{'>' if self.strict else '>='}{self.edge:g}"

    @cached_property
    def of_controls(self) -> bool:
        """Whether it takes in what a field on the form holds, which changes as the form is filled."""
        return any(slot.startswith("control:") for slot in self.expression.slots)

    def holds(self, given: Operands) -> bool:
        """Whether it is true; false too where an operand is missing."""
        amount = evaluate(self.expression, given)
        return isinstance(amount, float) and (amount > self.edge if self.strict else amount >= self.edge - 1e-9)

    def worded(self, given: Operands | None = None) -> str:
        """In words, e.g. 'Amount claimed 900.00 is at least Limit 500.00'."""
        e, edge = self.expression, plain(self.edge) or "0"
        if e.op == "-" and not self.edge:
            a, b = (worded(arg, given) for arg in e.args)
            return f"{a} is {'above' if self.strict else 'at least'} {b}"
        if e.op == "/":
            a, b = (worded(arg, given) for arg in e.args)
            return f"{a} is {'above' if self.strict else 'at least'} {plain(self.edge * 100) or '0'} % of {b}"
        return f"{worded(e, given)} is {'above' if self.strict else 'at least'} {edge}"


def truths(
    view: View,
    history: History,
    comparisons: Sequence[Comparison],
    *,
    controls: bool = True,
    given: Operands | None = None,
) -> Names:
    """The literals of a view, with the comparisons that hold. `controls`: also what follows from what its fields hold. `given`:
    the operands of the view, where they are known already."""
    known = literals(view, history, controls=controls)
    asked = [c for c in comparisons if controls or not c.of_controls]
    if not asked:
        return known
    given = operands(view, history) if given is None else given
    return known | {c.name for c in asked if c.holds(given)}


@dataclass(frozen=True)
class Choice:
    """One choice that an operator made: what held, what could be compared, and what was chosen."""

    case_id: str
    true: Names
    given: Operands
    answer: str


def find_comparisons(
    choices: Mapping[str, Sequence[Choice]], settings: ComparisonSettings = ComparisonSettings()
) -> tuple[Comparison, ...]:
    """The comparisons behind choices, by the key of the field or control."""
    splits: list[Split] = []
    nodes = 0
    for _, rows in sorted(choices.items()):
        made, tested = find_splits(rows, settings)
        splits += made
        nodes += tested
    splits.sort(key=lambda split: split.chance)
    bars = [rank * settings.false / max(nodes, 1) for rank in range(1, len(splits) + 1)]
    kept = max((rank for rank, (split, bar) in enumerate(zip(splits, bars, strict=True), 1) if split.chance <= bar), default=0)
    return tuple({split.comparison.name: split.comparison for split in splits[:kept]}.values())


@dataclass(frozen=True)
class Split:
    """A comparison with the probability that the best of its node and kind is so good by chance."""

    comparison: Comparison
    chance: float


def find_splits(rows: Sequence[Choice], settings: ComparisonSettings = ComparisonSettings()) -> tuple[tuple[Split, ...], int]:
    """The comparisons behind one choice, best first, and how many nodes were looked at."""
    counts = Counter(row.answer for row in rows)
    common = [answer for answer, count in counts.most_common(MOST_CLASSES) if count >= 3]
    if len(common) < 2:
        return (), 0
    rows = [row for row in rows if row.answer in common]
    rows = rows[:MOST_ROWS]
    return _Tree(rows, common, settings).splits()


class _Tree:
    def __init__(self, rows: Sequence[Choice], answers: Sequence[str], settings: ComparisonSettings) -> None:
        self.settings = settings
        entries = [Entry(row.case_id, row.given, Value(raw=row.answer)) for row in rows]
        measures = list(_measures(entries))
        self.expressions = [expression for expression, _ in measures]
        self.kinds = np.array([KINDS.get(expression.op, 0) for expression in self.expressions], np.int64)
        self.values = np.stack([values for _, values in measures]) if measures else np.zeros((0, len(rows)))
        self.nodes = 0
        self.answers = np.array([[row.answer == answer for answer in answers] for row in rows], np.float64)
        seen = Counter(name for row in rows for name in row.true)
        known: dict[bytes, Flags] = {}
        for name, count in seen.items():
            if 2 <= count <= len(rows) - 2:
                held = np.array([name in row.true for row in rows])
                known.setdefault(held.tobytes(), held)
        self.known = np.stack(list(known.values())) if known else np.zeros((0, len(rows)), np.bool_)

    def splits(self) -> tuple[tuple[Split, ...], int]:
        found: list[Split] = []
        self._grow(np.ones(len(self.answers), np.bool_), self.settings.depth, found)
        return tuple(sorted(found, key=lambda split: split.chance)[: self.settings.most]), self.nodes

    def _grow(self, here: Flags, depth: int, found: list[Split]) -> None:
        count = int(here.sum())
        sums = self.answers[here].sum(0)
        if not depth or count < self.settings.least or (sums > 0).sum() < 2:
            return
        self.nodes += 1
        known_gain, known = self._best_known(here)
        gain, best, tried = self._best_split(here)
        side = None
        if best is not None and gain > BETTER * known_gain + 1e-9:
            parted = self._side(best)
            some = here & self._known_values(best)
            chance = min(1.0, _exact(self.answers[some], parted[some]) * tried * len(set(self.kinds)))
            if chance <= self.settings.false:
                found.append(Split(best, chance))
                side = parted
        if side is None and known is not None and known_gain > 1e-9:
            side = self.known[known]
        if side is not None:
            for part in (here & side, here & ~side):
                if part.sum() < count:
                    self._grow(part, depth - 1, found)

    def _side(self, comparison: Comparison) -> Flags:
        values = self.values[self.expressions.index(comparison.expression)]
        with np.errstate(invalid="ignore"):
            above: Flags = values > comparison.edge if comparison.strict else values >= comparison.edge - 1e-9
        return above

    def _known_values(self, comparison: Comparison) -> Flags:
        values: Flags = ~np.isnan(self.values[self.expressions.index(comparison.expression)])
        return values

    def _best_known(self, here: Flags) -> tuple[float, int | None]:
        if not len(self.known):
            return 0.0, None
        answers = self.answers[here]
        on = self.known[:, here].astype(np.float64) @ answers
        gains = _gain(on, answers.sum(0) - on)
        best = int(gains.argmax())
        return float(gains[best]), best

    def _best_split(self, here: Flags) -> tuple[float, Comparison | None, int]:
        """The gain of the best split (in nats over all rows), the comparison, and how many splits there were."""
        values = self.values[:, here]
        if not len(values):
            return 0.0, None, 0
        # Rows without a value tell nothing, lest that they have none be taken for a comparison. They are sorted last.
        order = np.argsort(values, axis=1, kind="stable")
        ordered = np.take_along_axis(values, order, axis=1)
        answers = self.answers[here][order] * ~np.isnan(ordered)[..., None]
        low = np.cumsum(answers, axis=1)[:, :-1]
        edges = ordered[:, 1:] > ordered[:, :-1]
        gains = np.where(edges, _gain(low, answers.sum(1, keepdims=True) - low), 0.0)
        # A plainer measure is taken unless another is clearly better.
        best = [float(gains[self.kinds == kind].max(initial=0.0)) for kind in range(3)]
        kind = next(n for n in range(3) if best[n] * BETTER >= max(best))
        tried = int(edges[self.kinds == kind].sum())
        gains[self.kinds != kind] = 0.0
        k, place = np.unravel_index(int(gains.argmax()), gains.shape)
        if gains[k, place] <= 0:
            return 0.0, None, tried
        below, above = float(ordered[k, place]), float(ordered[k, place + 1])
        edge = roundest(below, above)
        comparison = Comparison(expression=self.expressions[int(k)], edge=edge, strict=math.isclose(edge, below))
        return float(gains[k, place]), comparison, tried


def _exact(answers: Floats, side: Flags) -> float:
    """The probability (Fisher) that an answer is so one-sided by chance, for the most one-sided one, times their number."""
    total, above = len(side), int(side.sum())
    chances = []
    for column in answers.T:
        count, on = int(column.sum()), int(column[side].sum())
        chances += [hypergeom.sf(on - 1, total, count, above), hypergeom.cdf(on, total, count, above)]
    return float(min(chances)) * len(chances) if chances else 1.0


def _gain(a: Floats, b: Floats) -> Floats:
    """How much less uncertain (nats over all rows) the answers counted in (..., c) are on two sides than together."""

    def entropy(counts: Floats) -> Floats:
        total = counts.sum(-1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(counts > 0, counts * np.log(counts / total), 0.0)
        return np.asarray(-parts.sum(-1), np.float64)

    return entropy(a + b) - entropy(a) - entropy(b)


def _measures(rows: Sequence[Entry]) -> Iterator[tuple[Expression, Floats]]:
    """Numbers that may be held against an edge, the plainer first."""
    numbers, dates = columns(rows, "number", MOST_NUMBERS), columns(rows, "date", MOST_DATES)
    x, d = matrix(numbers, len(rows)), matrix(dates, len(rows))
    slots, days = list(numbers), list(dates)
    units = [next((cell.unit for cell in column if cell is not None), "") for column in numbers.values()]
    for i, slot in enumerate(slots):
        yield get(slot), x[i]
    for i in range(len(days)):
        for j in range(len(days)):
            if i < j:  # from the earlier to the later, as people count
                first, second = (i, j) if np.nanmedian(np.append(d[i] - d[j], 0.5)) > 0 else (j, i)
                yield apply("days", get(days[first]), get(days[second])), d[first] - d[second]
    pairs = [(i, j) for i in range(len(slots)) for j in range(len(slots)) if i != j and "percent" not in (units[i], units[j])]
    for i, j in pairs:
        if i < j:
            yield apply("-", get(slots[i]), get(slots[j])), x[i] - x[j]
    for i, j in pairs:
        if i < j:
            with np.errstate(divide="ignore", invalid="ignore"):
                yield apply("/", get(slots[i]), get(slots[j])), np.where(x[j] != 0, x[i] / x[j], np.nan)
