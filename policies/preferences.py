"""Who would have done it another way: how often each operator turns down, as a matter of taste, what is right.

For people to look at, never for the gate: it can neither raise nor lower a score. A rate is drawn towards that of the next
wider group (the operator in this slice and class, else in this class, else anywhere, else everybody else), as strongly as
serves best on cases that were left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from policies.calibrate import Judged
from policies.feedback import grade
from policies.proposal import action_class
from schema_extraction.view import Frozen

STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)
FOLDS = 5
NOTEWORTHY = 5
"""A habit is worth telling from so many verdicts on."""

Where = tuple[str, str, str]
"""(operator, action class, slice)"""


class Count(Frozen):
    """Of `total` right proposals that this operator saw, `turned` were turned down for another way."""

    operator: str
    action_class: str
    slice: str = ""
    turned: int
    total: int


class Habit(Frozen):
    """One thing an operator does his own way, with the share that `Preferences.share` gives."""

    operator: str
    action_class: str
    slice: str
    turned: int
    total: int
    share: float

    def describe(self) -> str:
        """One line for people."""
        what = self.action_class.replace("_", " ")
        where = self.slice or "any process"
        return f"{self.operator} does {what} in {where} another way: {self.turned} of {self.total} right proposals"


class Preferences(Frozen):
    """`counts` by operator, class and slice; `strength`: how many verdicts the wider group counts for."""

    version: int = 1
    strength: float = STRENGTHS[2]
    counts: tuple[Count, ...] = ()

    def share(self, operator: str, action_class: str, slice: str = "") -> float:
        """The probability in (0, 1) that this operator would do a right action of this kind another way."""
        turned, total = self._tally()
        places: list[tuple[str, ...]] = [(), (operator,), (operator, action_class), (operator, action_class, slice)]
        places = places if slice else places[:-1]
        share = 0.5
        for place, narrower in zip(places, [*places[1:], None], strict=True):
            # Every verdict counts once: what a narrower group holds is left out of the wider one.
            k, n = turned[place] - (turned[narrower] if narrower else 0), total[place] - (total[narrower] if narrower else 0)
            strength = self.strength if place else 1.0
            share = (k + strength * share) / (n + strength)
        return share

    def habits(self) -> tuple[Habit, ...]:
        """What operators do their own way at least twice as often as the others do, most often first."""
        turned, total = self._tally()
        found = []
        for count in self.counts:
            who = (count.operator,)
            others = (turned[()] - turned[who] + 0.5) / (total[()] - total[who] + 1.0)
            share = self.share(count.operator, count.action_class, count.slice)
            if count.total >= NOTEWORTHY and count.turned >= 2 and share >= 2 * others:
                found.append(Habit(**count.model_dump(), share=share))
        return tuple(sorted(found, key=lambda habit: -habit.share))

    def _tally(self) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
        turned: Counter[tuple[str, ...]] = Counter()
        total: Counter[tuple[str, ...]] = Counter()
        for count in self.counts:
            place = (count.operator, count.action_class, count.slice)
            for length in range(4):
                turned[place[:length]] += count.turned
                total[place[:length]] += count.total
        return turned, total


def learn_preferences(found: Sequence[Judged]) -> Preferences:
    """From verdicts on right proposals: what was accepted, and what was turned down as a matter of taste."""
    rows = list(_rows(found))
    cases = {case: place for place, case in enumerate(sorted({case for case, _, _ in rows}))}
    losses = []
    for strength in STRENGTHS:
        loss = 0.0
        for fold in range(FOLDS):
            known = _counted([row for row in rows if cases[row[0]] % FOLDS != fold], strength)
            for case, where, turned in rows:
                if cases[case] % FOLDS == fold:
                    share = known.share(*where)
                    loss -= math.log(share if turned else 1.0 - share)
        losses.append(loss)
    return _counted(rows, STRENGTHS[losses.index(min(losses))])


def _rows(found: Iterable[Judged]) -> Iterator[tuple[str, Where, bool]]:
    for item in found:
        verdict = item.step.verdict
        if verdict is not None and grade(verdict) in ("accepted", "preference"):
            where = (verdict.operator, action_class(item.step.ranked[0].action), item.step.view.slice)
            yield item.step.case_id, where, grade(verdict) == "preference"


def _counted(rows: Iterable[tuple[str, Where, bool]], strength: float) -> Preferences:
    turned: Counter[Where] = Counter()
    total: Counter[Where] = Counter()
    for _, where, preferred in rows:
        total[where] += 1
        turned[where] += preferred
    return Preferences(
        strength=strength,
        counts=tuple(
            Count(operator=who, action_class=what, slice=place, turned=turned[who, what, place], total=count)
            for (who, what, place), count in sorted(total.items())
        ),
    )
