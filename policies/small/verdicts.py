"""Learns the small critic from operators' verdicts on proposals.

Which features are used, and how strongly they are held back, is chosen by cross-validation by case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from policies.calibrate import Judged
from policies.errors import FeedbackError
from policies.feedback import critic_label
from policies.small.critic import BASE, CONFIDENCE, Floats, SmallCritic, Weights, describe
from policies.small.policy import SmallPolicy

DIRECTIONS = 8
FOLDS = 5
WORTH = 0.99
"""A choice of more features has to bring the log loss below this share of the best before it."""


def learn_critic(
    policy: SmallPolicy,
    judged: Sequence[Judged],
    strengths: Sequence[float],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SmallCritic, dict[str, float]]:
    """A critic from verdicts, and how it did on cases it had not seen. `strengths`: inverse penalties to choose from.

    Raises:
        FeedbackError: nothing was accepted, or nothing rejected.
    """
    rows, vectors, labels, cases, confidence = [], [], [], [], []
    for count, item in enumerate(judged, start=1):
        label = critic_label(item.step.verdict) if item.step.verdict is not None else None
        found = describe(policy, item.step.view, item.history, item.step.ranked) if label is not None else None
        if label is not None and found is not None:
            rows.append(found[0])
            vectors.append(found[1])
            labels.append(label)
            cases.append(item.step.case_id)
            confidence.append(item.confidence)
        if progress:
            progress(count, len(judged))
    y = np.array(labels)
    if not len(y) or (y > 0.5).all() or (y < 0.5).all():
        raise FeedbackError(
            f"Expected accepted and rejected proposals to learn from, met {len(y)} verdicts that all say the same. "
            "Run more cases with `casepilot run --stage copilot`."
        )
    x, v = np.stack(rows), np.stack(vectors)
    centre = v.mean(0)
    directions = np.linalg.svd(v - centre, full_matrices=False)[2][:DIRECTIONS]
    folds = _folds(cases)
    few, all_of = np.array([BASE.index(name) for name in CONFIDENCE]), np.arange(len(BASE))
    best_loss, best = np.inf, (few, directions[:0], strengths[0], np.zeros(0))
    for columns, kept in ((few, directions[:0]), (all_of, directions[:0]), (all_of, directions)):
        bar = best_loss * WORTH
        for strength in strengths:
            scores = np.full(len(y), y.mean())
            for fold in np.unique(folds):
                out = folds == fold
                if _mixed(y[~out]):
                    weights = _fit(x[~out], v[~out], y[~out], columns, kept, centre, strength)
                    scores[out] = weights(x[out], v[out])
            loss = _log_loss(scores, y)
            if loss < min(bar, best_loss):
                best_loss, best = loss, (columns, kept, strength, scores)
    columns, kept, strength, scores = best
    metrics = {
        "verdicts": float(len(y)),
        "accepted": float((y > 0.5).mean()),
        "log_loss": float(best_loss),
        "auroc": _auroc(scores, y),
        "confidence_auroc": _auroc(np.array(confidence), y),
        "strength": strength,
        "features": float(len(columns) + len(kept)),
    }
    return SmallCritic(policy, _fit(x, v, y, columns, kept, centre, strength)), metrics


def _fit(
    x: Floats, v: Floats, y: Floats, columns: npt.NDArray[np.int64], directions: Floats, centre: Floats, strength: float
) -> Weights:
    from sklearn.linear_model import LogisticRegression

    z = np.concatenate([x[:, columns], (v - centre) @ directions.T], axis=1)
    mean, scale = z.mean(0), np.maximum(z.std(0), 1e-3)
    z = (z - mean) / scale
    # A soft label is both an acceptance and a rejection, weighted.
    weight = np.concatenate([y, 1 - y])
    kept = weight > 0
    doubled, answers = np.concatenate([z, z])[kept], np.repeat([1, 0], len(y))[kept]
    model = LogisticRegression(C=strength, max_iter=2000).fit(doubled, answers, sample_weight=weight[kept])
    return Weights(columns, directions, centre, mean, scale, model.coef_[0], np.asarray(model.intercept_[0]))


def _mixed(y: Floats) -> bool:
    return bool((y > 0).any() and (y < 1).any())


def _folds(cases: Sequence[str]) -> npt.NDArray[np.int64]:
    order = {case: index for index, case in enumerate(sorted(set(cases)))}
    return np.array([order[case] % FOLDS for case in cases])


def _log_loss(scores: Floats, y: Floats) -> float:
    p = np.clip(scores, 1e-6, 1 - 1e-6)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def _auroc(scores: Floats, y: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y > 0.5, scores))
