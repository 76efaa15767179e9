"""Formulas that give dates: a date plus days or months, learned or read off the view; the earlier or later of two."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np

from policies.derive.expressions import Expression, Result, apply, const, evaluate
from policies.derive.numbers import most_covered, roundest
from policies.derive.operands import copied
from policies.derive.table import Entry, Hypothesis, Tried, chance, columns, gets, matrix

MOST_DATES = 10
MOST_NUMBERS = 20


def search(rows: Sequence[Entry], tried: Tried, least: int, share: float) -> None:
    """Put into `tried` the expressions that give the date entered in at least `least` rows and the `share` of those where
    they have a value."""
    truth = [row.value.date for row in rows]
    starts, counts = columns(rows, "date", MOST_DATES), columns(rows, "number", MOST_NUMBERS)

    def test(level: int, expression: Expression) -> None:
        values: list[Result | None] = [evaluate(expression, row.given) for row in rows]
        right = np.array([v is not None and v == t for v, t in zip(values, truth, strict=True)])
        defined = np.array([v is not None for v in values])
        if right.sum() >= least and right.sum() >= share * defined.sum():
            odds = chance(values, truth)
            tried.found.append(Hypothesis(expression, level, expression.size, right, defined, odds))

    dates, numbers = gets(starts), gets(counts)
    tried.counts[0] += len(dates)
    for expression in dates:
        test(0 if copied(expression.slot) else 1, expression)
    bases = [(1, expression) for expression in dates]
    bases += [(2, apply(op, a, b)) for i, a in enumerate(dates) for b in dates[i + 1 :] for op in ("min", "max")]
    tried.counts[1] += len(bases) - len(dates)
    for level, expression in bases[len(dates) :]:
        test(level - 1, expression)
    wanted = np.array([t.toordinal() if t is not None else math.nan for t in truth])
    amounts = matrix(counts, len(rows))
    for level, expression in bases:
        begins = [evaluate(expression, row.given) for row in rows]
        since = np.array([b.toordinal() if isinstance(b, date) else math.nan for b in begins])
        tried.counts[level] += 2 * len(rows) + 2 * len(numbers)
        for gap, count in Counter((wanted - since)[~np.isnan(wanted - since)].tolist()).most_common(2):
            if gap and count >= least:
                test(level, apply("later", expression, const(gap)))
        months = Counter(_months(b, t) for b, t in zip(begins, truth, strict=True) if isinstance(b, date) and t is not None)
        for gap, count in months.most_common(2):
            if gap and count >= least:
                test(level, apply("months", expression, const(float(gap))))
        for k, number in enumerate(numbers):
            test(level, apply("later", expression, number))
            test(level, apply("months", expression, number))
            # So many weeks or years: days that are a learned multiple of a number on the page.
            some = ~np.isnan(wanted - since) & ~np.isnan(amounts[k]) & (amounts[k] > 0)
            tried.counts[2] += len(rows)
            if level == 1 and some.sum() >= least:
                ratios = (wanted - since)[some] / amounts[k][some]
                factor = roundest(*most_covered(ratios - 1e-6, ratios + 1e-6))
                if factor not in (0.0, 1.0):
                    test(2, apply("later", expression, apply("*", number, const(factor))))
    if tried.left() >= 4:
        pairs = [(a, b) for i, a in enumerate(numbers) for b in numbers[i + 1 :]][:120]
        tried.counts[2] += 2 * len(pairs) * len(dates)
        for expression in dates:
            for a, b in pairs:
                for op in ("+", "*"):
                    test(2, apply("later", expression, apply(op, a, b)))


def _months(a: date, b: date) -> int:
    return (b.year - a.year) * 12 + b.month - a.month
