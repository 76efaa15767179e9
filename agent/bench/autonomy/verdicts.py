"""Critic against policy confidence on the same verdicts, with intervals, and their risk-coverage curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.bench.autonomy.results import Comparison, Curve, Verdicts
from policies.calibrate import Judged
from policies.evaluate import halves, thresholds_of_the_other_half
from policies.metrics import Estimate, Floats, Labels, aurc, auroc, bootstrap, e_aurc, ece, risk_coverage

REPEATS = 500
FEWEST = 10
"""Verdicts below which a slice gets no curve."""


def compare(found: Sequence[Judged], scores: Sequence[float], on: str, seed: int = 0, repeats: int = REPEATS) -> Comparison:
    """The critic's `scores` (n,) and the policy's confidence on judged proposals `found` (n,); `on` says which, in words."""
    labels = np.array([item.accepted for item in found], dtype=np.int64)
    critic = np.array(scores, dtype=np.float64)
    confidence = np.array([item.confidence for item in found], dtype=np.float64)
    folds = halves(found)
    by_case: dict[str, list[int]] = {}
    for i, item in enumerate(found):
        by_case.setdefault(item.step.case_id, []).append(i)
    cases = [np.array(places, dtype=np.int64) for places in by_case.values()]
    accepts = {
        "critic": critic >= thresholds_of_the_other_half(critic, labels, folds),
        "confidence": confidence >= thresholds_of_the_other_half(confidence, labels, folds),
    }

    def estimate(statistic: Callable[[Labels], float | None]) -> Estimate:
        return bootstrap(cases, lambda some: statistic(np.concatenate(some)), repeats=repeats, seed=seed)

    def verdicts(name: str, s: Floats) -> Verdicts:
        predicted = accepts[name]

        def of_class(part: str, label: int | None) -> Estimate:
            return estimate(lambda at: class_scores(labels[at], predicted[at], part, label))

        return Verdicts(
            name=name,
            count=len(found),
            cases=len(cases),
            accepted=float(labels.mean()),
            macro_precision=of_class("precision", None),
            macro_recall=of_class("recall", None),
            macro_f1=of_class("f1", None),
            precision_accept=of_class("precision", 1),
            recall_accept=of_class("recall", 1),
            f1_accept=of_class("f1", 1),
            precision_reject=of_class("precision", 0),
            recall_reject=of_class("recall", 0),
            f1_reject=of_class("f1", 0),
            auroc=estimate(lambda at: auroc(s[at], labels[at])),
            aurc=estimate(lambda at: aurc(s[at], labels[at])),
            e_aurc=estimate(lambda at: e_aurc(s[at], labels[at])),
            ece=estimate(lambda at: ece(s[at], labels[at])),
        )

    def f1_gain(at: Labels) -> float:
        ours, theirs = (class_scores(labels[at], accepts[name][at], "f1", None) for name in ("critic", "confidence"))
        return ours - theirs

    def ratio(at: Labels) -> float | None:
        other = e_aurc(confidence[at], labels[at])
        return e_aurc(critic[at], labels[at]) / other if other > 0 else None

    return Comparison(
        on=on,
        critic=verdicts("critic", critic),
        confidence=verdicts("confidence", confidence),
        f1_gain=estimate(f1_gain),
        e_aurc_ratio=estimate(ratio),
    )


def curves(found: Sequence[Judged], scores: Sequence[float], part: Callable[[Judged], str]) -> tuple[Curve, ...]:
    """A risk-coverage curve for each part (class of action, or slice) with enough verdicts, largest first."""
    groups: dict[str, list[int]] = {}
    for i, item in enumerate(found):
        groups.setdefault(part(item), []).append(i)
    made: list[Curve] = []
    for name, places in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        if len(places) >= FEWEST:
            labels = [int(found[i].accepted) for i in places]
            made.append(
                Curve(
                    name=name,
                    count=len(places),
                    wrong=len(labels) - sum(labels),
                    critic=risk_coverage([scores[i] for i in places], labels),
                    confidence=risk_coverage([found[i].confidence for i in places], labels),
                )
            )
    return tuple(made)


def class_scores(labels: Labels, accepts: NDArray[np.bool_], part: str, label: int | None) -> float:
    """Precision, recall or F1 of label 1 or 0, or the mean of both, as scikit-learn has them (0 where there is no share), from
    four counts: resampling asks for it thousands of times."""
    if label is None:
        return (class_scores(labels, accepts, part, 1) + class_scores(labels, accepts, part, 0)) / 2
    truth, said = labels == label, accepts == bool(label)
    hits = int(np.count_nonzero(truth & said))
    total = {"precision": np.count_nonzero(said), "recall": np.count_nonzero(truth)}
    whole = (total["precision"] + total["recall"]) / 2 if part == "f1" else total[part]
    return hits / float(whole) if whole else 0.0
