"""Finds the formulas behind a field, and keeps only what is no chance.

Two tests, both exact and corrected for the number of expressions tried on a level (Bonferroni). Against nothing: as many
agreements as an expression has, when each agrees as often as its value in one case is what was entered in another, and never
less than once in as many cases. Against what is simpler: the same, over those cases only in which a simpler expression, a
copy or a constant is not right. So `the smaller of a and b` has to be right where `a` is not, and where `b` is not.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.stats import binom

from policies.derive import dates, numbers, texts
from policies.derive.expressions import Expression, Result, apply, const, evaluate, get, nodes
from policies.derive.operands import Operands
from policies.derive.table import Entry, Hypothesis, Tried
from policies.derive.texts import fold
from policies.derive.writing import form_of, write
from schema_extraction.normalise import decimal
from schema_extraction.view import Frozen

LEVELS = 3
ADDS = 0.05
"""The level of the second test. The first has shown that an expression is no chance; this one, that its last part is none."""
MOST_TESTED = 120
TYPED = 0.7
"""The share of the entries that must be of one type for formulas of that type to be sought."""


class SearchSettings(Frozen):
    """`least`: cases in which a formula must be right. `share`: of the cases in which it has a value. `alpha`: the chance that
    a field that nothing was worked out for gets a formula. `most`: cases looked at per field and process. `kept`: formulas
    per field and process."""

    least: int = Field(6, ge=2)
    share: float = Field(0.25, gt=0, le=1)
    alpha: float = Field(0.01, gt=0, lt=1)
    most: int = Field(160, ge=8)
    kept: int = Field(3, ge=1)
    seed: int = 0


class Formula(Frozen):
    """An `expression` that gave what was entered in `held` of the `cases` in which it had a value, written in `form`.
    `slices`: the processes it holds in, none for all. `chance`: the probability of so many agreements by chance, corrected for
    all that was tried."""

    expression: Expression
    form: str = ""
    cases: int = 0
    held: int = 0
    chance: float = 1.0
    slices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.expression.id

    def value(self, given: Operands) -> tuple[Result, str] | None:
        """What it comes to on a view and how that is written; None where it has no value."""
        result = evaluate(self.expression, given)
        if result is None or (isinstance(result, float) and not math.isfinite(result)):
            return None
        text = write(result, self.form)
        return (result, text) if text else None


def find(rows: Sequence[Entry], settings: SearchSettings = SearchSettings()) -> tuple[Formula, ...]:
    """The formulas behind the entries of one field, best first; at most one row a case is looked at, the last."""
    rows = list({row.case_id: row for row in rows}.values())
    if len(rows) > settings.most:
        rows = random.Random(settings.seed).sample(rows, settings.most)
    if len(rows) < settings.least:
        return ()
    if len({fold(row.value.raw) for row in rows}) < 3:
        return _from_today(rows, settings)
    tried = Tried()
    level = settings.alpha / LEVELS
    kind = _type(rows)
    if kind == "number":
        truth = np.array([_number(row) for row in rows], np.float64)
        numbers.search(rows, truth, tried, settings.least, settings.share, lambda h: _chance(h, tried) <= level)
    elif kind == "date":
        dates.search(rows, tried, settings.least, settings.share)
    if kind == "text" or tried.left() > len(rows) / 2:
        texts.search(rows, tried, settings.least, settings.share)
    found = (_formula(h, p, rows) for h, p in _proved(tried, settings))
    kept = [formula for formula in found if formula is not None and formula.held >= settings.least]
    return tuple(sorted(kept, key=lambda f: (-f.held, f.expression.size))[: settings.kept])


def _from_today(rows: Sequence[Entry], settings: SearchSettings) -> tuple[Formula, ...]:
    """The date that nearly all entries give, as so many days from the day of the work. As long as all was recorded on one day
    nothing proves it (its `chance` is 1), but hardly anybody enters a fixed date in case after case."""
    gaps = Counter(
        (row.value.date - today.day).days
        for row in rows
        if row.value.date is not None and (today := row.given.get("today")) is not None and today.day is not None
    )
    if not gaps or gaps.most_common(1)[0][1] < max(settings.least, 0.9 * len(rows)):
        return ()
    gap = gaps.most_common(1)[0][0]
    expression = apply("later", get("today"), const(float(gap))) if gap else get("today")
    pairs = [(result, fold(row.value.raw)) for row in rows if (result := evaluate(expression, row.given)) is not None]
    form = form_of(pairs)
    held = sum(write(result, form) == text for result, text in pairs)
    found = Formula(expression=expression, form=form, cases=len(pairs), held=held)
    return (found,) if held >= settings.least else ()


def _proved(tried: Tried, settings: SearchSettings) -> list[tuple[Hypothesis, float]]:
    """What passes both tests, and none that another one makes needless."""
    simple = sorted((h for h in tried.found if h.level == 0), key=lambda h: -h.held)[:MOST_TESTED]
    others = sorted((h for h in tried.found if h.level > 0), key=lambda h: (-h.held, h.size))[:MOST_TESTED]
    kept: list[tuple[Hypothesis, float]] = []
    ties: Counter[int] = Counter()
    for h in sorted(others, key=lambda h: (h.size, -h.held)):
        count, chance = h.tried or tried.counts[h.level], _chance(h, tried)
        if chance > settings.alpha / LEVELS:
            continue
        twin = next((i for i, (s, _) in enumerate(kept) if bool((s.right == h.right).all())), None)
        if twin is not None and h.size - kept[twin][0].size <= 0.5:
            ties[twin] += 1
            if ties[twin] == 1 and _unlike(h, kept[twin][0]):
                kept.append((h, chance))
            continue
        if all(_adds(h, s, count) for s in simple) and all(_adds(h, s, count) for s, _ in kept):
            kept.append((h, chance))
    slack = max(1.0, 0.05 * len(kept[0][0].right)) if kept else 0.0
    return [(h, p) for h, p in kept if not any(_covers(other, h, slack) for other, _ in kept)]


def _unlike(h: Hypothesis, other: Hypothesis) -> bool:
    """Whether two expressions that tie are not the same sum or product in another order."""
    assert h.expression is not None and other.expression is not None
    made_of = [(sorted(e.slots), sorted(node.op for node in nodes(e))) for e in (h.expression, other.expression)]
    return made_of[0] != made_of[1] or any(op in ("-", "/", "days") for op in made_of[0][1])


def _adds(h: Hypothesis, simpler: Hypothesis, count: int) -> bool:
    """Whether `h` is right where `simpler` is not more often than by chance."""
    rest = h.defined & ~simpler.right
    return _tail(int((h.right & rest).sum()), int(rest.sum()), h.chance, count) <= ADDS


def _covers(other: Hypothesis, h: Hypothesis, slack: float) -> bool:
    """Whether `other` is right wherever `h` is, but for slips, and in more cases."""
    return other is not h and other.held > h.held + slack and int((h.right & ~other.right).sum()) <= slack


def _chance(h: Hypothesis, tried: Tried) -> float:
    return _tail(h.held, int(h.defined.sum()), h.chance, h.tried or tried.counts[h.level])


def _tail(hits: int, of: int, chance: float, tried: int) -> float:
    """At most the probability that some of the expressions `tried` is right so often by chance."""
    return min(1.0, float(binom.sf(hits - 1, of, chance)) * tried) if hits else 1.0


def _formula(h: Hypothesis, chance: float, rows: Sequence[Entry]) -> Formula | None:
    """A hypothesis with the form in which its results are written; None where they are written in none."""
    assert h.expression is not None
    results = [evaluate(h.expression, row.given) for row in rows]
    pairs = [(r, fold(row.value.raw)) for r, row in zip(results, rows, strict=True) if r is not None]
    form = form_of(pairs)
    held = sum(write(result, form) == text for result, text in pairs)
    return Formula(expression=h.expression, form=form, cases=len(pairs), held=held, chance=chance)


def _type(rows: Sequence[Entry]) -> Literal["number", "date", "text"]:
    count = len(rows)
    if sum(row.value.date is not None for row in rows) >= TYPED * count:
        return "date"
    if sum(not math.isnan(_number(row)) for row in rows) >= TYPED * count:
        return "number"
    return "text"


def _number(row: Entry) -> float:
    value = row.value
    if value.number is not None:
        return value.number
    # Digits alone may have been read as an id; whoever adds them up knows better.
    number = decimal(value.raw) if value.kind == "id" and value.raw.isdigit() and value.raw[:1] != "0" else None
    return math.nan if number is None else number


def find_all(
    fields: Iterable[tuple[str, str, Entry]], settings: SearchSettings = SearchSettings()
) -> dict[str, tuple[Formula, ...]]:
    """The formulas of many fields: entries as (field key, process, row).

    The same field may mean other things in another process: where no formula holds across all processes that have the field,
    each is searched on its own.
    """
    of: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for key, process, row in fields:
        of[key][process].append(row)
    found: dict[str, tuple[Formula, ...]] = {}
    for key, groups in sorted(of.items()):
        whole = find([row for rows in groups.values() for row in rows], settings)
        if len(groups) > 1 and not (whole and all(_holds(whole[0], rows) for rows in groups.values())):
            whole = tuple(
                formula.model_copy(update={"slices": (process,)})
                for process, rows in sorted(groups.items())
                for formula in find(rows, settings)
            )
        if whole:
            found[key] = whole
    return found


def _holds(formula: Formula, rows: Sequence[Entry]) -> bool:
    """Whether a formula gives most of the entries of a process in which it has a value."""
    texts_of = [(formula.value(row.given), fold(row.value.raw)) for row in rows]
    told = [value[1] == text for value, text in texts_of if value is not None]
    return not told or sum(told) >= len(told) / 2
