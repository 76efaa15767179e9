from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from policies.errors import ModelError
from policies.ladder import missing, p_value, passes, ranks_to_test, rung
from policies.thresholds import Scored, Thresholds, certify, certify_all, standing_alone

TARGET, DELTA, RUNS = 0.9, 0.1, 300
Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def sigmoid(base: float, slope: float) -> Draw:
    """Continuous scores; the chance of being accepted rises with the score."""

    def draw(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        score = random.random(count)
        return score, random.random(count) < 1 / (1 + np.exp(-(base + slope * score)))

    return draw


def flat(precision: float) -> Draw:
    """Scores that say nothing, at a precision just short of the target: every certificate would be a false one."""

    def draw(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        return random.random(count), random.random(count) < precision

    return draw


def tied(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Four distinct scores only."""
    level = random.integers(0, 4, count)
    return level / 4, random.random(count) < np.array([0.6, 0.8, 0.9, 0.97])[level]


def overconfident(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The best-scoring tenth is the worst: acceptance does not rise with the score."""
    score = random.random(count)
    return score, random.random(count) < np.where(score > 0.9, 0.5, 0.92)


@pytest.mark.parametrize("count", [40, 75, 200])
@pytest.mark.parametrize(
    "draw",
    [sigmoid(0, 4), sigmoid(1, 2), flat(0.895), tied, overconfident],
    ids=["sharp", "soft", "flat", "tied", "overconfident"],
)
def test_promised_precision_holds_in_at_least_one_minus_delta_of_runs(draw: Draw, count: int) -> None:
    random = np.random.default_rng(count)
    population_score, population_right = draw(np.random.default_rng(1), 50_000)
    broken = 0
    for _ in range(RUNS):
        certificate = certify(*draw(random, count), target=TARGET, delta=DELTA)
        if certificate.tau is not None:
            broken += population_right[population_score >= certificate.tau].mean() < TARGET
    # No more than delta, give or take the chance of RUNS draws (one in a thousand).
    assert broken <= binom.ppf(0.999, RUNS, DELTA)


@pytest.mark.parametrize(("count", "power", "coverage"), [(40, 0.2, 0.1), (75, 0.3, 0.15), (150, 0.55, 0.3), (300, 0.85, 0.5)])
def test_power_at_small_samples(count: int, power: float, coverage: float) -> None:
    """83% of actions are accepted, short of the target, and 95% of the better half: certify a good part of the latter."""
    random = np.random.default_rng(7)
    certificates = [certify(*sigmoid(0, 4)(random, count)) for _ in range(200)]
    assert np.mean([c.tau is not None for c in certificates]) >= power
    assert np.mean([c.coverage for c in certificates]) >= coverage


def test_22_straight_accepts_certify_and_21_need_one_more() -> None:
    scores = np.linspace(0.5, 0.9, 22)
    certificate = certify(scores, np.ones(22))
    assert certificate.tau == 0.5
    assert certificate.coverage == 1.0
    assert certificate.precision_lower >= 0.9
    short = certify(scores[:21], np.ones(21))
    assert short.tau is None
    assert (short.needs, short.needs_basis) == (1, "zero")
    assert "needs about 1 more" in short.describe()


def test_nothing_seen_needs_22() -> None:
    certificate = certify([], [])
    assert (certificate.tau, certificate.needs, certificate.refuted) == (None, 22, False)


def test_the_ladder_holds_the_smallest_passing_samples() -> None:
    assert [rung(e, TARGET, DELTA) for e in range(5)] == [22, 38, 52, 65, 78]
    for errors in range(5):
        step = rung(errors, TARGET, DELTA)
        assert passes(step, errors, TARGET, DELTA)
        assert not passes(step - 1, errors, TARGET, DELTA)
    assert p_value(22, 0, TARGET) == pytest.approx(0.9**22)


def test_ranks_depend_on_the_number_of_actions_alone() -> None:
    assert ranks_to_test(21, TARGET, DELTA) == ()
    assert ranks_to_test(25, TARGET, DELTA) == (22, 23, 24, 25)
    assert ranks_to_test(150, TARGET, DELTA)[:2] == (52, 65)
    assert ranks_to_test(150, TARGET, DELTA)[-1] == 150


def test_needs_at_the_present_rate_is_the_smallest_number_that_passes() -> None:
    needs, basis = missing(30, 1, TARGET, DELTA)
    assert basis == "present"
    assert passes(30 + needs, int(np.ceil((30 + needs) / 30)), TARGET, DELTA)
    assert missing(20, 10, TARGET, DELTA)[1] == "zero"


def test_a_threshold_never_cuts_ties_apart() -> None:
    scores = np.array([0.9] * 30 + [0.4] * 30)
    accepted = np.array([1] * 30 + [0, 1] * 15)
    certificate = certify(scores, accepted)
    assert certificate.tau == 0.9
    assert (certificate.passing, certificate.accepted) == (30, 30)
    assert [(p.score, p.accepted, p.count) for p in certificate.curve] == [(0.9, 30, 30), (0.4, 15, 30)]
    assert certify([0.5] * 30, [1] * 25 + [0] * 5).tau is None


def test_arithmetic_noise_does_not_decide() -> None:
    certificate = certify([0.7] * 30, [1] * 30)
    assert certificate.allows(0.7 - 1e-9)
    assert not certificate.allows(0.699)
    assert not certificate.allows(None)
    assert not certificate.allows(float("nan"))


def actions(name: str, slice_name: str, count: int, wrong: int = 0) -> list[Scored]:
    return [Scored(action_class=name, slice=slice_name, score=0.5 + i / 1000, accepted=i >= wrong) for i in range(count)]


def test_a_slice_takes_the_class_threshold_unless_its_own_data_refute_it() -> None:
    thresholds = certify_all(
        [
            *actions("click", "big", 60),
            *actions("click", "small", 5),
            *actions("click", "bad", 10, wrong=6),
            *actions("click", "two", 2),
        ]
    )
    whole = thresholds.find("click")
    assert whole is not None and whole.tau is not None
    assert whole.covers == ("bad", "big", "small")
    assert thresholds.find("click", "small") == thresholds.find("click", "big") == whole
    assert thresholds.find("click", "unheard of") is None
    assert thresholds.find("click", "") is None
    bad, two = thresholds.find("click", "bad"), thresholds.find("click", "two")
    assert bad is not None and bad.refuted and bad.tau is None
    assert "operators keep it" in bad.describe()
    assert two is not None and (two.standing, two.tau, two.needs) == ("closed", None, 1)
    assert "2 verdicts so far" in two.describe()
    assert thresholds.find("close_case") is None


def test_without_slices_the_class_certificate_speaks_of_all() -> None:
    thresholds = certify_all([*actions("click", "big", 60), *actions("click", "two", 2)], slices=False)
    assert [c.slice for c in thresholds.certificates] == [""]
    assert thresholds.find("click", "two") == thresholds.find("click", "unheard of") == thresholds.find("click")


def test_what_is_below_the_class_threshold_does_not_refute_a_slice() -> None:
    """A slice whose wrong proposals all score low is one that the critic understands."""
    hard = [Scored(action_class="click", slice="hard", score=0.4 + 0.5 * (i % 2), accepted=i % 2 == 1) for i in range(20)]
    thresholds = certify_all([*actions("click", "big", 80), *hard])
    whole = thresholds.find("click")
    assert whole is not None and whole.tau is not None and whole.tau > 0.4
    assert thresholds.find("click", "hard") == whole


def test_a_class_that_needs_no_more_hands_its_level_on() -> None:
    """24 straight accepts are too few for half of 0.1 (29 are needed) and enough for all of it (22)."""
    full, scarce = actions("click", "", 60), actions("send_message", "", 24)
    alone = certify_all([*full, *scarce], family="bonferroni")
    together = certify_all([*full, *scarce])
    assert [c.tau is not None for c in alone.certificates] == [True, False]
    assert [c.tau is not None for c in together.certificates] == [True, True]
    assert [c.delta for c in together.certificates] == pytest.approx([0.05, 0.1])


def test_what_is_missing_counts_all_that_was_right() -> None:
    """27 straight accepts of one of two classes: two short of the 29 that half of 0.1 takes (22 would do at all of it)."""
    thresholds = certify_all([*actions("click", "", 27), *actions("send_message", "", 10)])
    click = thresholds.find("click")
    assert click is not None and (click.tau, click.passing, click.accepted, click.needs) == (None, 27, 27, 2)


def test_slices_stand_alone_by_their_numbers_only() -> None:
    assert standing_alone({"a": 10_000}, TARGET, DELTA) == ()
    assert standing_alone({"a": 70, "b": 30, "c": 20}, TARGET, DELTA) == ("a",)
    assert standing_alone({"a": 200, "b": 180, "c": 20}, TARGET, DELTA) == ("a", "b")
    assert standing_alone({}, TARGET, DELTA) == ()


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        certify([0.5, float("nan")], [1, 1])


def test_bonferroni_shares_delta_among_all_classes() -> None:
    alone = certify_all(actions("click", "", 25), classes=("click", "send_message"), family="class")
    family = certify_all(actions("click", "", 25), classes=("click", "send_message"), family="bonferroni")
    assert [c.tau is not None for c in alone.certificates] == [True, False]
    assert {c.delta for c in family.certificates} == {0.05}
    assert family.certificates[0].tau is None  # 29 straight accepts are needed at 0.05


def test_json_round_trip_and_errors(tmp_path: Path) -> None:
    thresholds = certify_all(actions("click", "big", 60, wrong=2))
    path = tmp_path / "thresholds.json"
    thresholds.write(path)
    assert Thresholds.read(path) == thresholds
    with pytest.raises(ModelError, match="casepilot calibrate"):
        Thresholds.read(tmp_path / "none.json")
    path.write_text('{"version": "x"')
    with pytest.raises(ModelError, match="casepilot calibrate"):
        Thresholds.read(path)
    with pytest.raises(ValueError, match="between 0 and 1"):
        certify([0.5], [1], target=1.0)
