"""Formulas that give numbers: over columns of numbers and dates, two operations deep, with learned constants and caps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from policies.derive.expressions import Expression, apply, const, evaluate, years_between
from policies.derive.operands import copied
from policies.derive.table import Entry, Flags, Floats, Hypothesis, Tried, chance, columns, gets, matrix
from policies.derive.writing import places

MOST_NUMBERS = 28
MOST_DATES = 8
ANCHORS = 16
MOST_KEPT = 150
MOST_CAPPED = 8
LEFT = 4
"""Rows that must be unexplained for a deeper search to be worth it."""

Proved = Callable[[Hypothesis], bool]
Unit = int
Units = npt.NDArray[np.int64]
PLAIN, MONEY, PERCENT = 0, 1, 2


@dataclass(frozen=True)
class Block:
    """Expressions of one level as rows of `values` (k, n); `make` builds the k-th."""

    values: Floats
    units: list[Unit]
    make: Callable[[int], Expression]


def search(rows: Sequence[Entry], truth: Floats, tried: Tried, least: int, share: float, proved: Proved) -> None:
    """Put into `tried` the numeric expressions that are right in at least `least` rows and the `share` of those where they
    have a value. `truth` (n,), NaN where no number was entered; `proved` says of what was found whether it is no chance."""
    finder = _Finder(rows, truth, tried, least, share, proved)
    finder.copies()
    pairs = finder.pairs()
    finder.constants(finder.base, 1)
    if tried.left() >= LEFT:
        finder.constants(pairs, 2)
        finder.linear()
        finder.triples(pairs)
    finder.caps()


class _Finder:
    def __init__(self, rows: Sequence[Entry], truth: Floats, tried: Tried, least: int, share: float, proved: Proved) -> None:
        numbers, dates = columns(rows, "number", MOST_NUMBERS), columns(rows, "date", MOST_DATES)
        self.rows, self.truth, self.tried, self.least, self.share = rows, truth, tried, least, share
        self.proved = proved
        self.decimals = places(row.value.raw for row in rows)
        self.tolerance = 0.5 * 10.0**-self.decimals + 1e-7
        self.codes = [round(t, self.decimals) if not math.isnan(t) else None for t in truth]
        units = [_unit([c.unit for c in column if c is not None]) for column in numbers.values()]
        expressions = gets(numbers)
        self.base = Block(matrix(numbers, len(rows)), units, lambda k: expressions[k])
        self.dates, self.date_gets = matrix(dates, len(rows)), gets(dates)
        self.days = [[cell.day if cell is not None else None for cell in column] for column in dates.values()]
        self.anchors = np.sort(np.random.default_rng(0).permutation(len(rows))[:ANCHORS])

    def keep(self, block: Block, level: int, count: int | None = None) -> None:
        """Count what a block tries, and keep of it what is right often enough."""
        self.tried.counts[level] += len(block.values) if count is None else count
        if not len(block.values):
            return
        right = np.abs(block.values - self.truth) <= self.tolerance
        defined = ~np.isnan(block.values) & ~np.isnan(self.truth)
        hits = right.sum(1)
        enough = np.flatnonzero((hits >= self.least) & (hits >= self.share * defined.sum(1)))
        for k in enough[np.argsort(-hits[enough], kind="stable")][:MOST_KEPT]:
            self.add(block.make(int(k)), block.values[k], right[k], defined[k], level)

    def add(
        self, expression: Expression | None, values: Floats, right: Flags, defined: Flags, level: int, tried: int = 0
    ) -> None:
        codes = [round(float(v), self.decimals) if not math.isnan(v) else None for v in values]
        size = expression.size if expression is not None else 0.0
        self.tried.found.append(Hypothesis(expression, level, size, right, defined, chance(codes, self.codes), tried))

    def copies(self) -> None:
        """Columns as they are, and the most usual number: no derivations, but what derivations have to beat."""
        for k in range(len(self.base.values)):
            expression = self.base.make(k)
            self._learned(expression, self.base.values[k], 0 if copied(expression.slot) else 1)
            self.tried.counts[1] += not copied(expression.slot)
        usual = Counter(code for code in self.codes if code is not None).most_common(1)
        if usual:
            values = np.full_like(self.truth, usual[0][0])
            self.keep(Block(values[None], [PLAIN], lambda k: const(float(usual[0][0]))), 0)

    def pairs(self) -> Block:
        """Two columns with one operation between, and the days or years between two dates."""
        made: list[tuple[str, int, int]] = []
        values: list[Floats] = []
        units: list[Unit] = []
        x, unit = self.base.values, self.base.units
        for i in range(len(x)):
            for j in range(len(x)):
                for op in _operations(unit[i], unit[j], i, j):
                    values.append(_work(op, x[i], x[j]))
                    made.append((op, i, j))
                    units.append(_unit_of(op, unit[i], unit[j]))
        dates: list[tuple[str, int, int]] = []
        for i in range(len(self.dates)):
            for j in range(len(self.dates)):
                if i != j:
                    values += [self.dates[i] - self.dates[j], self._years(i, j)]
                    dates += [("days", i, j), ("years", i, j)]
                    units += [PLAIN, PLAIN]
        base, by_date = self.base.make, self.date_gets

        def make(k: int) -> Expression:
            if k < len(made):
                op, i, j = made[k]
                return apply(op, base(i), base(j))
            op, i, j = dates[k - len(made)]
            return apply(op, by_date[i], by_date[j])

        block = Block(np.array(values).reshape(len(values), len(self.truth)), units, make)
        self.keep(block, 1)
        return block

    def _years(self, i: int, j: int) -> Floats:
        pairs = zip(self.days[i], self.days[j], strict=True)
        return np.array([_age(a, b) for a, b in pairs], np.float64)

    def constants(self, block: Block, level: int) -> None:
        """Every expression of a block with a learned constant: times, divided by, plus, less."""
        n = len(self.truth)
        self.tried.counts[level] += 2 * n * len(block.values)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(np.abs(block.values) > 1e-9, self.truth / block.values, np.nan)
        for k in _clustered(ratios, self.least, self.share, 0.01):
            if (expression := self._scaled(block, k)) is not None:
                self._learned(*expression, level)
        for k in _clustered(self.truth - block.values, self.least, self.share, 0.0):
            gaps = Counter(round(float(g), self.decimals) for g in self.truth - block.values[k] if not math.isnan(g))
            gap = gaps.most_common(1)[0][0]
            if gap:
                made = apply("+" if gap > 0 else "-", block.make(k), const(abs(gap)))
                self._learned(made, block.values[k] + gap, level)

    def _scaled(self, block: Block, k: int) -> tuple[Expression, Floats] | None:
        """The k-th expression times (or divided by) the roundest factor that fits most rows."""
        x = block.values[k]
        some = ~np.isnan(x) & ~np.isnan(self.truth) & (np.abs(x) > 1e-9)
        ends = np.stack([(self.truth[some] - self.tolerance) / x[some], (self.truth[some] + self.tolerance) / x[some]])
        low, high = most_covered(ends.min(0), ends.max(0))
        factor, divisor = roundest(low, high), roundest(1 / high, 1 / low) if low * high > 0 else 0.0
        # A fifth is said as 20 %, a seventh is not.
        if divisor > 1 and len(f"{factor:.9g}") > 5 and len(f"{divisor:.9g}") < len(f"{factor:.9g}"):
            return apply("/", block.make(k), const(divisor)), x / divisor
        # Less than nought times a difference is the difference the other way round.
        return (apply("*", block.make(k), const(factor)), x * factor) if factor > 0 and factor != 1.0 else None

    def _learned(self, expression: Expression, values: Floats, level: int) -> None:
        self.keep(Block(values[None], [PLAIN], lambda k: expression), level, 0)

    def linear(self) -> None:
        """One column plus or less a learned share of another."""
        x = self.base.values
        self.tried.counts[2] += len(self.truth) * len(x) * len(x)
        for i in range(len(x)):
            others = Block(x, self.base.units, self.base.make)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = np.where(np.abs(x) > 1e-9, (self.truth - x[i]) / x, np.nan)
            for k in _clustered(ratios, self.least, self.share, 0.01):
                some = ~np.isnan(ratios[k])
                ends = np.stack([(self.truth - x[i] + sign * self.tolerance)[some] / x[k][some] for sign in (-1, 1)])
                factor = roundest(*most_covered(ends.min(0), ends.max(0)))
                if factor not in (0.0, 1.0, -1.0) and not (k == i and factor == -1.0):
                    part = apply("*", others.make(k), const(abs(factor)))
                    whole = apply("+" if factor > 0 else "-", self.base.make(i), part)
                    self._learned(whole, x[i] + factor * x[k], 2)

    def triples(self, pairs: Block) -> None:
        """A pair with a further column; tried on a few rows first."""
        x, a = self.base.values, self.anchors
        truth = self.truth[a]
        first, third = pairs.values[:, a], x[:, a]
        units, own = np.array(pairs.units, np.int64), np.array(self.base.units, np.int64)
        hits: list[tuple[int, str, int, int]] = []
        for op, back in (("+", 0), ("-", 0), ("-", 1), ("*", 0), ("/", 0), ("/", 1), ("min", 0), ("max", 0), ("percent", 0)):
            if not len(first) or not len(third):
                break
            allowed = _allowed(op, units[:, None], own[None, :])
            self.tried.counts[2] += int(allowed.sum())
            for start in range(0, len(first), 512):
                left, right = first[start : start + 512, None, :], third[None, :, :]
                made = _work(op, right, left) if back else _work(op, left, right)
                score = (np.abs(made - truth) <= self.tolerance).sum(-1) * allowed[start : start + 512]
                defined = (~np.isnan(made)).sum(-1)
                for p, c in zip(*np.nonzero((score >= 4) & (score >= self.share * defined)), strict=True):
                    hits.append((int(score[p, c]), op, start + int(p), int(c) if not back else -1 - int(c)))
        hits.sort(key=lambda hit: -hit[0])
        for _, op, p, c in hits[: 4 * MOST_KEPT]:
            column, back = (c, False) if c >= 0 else (-1 - c, True)
            args = (pairs.make(p), self.base.make(column))
            back = back or (op == "percent" and own[column] == PERCENT)
            values = _work(op, x[column], pairs.values[p]) if back else _work(op, pairs.values[p], x[column])
            made_of = apply(op, *(reversed(args) if back else args))
            self._learned(made_of, values, 2)

    def caps(self) -> None:
        """The best expressions so far, not above or not below a number that is entered again and again."""
        known = [h for h in self.tried.found if h.expression is not None and h.expression.op != "const"]
        known = sorted((h for h in known if self.proved(h)), key=lambda h: (-h.held, h.size))[:MOST_CAPPED]
        for h in known:
            rest = Counter(code for code, right in zip(self.codes, h.right, strict=True) if code is not None and not right)
            if not rest or h.expression is None or rest.most_common(1)[0][1] < max(3, rest.total() / 2):
                continue
            cap = float(rest.most_common(1)[0][0])
            values = self._values(h.expression)
            # The expression is proved already, so that only the caps on it are new.
            count = 2 * len(rest) * MOST_CAPPED
            for op in ("min", "max"):
                capped = _work(op, values, np.full_like(values, cap))
                right = np.abs(capped - self.truth) <= self.tolerance
                defined = ~np.isnan(capped) & ~np.isnan(self.truth)
                self.add(apply(op, h.expression, const(cap)), capped, right, defined, max(h.level, 1), count)

    def _values(self, expression: Expression) -> Floats:
        results = [evaluate(expression, row.given) for row in self.rows]
        return np.array([r if isinstance(r, float) else math.nan for r in results], np.float64)


def _unit(units: Sequence[str]) -> Unit:
    return MONEY if "money" in units else PERCENT if "percent" in units else PLAIN


def _operations(a: Unit, b: Unit, i: int, j: int) -> Iterator[str]:
    """What may stand between two columns, each pair once where the order does not matter."""
    if i < j:
        yield from (op for op in ("+", "*", "min", "max") if _may(op, a, b))
    if i != j:
        yield from (op for op in ("-", "/") if _may(op, a, b))
        if _may("percent", a, b) and (a == PERCENT or (b != PERCENT and i < j)):
            yield "percent"


def _may(op: str, a: Unit, b: Unit) -> bool:
    """Whether units allow an operation. Money is not always told from a bare number, so that those two mix."""
    if op in ("+", "-", "min", "max"):
        return {a, b} != {MONEY, PERCENT}
    if op == "*":
        return not a == b == MONEY and PERCENT not in (a, b)
    if op == "percent":
        return not a == b == MONEY
    return b != PERCENT


def _allowed(op: str, a: Units, b: Units) -> Flags:
    table = np.array([[_may(op, i, j) for j in range(3)] for i in range(3)])
    found: Flags = table[a, b]
    return found


def _unit_of(op: str, a: Unit, b: Unit) -> Unit:
    if op == "/":
        return PLAIN if a == b else a
    if op == "percent":
        return b if a == PERCENT else a if b == PERCENT else max(a, b)
    return MONEY if MONEY in (a, b) else max(a, b)


def _work(op: str, a: Floats, b: Floats) -> Floats:
    made: Floats
    match op:
        case "+":
            made = a + b
        case "-":
            made = a - b
        case "*":
            made = a * b
        case "min":
            made = np.minimum(a, b)
        case "max":
            made = np.maximum(a, b)
        case "percent":
            made = a * b / 100
        case _:
            with np.errstate(divide="ignore", invalid="ignore"):
                made = np.where(b != 0, a / b, np.nan)
    return made


def _age(a: date | None, b: date | None) -> float:
    return float(years_between(a, b)) if a is not None and b is not None else math.nan


def _clustered(values: Floats, least: int, share: float, spread: float) -> list[int]:
    """The rows of `values` (k, n) in which enough lie within a `spread` (a part of the size) of one of a few probes."""
    if not len(values):
        return []
    best = np.zeros(len(values), np.int64)
    defined = (~np.isnan(values)).sum(1)
    for probe in np.random.default_rng(1).permutation(values.shape[1])[:10]:
        centre = values[:, probe : probe + 1]
        best = np.maximum(best, (np.abs(values - centre) <= spread * np.abs(centre) + 1e-6).sum(1))
    enough = np.flatnonzero((best >= least) & (best >= share * defined))
    return [int(k) for k in enough[np.argsort(-best[enough], kind="stable")][:60]]


def most_covered(low: Floats, high: Floats) -> tuple[float, float]:
    """The interval that most of the intervals (n,), (n,) cover."""
    points = np.concatenate([low, high])
    steps = np.concatenate([np.ones(len(low)), -np.ones(len(high))])
    order = np.lexsort((-steps, points))
    depth = np.cumsum(steps[order])
    at = int(depth.argmax())
    return float(points[order[at]]), float(points[order[min(at + 1, len(points) - 1)]])


def roundest(low: float, high: float) -> float:
    """The number from `low` to `high` with the fewest digits behind (or most noughts before) the point."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0
    if low <= 0 <= high:
        return 0.0
    for digits in range(-4, 9):
        unit = 10.0**digits
        found = math.ceil(low * unit - 1e-9) / unit
        if found <= high + 1e-12:
            return found
    return (low + high) / 2
