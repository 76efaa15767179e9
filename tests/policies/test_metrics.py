from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from policies.metrics import (
    aurc,
    auroc,
    best_threshold,
    bootstrap,
    e_aurc,
    ece,
    precision_bounds,
    proportion,
    risk_coverage,
    selective,
    share,
    step_accuracy,
)

SCORES = np.array([0.9, 0.8, 0.7, 0.6])
LABELS = np.array([1, 0, 1, 0])


def test_bounds_are_clopper_pearson() -> None:
    two_sided = binomtest(27, 30).proportion_ci(confidence_level=0.8, method="exact")
    assert precision_bounds(27, 30) == pytest.approx((two_sided.low, two_sided.high))
    assert precision_bounds(22, 22)[0] == pytest.approx(0.1 ** (1 / 22))
    assert precision_bounds(0, 5)[0] == 0.0
    assert precision_bounds(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="check the counts"):
        precision_bounds(3, 2)


def test_a_share_of_nothing_has_no_value() -> None:
    empty = share(0, 0)
    assert (empty.value, empty.lower, empty.upper) == (None, 0.0, 1.0)
    assert share(3, 4).value == 0.75


def test_aurc_by_hand() -> None:
    # risks at coverage 1/4 .. 4/4: 0, 1/2, 1/3, 2/4
    assert aurc(SCORES, LABELS) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert e_aurc(SCORES, LABELS) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4 - (0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert e_aurc(LABELS, LABELS) == 0.0


def test_aurc_of_ties_is_the_mean_over_their_orders() -> None:
    labels = np.array([1, 0, 0, 1, 1])
    tied = np.array([0.5, 0.5, 0.5, 0.2, 0.2])
    orders = [(*a, *b) for a in itertools.permutations((0, 1, 2)) for b in itertools.permutations((3, 4))]
    distinct = [aurc(np.linspace(1, 0, 5), labels[list(order)]) for order in orders]
    assert aurc(tied, labels) == pytest.approx(float(np.mean(distinct)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40))
def test_no_order_beats_the_perfect_one(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([s / 10 for s, _ in rows])
    labels = np.array([int(y) for _, y in rows])
    assert e_aurc(scores, labels) >= -1e-12
    curve = risk_coverage(scores, labels)
    assert curve[-1].coverage == 1.0
    assert curve[-1].risk == pytest.approx(1 - labels.mean())
    assert 0.0 <= ece(scores, labels) <= 1.0


def test_auroc_needs_both_labels() -> None:
    assert auroc(SCORES, LABELS) == pytest.approx(0.75)
    assert auroc(SCORES, np.ones(4)) is None


def test_ece_by_hand() -> None:
    assert ece([0.95, 0.95, 0.25, 0.25], [1, 1, 0, 1]) == pytest.approx((2 * 0.05 + 2 * 0.25) / 4)
    assert ece([1.0], [1]) == 0.0


def test_precision_recall_f1_of_both_classes() -> None:
    found = selective(SCORES, LABELS, 0.65)
    # predicted 1 1 1 0, true 1 0 1 0
    assert (found.accept.precision, found.accept.recall, found.accept.support) == (pytest.approx(2 / 3), 1.0, 2)
    assert (found.reject.precision, found.reject.recall, found.reject.support) == (1.0, 0.5, 2)
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert (found.accuracy, found.acceptance, found.count) == (0.75, 0.5, 4)


def test_best_threshold_lies_between_the_classes() -> None:
    threshold = best_threshold([0.9, 0.8, 0.3, 0.2], [1, 1, 0, 0])
    assert 0.3 < threshold < 0.8
    assert best_threshold([], []) == 0.5


def test_empty_and_malformed_input() -> None:
    with pytest.raises(ValueError, match="at least one label"):
        selective([], [], 0.5)
    assert aurc([], []) == ece([], []) == 0.0
    assert risk_coverage([], []) == ()
    with pytest.raises(ValueError, match="one label a score"):
        aurc([0.1, 0.2], [1])
    with pytest.raises(ValueError, match="soft labels"):
        aurc([0.1, 0.2], [2, 1])


def test_step_accuracy_counts_a_value_only_on_the_right_target() -> None:
    # right; wrong value; wrong target; wrong type; right click without a value
    found = step_accuracy(
        type_ok=[1, 1, 1, 0, 1],
        target_ok=[1, 1, 0, 1, 1],
        value_ok=[1, 0, 1, 1, 1],
        has_value=[1, 1, 1, 1, 0],
        top3=[1, 1, 0, 0, 1],
    )
    assert (found.count, found.type, found.target, found.value, found.step, found.top3) == (5, 0.8, 0.6, 0.5, 0.4, 0.6)


def test_a_proportion_has_an_exact_two_sided_interval() -> None:
    found = proportion(0, 10)
    assert (found.count, found.total, found.lower) == (0, 10, 0.0)
    assert found.upper == pytest.approx(1 - 0.025 ** (1 / 10))  # Clopper and Pearson
    assert proportion(0, 0).value is None and proportion(0, 0).lower is None


def test_bootstrap_resamples_whole_cases() -> None:
    def mean(cases: Sequence[list[float]]) -> float | None:
        flat = [value for case in cases for value in case]
        return sum(flat) / len(flat) if flat else None

    # 20 cases of 50 equal steps are 20 observations, not 1,000: the interval is as wide as that of 20.
    tied = bootstrap([[float(i % 2)] * 50 for i in range(20)], mean)
    loose = bootstrap([[float(i % 2)] for i in range(1000)], mean)
    assert tied.value == loose.value == 0.5
    assert tied.upper is not None and tied.lower is not None and loose.upper is not None and loose.lower is not None
    assert tied.upper - tied.lower > 4 * (loose.upper - loose.lower)
    assert bootstrap([[1.0], [0.0]], mean, seed=3) == bootstrap([[1.0], [0.0]], mean, seed=3)
    assert bootstrap([], mean).value is None
