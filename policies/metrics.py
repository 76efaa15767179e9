"""Metrics by their standard names. Arrays in, frozen models out; nothing here knows views or pages.

Scores are the probability that a proposal is right (`score` in [0, 1]); labels are 1 for accepted, 0 for not accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from schema_extraction.view import Frozen

T = TypeVar("T")
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class Share(Frozen):
    """`count` of `total`, with exact (Clopper-Pearson) one-sided bounds, each at `confidence`. `value` is None for 0 of 0."""

    count: int
    total: int
    value: float | None
    lower: float
    upper: float
    confidence: float = 0.9


class Estimate(Frozen):
    """A figure with its two-sided interval at `confidence`. A share says `count` of `total`; `value` is None without data."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    confidence: float = 0.95
    method: Literal["clopper-pearson", "bootstrap by case"] = "clopper-pearson"
    count: int | None = None
    total: int | None = None


class ClassScores(Frozen):
    """Precision, recall and F1 of one class; `support` is its number of labels."""

    precision: float
    recall: float
    f1: float
    support: int


class Selective(Frozen):
    """How well a score tells accepted from not accepted proposals, `threshold` deciding 'accept' (score >= threshold).

    `auroc` is None when only one label occurs. `aurc` is the mean selective risk over all coverages (Geifman and El-Yaniv
    2017), `e_aurc` its excess over the best possible order (Geifman, Uziel and El-Yaniv 2019); both lower is better. `ece`
    takes 10 bins of equal width.
    """

    threshold: float
    threshold_rule: str = ""
    count: int
    acceptance: float
    accuracy: float
    accept: ClassScores
    reject: ClassScores
    macro_precision: float
    macro_recall: float
    macro_f1: float
    auroc: float | None
    aurc: float
    e_aurc: float
    ece: float


class RiskCoveragePoint(Frozen):
    """Handling the `coverage` best-scoring share of actions unattended, `risk` of them is wrong."""

    coverage: float
    risk: float
    threshold: float


def precision_bounds(count: int, total: int, *, confidence: float = 0.9) -> tuple[float, float]:
    """One-sided exact (Clopper-Pearson 1934) lower and upper bound of a proportion, each at `confidence`."""
    if not 0 <= count <= total:
        raise ValueError(f"Expected 0 <= count <= total, met {count!r} of {total!r}; check the counts.")
    alpha = 1.0 - confidence
    lower = float(betaincinv(count, total - count + 1, alpha)) if count else 0.0
    upper = float(betaincinv(count + 1, total - count, confidence)) if count < total else 1.0
    return lower, upper


def share(count: int, total: int, *, confidence: float = 0.9) -> Share:
    """A proportion with its bounds."""
    lower, upper = precision_bounds(count, total, confidence=confidence)
    return Share(
        count=count, total=total, value=count / total if total else None, lower=lower, upper=upper, confidence=confidence
    )


def proportion(count: int, total: int, *, confidence: float = 0.95) -> Estimate:
    """A share with its two-sided exact (Clopper-Pearson) interval."""
    lower, upper = precision_bounds(count, total, confidence=(1.0 + confidence) / 2)
    return Estimate(
        value=count / total if total else None,
        lower=lower if total else None,
        upper=upper if total else None,
        confidence=confidence,
        count=count,
        total=total,
    )


def bootstrap(
    cases: Sequence[T],
    statistic: Callable[[Sequence[T]], float | None],
    *,
    repeats: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """A statistic of cases with its percentile interval over resamples of whole cases (Efron 1979): what happens within a case
    hangs together. Resamples in which the statistic has no value are left out."""
    if not cases:
        return Estimate(value=None, confidence=confidence, method="bootstrap by case")
    rng = np.random.default_rng(seed)
    drawn = (statistic([cases[i] for i in rng.integers(0, len(cases), len(cases))]) for _ in range(repeats))
    found = np.array([value for value in drawn if value is not None], dtype=np.float64)
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(found, [tail, 1.0 - tail]) if len(found) else (None, None)
    return Estimate(
        value=statistic(cases),
        lower=None if low is None else float(low),
        upper=None if high is None else float(high),
        confidence=confidence,
        method="bootstrap by case",
    )


def _arrays(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, Labels]:
    s, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if s.ndim != 1 or s.shape != y.shape:
        raise ValueError(f"Expected two arrays of one shape (n,), met {s.shape} and {y.shape}; give one label a score.")
    if len(y) and not np.isin(y, (0, 1)).all():
        raise ValueError("Expected labels 0 or 1; turn soft labels into accepted or not first.")
    return s, y


def _errors_by_rank(s: Floats, y: Labels) -> Floats:
    """Errors (n,) at each rank of falling score; errors among tied scores are spread evenly over their ranks."""
    order = np.argsort(-s, kind="stable")
    errors = 1.0 - y[order].astype(np.float64)
    _, group = np.unique(-s[order], return_inverse=True)
    return np.asarray(np.bincount(group, weights=errors) / np.bincount(group), dtype=np.float64)[group]


def aurc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under the risk-coverage curve: the mean over i = 1..n of the error rate among the i best-scoring (ties averaged)."""
    s, y = _arrays(scores, labels)
    if not len(y):
        return 0.0
    return float(np.mean(np.cumsum(_errors_by_rank(s, y)) / np.arange(1, len(y) + 1)))


def e_aurc(scores: ArrayLike, labels: ArrayLike) -> float:
    """AURC in excess of that of a perfect order of the same labels."""
    s, y = _arrays(scores, labels)
    return aurc(s, y) - aurc(y.astype(np.float64), y)


def auroc(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """Area under the ROC curve, or None when only one label occurs."""
    s, y = _arrays(scores, labels)
    return float(roc_auc_score(y, s)) if len(np.unique(y)) == 2 else None


def ece(scores: ArrayLike, labels: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error with bins of equal width (Guo et al. 2017)."""
    s, y = _arrays(scores, labels)
    if not len(y):
        return 0.0
    index = np.clip((s * bins).astype(np.int64), 0, bins - 1)
    gaps = np.abs(np.bincount(index, weights=s, minlength=bins) - np.bincount(index, weights=y, minlength=bins))
    return float(gaps.sum() / len(y))


def risk_coverage(scores: ArrayLike, labels: ArrayLike) -> tuple[RiskCoveragePoint, ...]:
    """The risk-coverage curve, one point a distinct score, strictest first."""
    s, y = _arrays(scores, labels)
    order = np.argsort(-s, kind="stable")
    s, y = s[order], y[order]
    last = np.flatnonzero(np.append(s[1:] != s[:-1], True)) if len(s) else np.array([], dtype=np.int64)
    errors = np.cumsum(1 - y)
    return tuple(
        RiskCoveragePoint(coverage=float((i + 1) / len(s)), risk=float(errors[i] / (i + 1)), threshold=float(s[i]))
        for i in last
    )


def best_threshold(scores: ArrayLike, labels: ArrayLike, average: Literal["macro", "binary"] = "macro") -> float:
    """The threshold with the highest F1 (macro over accept and reject, or of accept alone); 0.5 without data.

    Candidates lie midway between neighbouring scores, as well as below and above all.
    """
    s, y = _arrays(scores, labels)
    if not len(y):
        return 0.5
    values = np.unique(s)
    candidates = np.concatenate([[values[0]], (values[1:] + values[:-1]) / 2, [np.nextafter(values[-1], np.inf)]])
    order = np.sort(s[y == 1]), np.sort(s[y == 0])
    accepted, wrongly = (len(part) - np.searchsorted(part, candidates) for part in order)
    missed, rightly = len(order[0]) - accepted, len(order[1]) - wrongly
    of_accept = 2 * accepted / np.maximum(2 * accepted + wrongly + missed, 1)
    of_reject = 2 * rightly / np.maximum(2 * rightly + wrongly + missed, 1)
    f1 = (of_accept + of_reject) / 2 if average == "macro" else of_accept
    return float(candidates[int(np.argmax(f1))])


def selective(scores: ArrayLike, labels: ArrayLike, threshold: float, threshold_rule: str = "") -> Selective:
    """All of `Selective` for one score on one set of labels (at least one)."""
    s, y = _arrays(scores, labels)
    if not len(y):
        raise ValueError("Expected at least one label, met none; collect verdicts first.")
    predicted = (s >= threshold).astype(np.int64)
    p, r, f, n = precision_recall_fscore_support(y, predicted, labels=[1, 0], zero_division=0.0)
    classes = [ClassScores(precision=float(p[i]), recall=float(r[i]), f1=float(f[i]), support=int(n[i])) for i in (0, 1)]
    return Selective(
        threshold=threshold,
        threshold_rule=threshold_rule,
        count=len(y),
        acceptance=float(y.mean()),
        accuracy=float((predicted == y).mean()),
        accept=classes[0],
        reject=classes[1],
        macro_precision=float(np.mean(p)),
        macro_recall=float(np.mean(r)),
        macro_f1=float(np.mean(f)),
        auroc=auroc(s, y),
        aurc=aurc(s, y),
        e_aurc=e_aurc(s, y),
        ece=ece(s, y),
    )


class StepAccuracy(Frozen):
    """The policy's first proposal against what the operator did.

    `type`: the right kind of action. `target`: right kind and control. `value`: of the steps that enter a value and whose
    target was right, the right value. `step`: action, target and value all right. `top3`: the right action is among the
    first three proposals.
    """

    count: int
    type: float
    target: float
    value: float | None
    step: float
    top3: float


def step_accuracy(
    type_ok: ArrayLike, target_ok: ArrayLike, value_ok: ArrayLike, has_value: ArrayLike, top3: ArrayLike
) -> StepAccuracy:
    """Five boolean arrays (n,): per step, whether each part was right. `target_ok` counts only together with `type_ok`."""
    kind, target, value, valued, three = (
        np.asarray(a, dtype=np.bool_) for a in (type_ok, target_ok, value_ok, has_value, top3)
    )
    target = kind & target
    right = target & (value | ~valued)
    judged = target & valued

    def mean(a: NDArray[np.bool_]) -> float:
        return float(a.mean()) if len(a) else 0.0

    return StepAccuracy(
        count=len(kind),
        type=mean(kind),
        target=mean(target),
        value=float(value[judged].mean()) if judged.any() else None,
        step=mean(right),
        top3=mean(three),
    )
