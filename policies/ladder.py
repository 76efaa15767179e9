"""Exact binomial tests along a ladder of samples: the arithmetic under `policies.thresholds`.

The null hypothesis of a threshold is 'precision among actions that score at least tau is below the target'. With `m` such
calibration actions of which `e` were not accepted, P(Binomial(m, 1 - target) <= e) is its p-value. Thresholds are tested
strict to lax until one is not rejected (fixed-sequence testing); the last rejected one is certified.

Which thresholds are tested depends on the number of calibration actions alone, never on their labels. They are the scores
of the actions at fixed ranks, the rungs of a ladder: rung `e` is the smallest sample in which `e` errors pass (22, 38, 52,
65, 78, ... at 0.9 and 0.1). Between two rungs the test would only be stricter than on the next one. The sequence starts
at the first rung that holds at least 30% of the actions (`START`), so that bad luck in a handful of actions does not end it,
and continues past the last rung one action at a time. Of the sequences tried in simulation (every rank, equal
steps, several starts that share delta) this one certified most often and most at 25 to 300 calibration actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

START = 0.3
MOST = 1_000_000
"""More missing actions than this are not told apart."""

MORE = np.unique(np.geomspace(1, MOST, 600).astype(np.int64))

Ints = npt.NDArray[np.int64]


def p_value(count: int, errors: int, target: float) -> float:
    """P(Binomial(count, 1 - target) <= errors): how likely so few errors are if the precision were just below target."""
    return float(bdtr(errors, count, 1.0 - target)) if count else 1.0


def passes(count: int, errors: int, target: float, delta: float) -> bool:
    return count > 0 and p_value(count, errors, target) <= delta


@lru_cache(maxsize=65536)
def _rung(errors: int, target: float, delta: float, start: int) -> int:
    low, high = max(start, 1), max(start, 1)
    while not passes(high, errors, target, delta):
        low, high = high + 1, high * 2
    while low < high:  # the p-value falls as the sample grows
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle, errors, target, delta) else (middle + 1, high)
    return high


def rung(errors: int, target: float, delta: float, start: int = 1) -> int:
    """The smallest sample, from `start` on, in which this many errors pass the test."""
    return _rung(errors, target, delta, start)


@lru_cache(maxsize=4096)
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


@lru_cache(maxsize=256)
def _most_errors(largest: int, target: float, delta: float) -> Ints:
    """For every sample size from 0 to `largest`, how many errors still pass; -1 where none does."""
    limit = np.full(largest + 1, -1, dtype=np.int64)
    errors, count = 0, 0
    while (count := rung(errors, target, delta, count + 1)) <= largest:
        limit[count:] = errors
        errors += 1
    return limit


def climb(counts: Sequence[int], errors: Sequence[int], target: float, delta: float) -> int:
    """How many tests of the sequence pass before the first that does not: test i has `counts[i]` samples, `errors[i]` wrong."""
    if not len(counts):
        return 0
    limit = _most_errors(1 << (max(counts) - 1).bit_length() if max(counts) > 1 else 1, target, delta)
    short = np.flatnonzero(np.asarray(errors) > limit[np.asarray(counts)])
    return int(short[0]) if len(short) else len(counts)


def missing(count: int, errors: int, target: float, delta: float) -> tuple[int, Literal["present", "zero"]]:
    """About how many more accepted actions the test needs: at the present error rate if it can pass at that, else at zero."""
    if count and errors and errors / count < 1.0 - target:
        enough = bdtr(np.ceil(errors / count * (count + MORE)), count + MORE, 1.0 - target) <= delta
        return int(MORE[int(np.argmax(enough))]) if enough.any() else MOST, "present"
    return max(rung(errors, target, delta, count) - count, 1), "zero"
