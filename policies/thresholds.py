"""Certified thresholds: the lowest score at which an action class may run unattended, or how much evidence is missing.

Learn-then-Test (Angelopoulos, Bates, Candès, Jordan and Lei, 2021, arXiv 2110.01052) with exact binomial p-values.

The null hypothesis of a threshold is 'precision among actions that score at least tau is below the target'. With `m` such
calibration actions of which `e` were not accepted, P(Binomial(m, 1 - target) <= e) is its p-value. Thresholds are tested
strict to lax, each at the full level delta, until one is not rejected (fixed-sequence testing); the last rejected one is
certified: its precision is at least the target with probability 1 - delta over the draw of the calibration data.

Which thresholds are tested depends on the number of calibration actions alone, never on their labels. They are the scores
of the actions at fixed ranks, the rungs of a ladder: rung `e` is the smallest sample in which `e` errors pass (22, 38, 52,
65, 78, ... at 0.9 and 0.1). Between two rungs the test would only be stricter than on the next one. The sequence starts
at the first rung that holds at least 30% of the actions (`START`), so that bad luck in a handful of actions does not end it,
and continues past the last rung one action at a time. Of the sequences tried in simulation (every rank, equal
steps, several starts that share delta) this one certified most often and most at 25 to 300 calibration actions.

What the promise rests on: calibration and later actions are exchangeable, and the share of accepted actions does not fall
as the score rises. (For a rank fixed in advance the p-value needs no such thing; walking on to the next rank does.)
Tied scores are never cut apart. Actions of one case are treated as independent.

delta is spent per class and slice; `family="bonferroni"` divides it by the number of them instead, so that all hold at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError
from scipy.stats import binom

from policies.errors import ModelError
from policies.metrics import precision_bounds
from schema_extraction.view import Frozen

TARGET = 0.9
DELTA = 0.1
START = 0.3
SCORE_DIGITS = 6
"""Scores are compared after rounding to this many digits, so that the noise of batched arithmetic never decides."""

Family = Literal["class", "bonferroni"]


class Scored(Frozen):
    """One calibration action: its class and slice, the critic's score, and whether an operator accepted it as it was."""

    action_class: str
    slice: str = ""
    score: float
    accepted: bool


class CurvePoint(Frozen):
    """Of the `count` calibration actions with this score, `accepted` were accepted."""

    score: float
    accepted: int
    count: int


class Certificate(Frozen):
    """What the calibration data say of one action class (in one slice, or in all when `slice` is empty).

    `count` verdicts in all. With a certified `tau`, `passing` of them score at least tau and `accepted` of those were right;
    `precision_lower` is the exact (Clopper-Pearson) lower bound at confidence 1 - `delta`. Without one, `needs` is about how
    many more actions in the best-scoring part have to be seen, at the error rate seen there (`needs_basis` "present") or,
    where that rate can never pass, without one more error ("zero"); `passing` and `accepted` then describe that part.
    `refuted`: at confidence 1 - delta the precision of the whole class or slice lies below the target.
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
        if self.tau is not None:
            return (
                f"certified: score at least {self.tau:.3f} ({self.accepted} of {self.passing} accepted, "
                f"precision at least {self.precision_lower:.3f} with {1 - self.delta:.0%} confidence)"
            )
        rate = "at the present error rate" if self.needs_basis == "present" else "without another error"
        return (
            f"cannot certify: needs about {self.needs} more accepted actions {rate} ({self.accepted} of {self.passing} so far)"
        )


class Thresholds(Frozen):
    """Certificates per action class, and per class and slice where these were asked for."""

    version: int = 1
    target: float = TARGET
    delta: float = DELTA
    family: Family = "class"
    certificates: tuple[Certificate, ...] = ()

    def find(self, action_class: str, slice: str = "") -> Certificate | None:
        """The certificate that gates an action: its slice's, else its class's, else None.

        A slice without a certificate of its own takes that of the class, unless its own data refute the target.
        """
        found = {(c.action_class, c.slice): c for c in self.certificates}
        own = found.get((action_class, slice)) if slice else None
        if own is not None and (own.tau is not None or own.refuted):
            return own
        return found.get((action_class, "")) or own

    def write(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Thresholds:
        """Raises ModelError when the file is missing or does not fit."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"Cannot read {str(path)!r}: {error.strerror}. Run `casepilot calibrate` first.") from error
        except ValidationError as error:
            raise ModelError(f"{str(path)!r} holds no thresholds of this version. Run `casepilot calibrate` again.") from error


def p_value(count: int, errors: int, target: float) -> float:
    """P(Binomial(count, 1 - target) <= errors): how likely so few errors are if the precision were just below target."""
    return float(binom.cdf(errors, count, 1.0 - target)) if count else 1.0


def passes(count: int, errors: int, target: float, delta: float) -> bool:
    return count > 0 and p_value(count, errors, target) <= delta


def rung(errors: int, target: float, delta: float, start: int = 1) -> int:
    """The smallest sample, from `start` on, in which this many errors pass the test."""
    low, high = max(start, 1), max(start, 1)
    while not passes(high, errors, target, delta):
        low, high = high + 1, high * 2
    while low < high:  # the p-value falls as the sample grows
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle, errors, target, delta) else (middle + 1, high)
    return high


@lru_cache(maxsize=1024)
def ranks_to_test(count: int, target: float, delta: float) -> tuple[int, ...]:
    """How many of the best-scoring of `count` actions each test in the sequence takes, in the order of testing."""
    if not (0.0 < target < 1.0 and 0.0 < delta < 1.0):
        raise ValueError(f"Expected target and delta between 0 and 1, met {target!r} and {delta!r}; try 0.9 and 0.1.")
    ladder: list[int] = []
    while (step := rung(len(ladder), target, delta, ladder[-1] if ladder else 1)) <= count:
        ladder.append(step)
    if not ladder:
        return ()
    first = next((i for i, step in enumerate(ladder) if step >= START * count), len(ladder) - 1)
    return (*ladder[first:], *range(ladder[-1] + 1, count + 1))


def missing(count: int, errors: int, target: float, delta: float) -> tuple[int, Literal["present", "zero"]]:
    """About how many more accepted actions the test needs: at the present error rate if it can pass at that, else at zero."""
    if count and errors and errors / count < 1.0 - target:
        more = 1
        while not passes(count + more, math.ceil(errors / count * (count + more)), target, delta):
            more += 1 if more < 200 else more // 20
        return more, "present"
    return max(rung(errors, target, delta, count) - count, 1), "zero"


def certify(
    scores: ArrayLike,
    accepted: ArrayLike,
    *,
    target: float = TARGET,
    delta: float = DELTA,
    action_class: str = "",
    slice: str = "",
) -> Certificate:
    """Test one class: `scores` (n,) floats and `accepted` (n,) booleans of its calibration actions."""
    s = np.asarray(np.round(np.asarray(scores, dtype=np.float64), SCORE_DIGITS), dtype=np.float64)
    y = np.asarray(accepted, dtype=np.bool_)
    order = np.argsort(-s, kind="stable")
    s, y = s[order], y[order]
    count = len(s)
    errors_within = np.concatenate([[0], np.cumsum(~y)])

    def through_ties(rank: int) -> int:
        return int(np.searchsorted(-s, -s[rank - 1], side="right"))

    ranks = list(dict.fromkeys(through_ties(rank) for rank in ranks_to_test(count, target, delta)))
    best = 0
    for rank in ranks:
        if not passes(rank, int(errors_within[rank]), target, delta):
            break
        best = rank
    part = best or (ranks[0] if ranks else count)
    errors = int(errors_within[part])
    needs, basis = (None, None) if best else missing(part, errors, target, delta)
    values, first = np.unique(s, return_index=True)
    return Certificate(
        action_class=action_class,
        slice=slice,
        target=target,
        delta=delta,
        tau=float(s[best - 1]) if best else None,
        count=count,
        passing=part,
        accepted=part - errors,
        precision_lower=precision_bounds(part - errors, part, confidence=1.0 - delta)[0],
        needs=needs,
        needs_basis=basis,
        refuted=count > 0 and float(binom.cdf(int(y.sum()), count, target)) <= delta,
        curve=tuple(
            CurvePoint(score=float(v), accepted=int(y[s == v].sum()), count=int((s == v).sum()))
            for v in values[np.argsort(first)]
        ),
    )


def certify_all(
    actions: Iterable[Scored],
    *,
    target: float = TARGET,
    delta: float = DELTA,
    family: Family = "class",
    slices: bool = False,
    classes: Sequence[str] = (),
) -> Thresholds:
    """Certificates for every action class met and every one in `classes`; with `slices` also for every class and slice."""
    groups: dict[tuple[str, str], list[Scored]] = {(name, ""): [] for name in classes}
    for action in actions:
        groups.setdefault((action.action_class, ""), []).append(action)
        if slices and action.slice:
            groups.setdefault((action.action_class, action.slice), []).append(action)
    level = delta / max(len(groups), 1) if family == "bonferroni" else delta
    return Thresholds(
        target=target,
        delta=delta,
        family=family,
        certificates=tuple(
            certify(
                [a.score for a in group],
                [a.accepted for a in group],
                target=target,
                delta=level,
                action_class=name,
                slice=slice_name,
            )
            for (name, slice_name), group in sorted(groups.items())
        ),
    )
