"""Certified thresholds: the lowest score at which actions may run unattended, or how much evidence is missing.

Learn-then-Test (Angelopoulos, Bates, Candès, Jordan and Lei, 2021, arXiv 2110.01052) with exact binomial p-values, thresholds
tested strict to lax (see `policies.ladder` for the tests themselves and docs/decisions/0015 for what was tried).

Groups. A slice of an action class is certified by its own verdicts when there are enough of them (`standing_alone`, which looks
at numbers of verdicts only, never at what they say). All other slices of the class, those that tried alone and failed included,
are pooled: the class certificate. What each promises:

    of a slice    precision at least the target among the actions of that slice that score at least tau
    of a class    precision at least the target among the actions of all slices that it `covers` together, in the proportions of
                  the calibration data. It is a mean over them: one of these slices may do worse than the target, so one
                  whose own verdicts refute the target above that tau stays with the operators, as does one with fewer than
                  `least` verdicts and one that was never met.

Multiple testing (`family="joint"`): with probability 1 - delta over the draw of the calibration data all certificates hold at
once. Every class starts with an equal share of delta; a fifth of it goes to the slices that stand alone, evenly. What a
slice does not need (all its thresholds were certified) goes to its class, what a class does not need to the other classes
(Bretz, Maurer, Brannath and Posch, 2009: a rejected hypothesis hands on its level). Taking slices out of the pool because they
were certified costs nothing: what is left is selected for having failed, so that its p-values only grow.
`family="class"`: every class at delta by itself. `family="bonferroni"`: equal shares, nothing is handed on.

What the promise rests on: calibration and later actions are exchangeable, and the share of accepted actions does not fall
as the score rises. (For a rank fixed in advance the p-value needs no such thing; walking on to the next rank does.)
Tied scores are never cut apart. With `unit="action"` actions of one case are treated as independent; `unit="case"` counts
cases, one wrong action making its case wrong, and asks nothing of the actions within a case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from pydantic import ValidationError
from scipy.special import bdtr

from policies.disk import replace_text
from policies.errors import ModelError
from policies.ladder import climb, missing, ranks_to_test, rung
from policies.metrics import precision_bounds
from schema_extraction.view import Frozen

TARGET = 0.9
DELTA = 0.1
LEAST = 3
"""A slice with fewer verdicts in a class is not covered by the class's certificate."""
OWN_SHARE = 0.2
"""The share of a class's level that goes to the slices which stand alone."""
OWN_ERRORS = 3
"""A slice stands alone when so many errors among its verdicts would still pass."""
SCORE_DIGITS = 6
"""Scores are compared after rounding to this many digits, so that the noise of batched arithmetic never decides."""

Family = Literal["joint", "class", "bonferroni"]
Unit = Literal["action", "case"]
Standing = Literal["own", "class", "refuted", "closed"]


class Scored(Frozen):
    """One calibration action: its class and slice, the critic's score, whether an operator accepted it as it was, its case."""

    action_class: str
    slice: str = ""
    score: float
    accepted: bool
    case: str = ""


class CurvePoint(Frozen):
    """Of the `count` calibration actions with this score, `accepted` were accepted."""

    score: float
    accepted: int
    count: int


class Certificate(Frozen):
    """What the calibration data say of one action class (in one slice, or in those it `covers` when `slice` is empty).

    `count` verdicts in all (cases, where `unit` is "case"). With a certified `tau`, `passing` of them score at least tau and
    `accepted` of those were right; `precision_lower` is the exact (Clopper-Pearson) lower bound at confidence 1 - `delta`, the
    level that was spent here. Without one, `needs` is about how many more actions in the best-scoring part have to be seen, at
    the error rate seen there (`needs_basis` "present") or, where that rate can never pass, without one more error ("zero");
    `passing` and `accepted` then describe that part. `refuted`: at confidence 1 - delta the precision lies below the target, of
    the whole class, or of what the class's tau would let through in this slice.

    `standing`, of a slice: `own` certificate; that of the `class`; none, being `refuted`, or `closed` for want of verdicts.
    `covers`: the slices that a class certificate speaks of ("" for actions in none); without any, of all.
    """

    action_class: str
    slice: str = ""
    target: float
    delta: float
    tau: float | None = None
    count: int
    passing: int
    accepted: int
    precision_lower: float
    needs: int | None = None
    needs_basis: Literal["present", "zero"] | None = None
    refuted: bool = False
    standing: Standing | None = None
    covers: tuple[str, ...] = ()
    unit: Unit = "action"
    curve: tuple[CurvePoint, ...] = ()

    @property
    def coverage(self) -> float:
        """The share of calibration actions at or above tau; 0 without a certificate."""
        return self.passing / self.count if self.tau is not None and self.count else 0.0

    def allows(self, score: float | None) -> bool:
        """Whether an action with this score may run unattended. A missing or NaN score may not."""
        return self.tau is not None and score is not None and round(score, SCORE_DIGITS) >= self.tau

    def describe(self) -> str:
        """One line for people."""
        things = "cases" if self.unit == "case" else "actions"
        if self.tau is not None:
            return (
                f"certified: score at least {self.tau:.3f} ({self.accepted} of {self.passing} accepted, "
                f"precision at least {self.precision_lower:.3f} with {1 - self.delta:.1%} confidence)"
            )
        if self.standing == "closed":
            enough = self.count + (self.needs or 0)
            return f"closed: {self.count} verdicts so far, the certificate of the class covers it from {enough} on"
        if self.standing == "refuted":
            return f"refuted: {self.accepted} of {self.passing} accepted of what the class would let through; operators keep it"
        rate = "at the present error rate" if self.needs_basis == "present" else "without another error"
        alone = " alone" if self.standing == "class" else ""
        return (
            f"cannot certify{alone}: needs about {self.needs} more accepted {things} {rate} "
            f"({self.accepted} of {self.passing} so far)" + ("; goes by the certificate of its class" if alone else "")
        )


class Thresholds(Frozen):
    """Certificates per action class, and per class and slice."""

    version: int = 1
    target: float = TARGET
    delta: float = DELTA
    family: Family = "class"
    certificates: tuple[Certificate, ...] = ()

    def find(self, action_class: str, slice: str | None = None) -> Certificate | None:
        """The certificate that gates an action: its slice's, else its class's, else None. Without `slice`: the class's.

        A slice without a certificate of its own takes that of the class, unless its own data refute the target or are too
        few, or the class certificate says nothing of it.
        """
        found = {(c.action_class, c.slice): c for c in self.certificates}
        own = found.get((action_class, slice)) if slice else None
        if own is not None and (own.tau is not None or own.refuted or own.standing == "closed"):
            return own
        whole = found.get((action_class, ""))
        if whole is None or (slice is not None and whole.covers and slice not in whole.covers):
            return own
        return whole

    def write(self, path: Path) -> None:
        """Write a file whole or not at all."""
        replace_text(path, self.model_dump_json(indent=1))

    @classmethod
    def read(cls, path: Path) -> Thresholds:
        """Raises ModelError when the file is missing or does not fit."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"Cannot read {str(path)!r}: {error.strerror}. Run `casepilot calibrate` first.") from error
        except ValidationError as error:
            raise ModelError(f"{str(path)!r} holds no thresholds of this version. Run `casepilot calibrate` again.") from error


class _Ranked:
    """Calibration actions of one group by falling score. `samples[r]` and `errors[r]`: how many actions (or cases) the best `r`
    actions are, and how many of these are wrong."""

    def __init__(self, scores: ArrayLike, accepted: ArrayLike, cases: Sequence[str] | None = None) -> None:
        s = np.round(np.asarray(scores, dtype=np.float64), SCORE_DIGITS)
        if np.isnan(s).any():
            raise ValueError("Expected a score for every calibration action, met NaN; train the critic again.")
        y = np.asarray(accepted, dtype=np.bool_)
        order = np.argsort(-s, kind="stable")
        self.scores, self.right, self.unit = s[order], y[order], "case" if cases is not None else "action"
        first, wrong = np.ones(len(s), np.bool_), ~self.right
        if cases is not None and len(s):
            of = np.unique(np.asarray(cases, dtype=np.str_)[order], return_inverse=True)[1]
            first, wrong = _first_times(of), np.zeros(len(s), np.bool_)
            wrong[~self.right] = _first_times(of[~self.right])
        self.samples = np.concatenate([[0], np.cumsum(first)])
        self.errors = np.concatenate([[0], np.cumsum(wrong)])

    def __len__(self) -> int:
        return len(self.scores)

    def through_ties(self, rank: int) -> int:
        return int(np.searchsorted(-self.scores, -self.scores[rank - 1], side="right"))

    def ranks(self, target: float, level: float) -> list[int]:
        """The ranks to test, in order."""
        counts = ranks_to_test(int(self.samples[-1]), target, level)
        return list(dict.fromkeys(self.through_ties(int(np.searchsorted(self.samples, count))) for count in counts))

    def certified(self, target: float, level: float, ladder: float) -> int:
        """The last rank that passes, 0 for none, when the sequence made for the level `ladder` is tested at `level`."""
        ranks = self.ranks(target, ladder)
        passed = climb(self.samples[ranks].tolist(), self.errors[ranks].tolist(), target, level)
        return ranks[passed - 1] if passed else 0

    def above(self, tau: float) -> tuple[int, int]:
        """How many samples score at least tau, and how many of these are wrong."""
        rank = int(np.searchsorted(-self.scores, -tau, side="right"))
        return int(self.samples[rank]), int(self.errors[rank])

    def curve(self) -> tuple[CurvePoint, ...]:
        last = np.flatnonzero(np.append(self.scores[1:] != self.scores[:-1], True)) if len(self) else np.zeros(0, np.int64)
        counts = np.diff(last, prepend=-1)
        right = np.diff(np.cumsum(self.right)[last], prepend=0) if len(self) else counts
        return tuple(
            CurvePoint(score=score, accepted=accepted, count=count)
            for score, accepted, count in zip(self.scores[last].tolist(), right.tolist(), counts.tolist(), strict=True)
        )


def _first_times(of: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Where each value stands for the first time."""
    first = np.zeros(len(of), np.bool_)
    first[np.unique(of, return_index=True)[1]] = True
    return first


def certify(
    scores: ArrayLike,
    accepted: ArrayLike,
    *,
    target: float = TARGET,
    delta: float = DELTA,
    action_class: str = "",
    slice: str = "",
    cases: Sequence[str] | None = None,
) -> Certificate:
    """Test one group: `scores` (n,) floats and `accepted` (n,) booleans of its calibration actions. With `cases` (n,) the
    unit is the case.

    Raises:
        ValueError: target or delta is impossible, or a score is NaN.
    """
    return _certificate(_Ranked(scores, accepted, cases), action_class, slice, target, delta, delta)


def _certificate(
    ranked: _Ranked, action_class: str, slice: str, target: float, level: float, ladder: float, covers: Sequence[str] = ()
) -> Certificate:
    best = ranked.certified(target, level, ladder)
    ranks = ranked.ranks(target, ladder)

    def lacking(rank: int) -> tuple[int, Literal["present", "zero"]]:
        return missing(int(ranked.samples[rank]), int(ranked.errors[rank]), target, level)

    part = best or (ranks[0] if ranks else len(ranked))
    if not best and ranks and ladder != level:  # the sequence begins too early for this level: tell what is nearest
        part = min(ranks, key=lambda rank: lacking(rank)[0])
    samples, errors, count = int(ranked.samples[part]), int(ranked.errors[part]), int(ranked.samples[-1])
    needs, basis = (None, None) if best else lacking(part)
    return Certificate(
        action_class=action_class,
        slice=slice,
        target=target,
        delta=level,
        tau=float(ranked.scores[best - 1]) if best else None,
        count=count,
        passing=samples,
        accepted=samples - errors,
        precision_lower=precision_bounds(samples - errors, samples, confidence=1.0 - level)[0],
        needs=needs,
        needs_basis=basis,
        refuted=_refuted(count, int(ranked.errors[-1]), target, level),
        covers=tuple(covers),
        unit="case" if ranked.unit == "case" else "action",
        curve=ranked.curve(),
    )


def _refuted(count: int, errors: int, target: float, delta: float) -> bool:
    return count > 0 and float(bdtr(count - errors, count, target)) <= delta


def standing_alone(counts: dict[str, int], target: float, level: float) -> tuple[str, ...]:
    """The slices (by their number of verdicts) that are tested alone when they share `level`: the largest ones, as many as
    could each bear `OWN_ERRORS` errors. None where there is only one slice: its class is the same."""
    largest = sorted(counts, key=lambda name: (-counts[name], name))
    found: tuple[str, ...] = ()
    for number, name in enumerate(largest, start=1):
        if len(largest) > 1 and counts[name] >= rung(OWN_ERRORS, target, level / number):
            found = tuple(largest[:number])
    return found


@dataclass
class _Class:
    """One action class while it is tested: `level` is what its pool may spend by now. The tests it is spent on are those of
    `ladder`, the level that the pool had to begin with (or all of delta, where that is too little for any test), so that more
    level never takes back what less has certified."""

    name: str
    groups: dict[str, list[Scored]]
    target: float
    delta: float
    base: float
    least: int
    unit: Unit
    sliced: bool
    own: dict[str, Certificate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = {name: len(group) for name, group in self.groups.items() if name}
        self.closed = sorted(name for name, count in counts.items() if count < self.least)
        open_ = {name: count for name, count in counts.items() if name not in self.closed}
        alone = standing_alone(open_, self.target, OWN_SHARE * self.base)
        self.level = begin = (1 - OWN_SHARE) * self.base if alone else self.base
        self.each = OWN_SHARE * self.base / max(len(alone), 1)
        for name in alone:
            ranked = self.ranked([name])
            certificate = _certificate(ranked, self.name, name, self.target, self.each, self.each)
            if certificate.tau is not None:
                self.own[name] = certificate.model_copy(update={"standing": "own"})
                if certificate.passing == certificate.count:
                    self.level += self.each
        self.alone = alone
        self.covers = sorted(name for name in self.groups if name not in self.own and name not in self.closed)
        self.pool = self.ranked(self.covers)
        self.ladder = begin if self.pool.ranks(self.target, begin) else self.delta

    def ranked(self, slices: Sequence[str]) -> _Ranked:
        group = [action for name in slices for action in self.groups.get(name, ())]
        cases = [a.case or f"#{i}" for i, a in enumerate(group)] if self.unit == "case" else None
        return _Ranked([a.score for a in group], [a.accepted for a in group], cases)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to test: every threshold of the pool is certified."""
        return not len(self.pool) or self.pool.certified(self.target, self.level, self.ladder) == len(self.pool)

    def certificates(self) -> Iterator[Certificate]:
        """Of the class, then of its slices."""
        covers = self.covers if self.sliced else ()
        whole = _certificate(self.pool, self.name, "", self.target, self.level, self.ladder, covers)
        yield whole
        for name in sorted(name for name in self.groups if name):
            yield self.own.get(name) or self._slice(name, whole)

    def _slice(self, name: str, whole: Certificate) -> Certificate:
        """What is to be said of a slice without a certificate of its own."""
        ranked = self.ranked([name])
        level = self.each if name in self.alone else OWN_SHARE * self.base / (len(self.alone) + 1)
        count = len(self.groups[name])
        samples, errors = (
            ranked.above(whole.tau) if whole.tau is not None else (int(ranked.samples[-1]), int(ranked.errors[-1]))
        )
        needs, basis = missing(samples, errors, self.target, level)
        closed, refuted = name in self.closed, _refuted(samples, errors, self.target, self.base)
        return Certificate(
            action_class=self.name,
            slice=name,
            target=self.target,
            delta=level,
            count=count if closed else int(ranked.samples[-1]),
            passing=samples,
            accepted=samples - errors,
            precision_lower=precision_bounds(samples - errors, samples, confidence=1.0 - level)[0],
            needs=self.least - count if closed else needs,
            needs_basis="zero" if closed else basis,
            refuted=refuted,
            standing="closed" if closed else "refuted" if refuted else "class",
            unit=self.unit,
            curve=ranked.curve(),
        )


def certify_all(
    actions: Iterable[Scored],
    *,
    target: float = TARGET,
    delta: float = DELTA,
    family: Family = "joint",
    slices: bool = True,
    classes: Sequence[str] = (),
    least: int = LEAST,
    unit: Unit = "action",
) -> Thresholds:
    """Certificates for every action class met and every one in `classes`, and (with `slices`) for every slice of these."""
    groups: dict[str, dict[str, list[Scored]]] = {name: {} for name in classes}
    for action in actions:
        groups.setdefault(action.action_class, {}).setdefault(action.slice if slices else "", []).append(action)
    sharing = len(groups) if family == "bonferroni" else sum(map(bool, groups.values()))
    base = delta if family == "class" else delta / max(sharing, 1)
    tested = [_Class(name, group, target, delta, base, least, unit, slices) for name, group in sorted(groups.items())]
    if family == "joint":
        _hand_on([one for one in tested if one.groups])
    return Thresholds(
        target=target,
        delta=delta,
        family=family,
        certificates=tuple(certificate for one in tested for certificate in one.certificates()),
    )


def _hand_on(waiting: list[_Class]) -> None:
    """A class that is complete gives its level to the others, in equal parts, until no more becomes complete."""
    while waiting:
        done = next((one for one in waiting if one.complete), None)
        if done is None:
            return
        waiting = [one for one in waiting if one is not done]
        for one in waiting:
            one.level += done.level / len(waiting)
