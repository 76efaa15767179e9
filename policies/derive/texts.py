"""Formulas that give texts: a part of a text on the view, its case, two parts joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from policies.derive.expressions import Expression, apply, get, transform
from policies.derive.operands import copied
from policies.derive.table import Entry, Hypothesis, Texts, Tried, chance, columns

MOST_TEXTS = 24
MARKS = ("@", "-", "/", ".", "_", " ", ",", "#", ":")
LONGEST_BETWEEN = 3
LONGEST_FIXED = 8

Test = Callable[[int, Expression, Texts], bool]
How = Callable[[str, str], bool]


def search(rows: Sequence[Entry], tried: Tried, least: int, share: float) -> None:
    """Put into `tried` the text expressions that are right in at least `least` rows and the `share` of those where they have a
    value."""
    truth = [fold(row.value.raw) for row in rows]

    def test(level: int, expression: Expression, values: Texts) -> bool:
        right = np.array([v is not None and v == t for v, t in zip(values, truth, strict=True)])
        defined = np.array([v is not None for v in values])
        enough = bool(right.sum() >= least and right.sum() >= share * defined.sum())
        if enough:
            odds = chance(values, truth)
            tried.found.append(Hypothesis(expression, level, expression.size, right, defined, odds))
        return enough

    found = columns(rows, "text", MOST_TEXTS)
    parts: list[tuple[Expression, Texts]] = []
    for slot, column in found.items():
        whole: Texts = [fold(cell.shown) if cell is not None else None for cell in column]
        level = 0 if copied(slot) else 1
        tried.counts[level] += 1
        test(level, get(slot), whole)
        parts.append((get(slot), whole))
        for op, number, mark in _operations(whole):
            values = [transform(op, text, number, mark) if text is not None else None for text in whole]
            if sum(v is not None for v in values) >= least and values != whole:
                tried.counts[1] += 1
                expression = apply(op, get(slot), number=number, text=mark)
                test(1, expression, values)
                parts.append((expression, values))
    if tried.left() < 4:
        return
    _in_another_case(parts, truth, tried, test, least)
    _with_fixed(parts, truth, tried, test, least)
    _joined(parts, truth, tried, test, least)


def _operations(column: Texts) -> Iterator[tuple[str, float, str]]:
    """What can be done to the texts of a column."""
    yield from (("word", float(n), "") for n in (0, 1, -1))
    yield from (("initials", 0.0, ""), ("digits", 0.0, ""), ("upper", 0.0, ""), ("lower", 0.0, ""), ("title", 0.0, ""))
    yield from ((op, float(n), "") for op in ("head", "tail") for n in range(1, 9))
    for mark in MARKS:
        having = sum(text is not None and mark in text for text in column)
        if mark != " " and having >= max(3, len(column) / 4):
            yield from (("before", 0.0, mark), ("after", 0.0, mark))
            yield from (("part", float(n), mark) for n in (1, 2, -1) if mark != "@")


def _in_another_case(parts: list[tuple[Expression, Texts]], truth: list[str], tried: Tried, test: Test, least: int) -> None:
    for expression, values in list(parts):
        if expression.op in ("upper", "lower", "title"):
            continue
        for case in ("upper", "lower", "title"):
            tried.counts[2] += 1
            made: Texts = [transform(case, v) if v is not None else None for v in values]
            if made == values:
                continue
            if sum(m == t for m, t in zip(made, truth, strict=True)) >= least:
                test(2, apply(case, expression), made)
            if expression.op in ("get", "word", "head"):
                parts.append((apply(case, expression), made))


def _with_fixed(parts: list[tuple[Expression, Texts]], truth: list[str], tried: Tried, test: Test, least: int) -> None:
    """A part with something before or behind that is always the same."""
    for expression, values in parts:
        heads: Counter[str] = Counter()
        tails: Counter[str] = Counter()
        for value, text in zip(values, truth, strict=True):
            if value and len(value) > 1 and value != text:
                if text.endswith(value):
                    heads[text[: -len(value)]] += 1
                if text.startswith(value):
                    tails[text[len(value) :]] += 1
        tried.counts[2] += 2
        for op, counts in (("prefix", heads), ("suffix", tails)):
            for fixed, count in counts.most_common(1):
                # What a field holds is folded, and a fixed part with a blank at its end cannot be told from one without.
                if count >= least and len(fixed) <= LONGEST_FIXED:
                    made = [f"{fixed}{v}" if op == "prefix" else f"{v}{fixed}" for v in values]
                    test(
                        2,
                        apply(op, expression, text=fixed),
                        [m if v is not None else None for m, v in zip(made, values, strict=True)],
                    )


def _joined(parts: list[tuple[Expression, Texts]], truth: list[str], tried: Tried, test: Test, least: int) -> None:
    """One part at the beginning, another at the end, and always the same between."""
    begins = [(e, v) for e, v in parts if _agree(v, truth, least, str.startswith)]
    ends = [(e, v) for e, v in parts if _agree(v, truth, least, str.endswith)]
    tried.counts[2] += len(parts) * len(parts)
    for a, first in begins[:40]:
        for b, second in ends[:40]:
            between: Counter[str] = Counter()
            for x, y, text in zip(first, second, truth, strict=True):
                if x and y and len(x) + len(y) <= len(text) and text.startswith(x) and text.endswith(y):
                    between[text[len(x) : len(text) - len(y)]] += 1
            for mark, count in between.most_common(1):
                if count >= least and len(mark) <= LONGEST_BETWEEN:
                    pairs = zip(first, second, strict=True)
                    made = [f"{x}{mark}{y}" if x is not None and y is not None else None for x, y in pairs]
                    test(2, apply("join", a, b, text=mark), made)


def _agree(values: Texts, truth: list[str], least: int, how: How) -> bool:
    hits = sum(v is not None and v != "" and v != t and how(t, v) for v, t in zip(values, truth, strict=True))
    return hits >= least


def fold(text: str) -> str:
    return " ".join(text.split())
