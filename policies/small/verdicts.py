"""Learns the small critic from operators' verdicts on proposals.

Graded feedback: a proposal that was accepted is a 1, one that was wrong a 0. One that was right but not the operator's way is a
soft label; which value serves best is found by cross-validation, on how well critics that were learned with each tell accepted
proposals from wrong ones. What the environment did teaches nothing. Binary feedback, for comparison, takes every verdict but an
accept for a 0.

Which features are used, and how strongly they are held back, is chosen by cross-validation by case, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from policies.calibrate import Judged
from policies.errors import FeedbackError, ModelError
from policies.feedback import Grade, grade
from policies.small import features as f
from policies.small.critic import Floats, SmallCritic, TypedCritic, Weights, describe
from policies.small.policy import SmallPolicy
from schema_extraction.view import Frozen

DIRECTIONS = 8
FOLDS = 5
WORTH = 0.97
"""A choice of more features has to bring the log loss below this share of the best before it."""
SOFT = (0.5, 0.0, 0.25, 0.75, 1.0)
"""What a preference may count for; the first serves where there is nothing to choose by."""
FEWEST = 5
"""Fewer preferences than these choose nothing."""
EVENTS = 3
"""Wrong proposals that there must be for every feature beyond the first set: a richer critic that was chosen on ten of them
ranked a few wrong ones on top, where a certificate begins (docs/decisions/0016)."""

Strengths = Sequence[float]


class CriticSettings(Frozen):
    """`groups`: of features (see `policies.small.features`) that may be used. `typed`: the critic that reads no text.
    `grading`: how verdicts become labels. `strengths`: inverse penalties to choose from. `preference`: what one counts for;
    None chooses it. `events`: see `EVENTS`."""

    groups: tuple[f.Group, ...] = f.ALL
    typed: bool = False
    grading: Literal["graded", "binary"] = "graded"
    strengths: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3)
    preference: float | None = None
    events: int = EVENTS


@dataclass(frozen=True)
class Table:
    """Judged proposals as arrays: `features` (n, len(NAMES)), `vectors` (n, 3d), `typed` (n, len(TYPED_NAMES)); what was said
    of each, and of which case it is."""

    features: Floats
    vectors: Floats
    typed: Floats
    grades: npt.NDArray[np.str_]
    cases: npt.NDArray[np.str_]
    confidence: Floats

    def __len__(self) -> int:
        return len(self.grades)

    def only(self, rows: npt.NDArray[np.bool_]) -> Table:
        return Table(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def seen(self, typed: bool) -> tuple[Floats, Floats]:
        """Features and vectors as a critic of this kind sees them."""
        return (self.typed, np.zeros((len(self), 0))) if typed else (self.features, self.vectors)


def tabulate(
    policy: SmallPolicy, judged: Sequence[Judged], progress: Callable[[int, int], None] | None = None
) -> tuple[Table, list[int]]:
    """The judged proposals that the policy still makes, and which of `judged` these are.

    Raises:
        FeedbackError: there is none.
        ModelError: the policy gives something that is no number.
    """
    rows, vectors, typed, grades, kept = [], [], [], [], []
    for count, item in enumerate(judged, start=1):
        step = item.step
        found = describe(policy, step.view, item.history, step.ranked) if step.verdict is not None else None
        if found is not None and step.verdict is not None:
            rows.append(found[0])
            vectors.append(found[1])
            typed.append(f.typed(step.view, item.history, step.ranked, policy.known.typed, policy.known.comparisons))
            grades.append(grade(step.verdict))
            kept.append(count - 1)
        if progress:
            progress(count, len(judged))
    if not kept:
        raise FeedbackError(
            f"Expected verdicts on what this model proposes, met {len(judged)} on what it does not. "
            "Run `casepilot run --stage copilot` with this model."
        )
    table = Table(
        np.stack(rows),
        np.stack(vectors),
        np.stack(typed),
        np.array(grades, np.str_),
        np.array([judged[i].step.case_id for i in kept], np.str_),
        np.array([judged[i].confidence for i in kept]),
    )
    if not all(np.isfinite(part).all() for part in (table.features, table.vectors, table.typed)):
        raise ModelError(
            "Expected numbers from the policy of this model, met NaN: its training went wrong. Train it again; "
            "the critic that was there is kept."
        )
    return table, kept


def learn_weights(table: Table, settings: CriticSettings = CriticSettings()) -> tuple[Weights, dict[str, float]]:
    """Weights from verdicts, and how such weights did on cases they had not seen.

    Raises:
        FeedbackError: nothing was accepted, or nothing rejected.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # hundreds of fits too small to share
        return _learned(table, settings)


def _learned(table: Table, settings: CriticSettings) -> tuple[Weights, dict[str, float]]:
    table = table.only(table.grades != "environment") if settings.grading == "graded" else table
    wrong = _negatives(table, settings)
    if not len(table) or not wrong.any() or wrong.all():
        raise FeedbackError(
            f"Expected accepted and rejected proposals to learn from, met {len(table)} verdicts that all say the same "
            f"({_counted(table.grades)}). Run more cases with `casepilot run --stage copilot`; an earlier critic is kept."
        )
    x, v = table.seen(settings.typed)
    centre = v.mean(0)
    directions = np.linalg.svd(v - centre, full_matrices=False)[2][:DIRECTIONS] if v.shape[1] else v[:0]
    folds = _folds(table.cases)
    judged = (table.grades != "preference") | (settings.grading == "binary") | ~(table.grades == "error").any()

    def tried(choice: _Choice) -> tuple[float, Floats]:
        """The log loss on what is certainly right or wrong, and all scores, each from cases without its own."""
        y = _labels(table, settings, choice.preference)
        scores = np.full(len(y), y.mean())
        for fold in np.unique(folds):
            out = folds == fold
            if _mixed(y[~out]):
                weights = _fit(x[~out], v[~out], y[~out], choice, centre)
                scores[out] = weights(x[out], v[out])
        return _log_loss(scores[judged], y[judged]), scores

    preference = SOFT[0] if settings.preference is None else settings.preference
    best_loss, best, scores = np.inf, _Choice(_columns(settings)[0], directions[:0], settings.strengths[0], preference), x[:, 0]
    for columns, kept in _steps(settings, directions, int(wrong.sum())):
        bar = best_loss * WORTH
        for strength in settings.strengths:
            choice = _Choice(columns, kept, strength, preference)
            loss, found = tried(choice)
            if loss < min(bar, best_loss):
                best_loss, best, scores = loss, choice, found
    few = int((table.grades == "preference").sum()) < FEWEST
    if settings.grading == "graded" and settings.preference is None and not few:
        for value in SOFT[1:]:
            choice = replace(best, preference=value)
            loss, found = tried(choice)
            if loss < best_loss:
                best_loss, best, scores = loss, choice, found
    y = _labels(table, settings, best.preference)
    certain = y[judged]
    metrics = {
        "verdicts": float(len(y)),
        "accepted": float((table.grades == "accepted").mean()),
        "preferences": float((table.grades == "preference").sum()),
        "preference_label": best.preference if settings.grading == "graded" else 0.0,
        "log_loss": float(best_loss),
        "auroc": _auroc(scores[judged], certain),
        "confidence_auroc": _auroc(table.confidence[judged], certain),
        "strength": best.strength,
        "features": float(len(best.columns) + len(best.directions)),
    }
    return _fit(x, v, y, best, centre), metrics


def learn_critic(
    policy: SmallPolicy, table: Table, settings: CriticSettings = CriticSettings()
) -> tuple[SmallCritic, dict[str, float]]:
    """A critic from verdicts, and how it did on cases it had not seen. Raises FeedbackError, see `learn_weights`."""
    weights, metrics = learn_weights(table, settings.but(typed=False))
    return SmallCritic(policy, weights), metrics


def learn_typed(
    policy: SmallPolicy, table: Table, settings: CriticSettings = CriticSettings()
) -> tuple[TypedCritic, dict[str, float]]:
    """The critic that reads no text. Raises FeedbackError, see `learn_weights`."""
    weights, metrics = learn_weights(table, settings.but(typed=True))
    return TypedCritic(weights, policy.known.typed, policy.known.comparisons), metrics


@dataclass(frozen=True)
class _Choice:
    columns: npt.NDArray[np.int64]
    directions: Floats
    strength: float
    preference: float


def _columns(settings: CriticSettings) -> list[npt.NDArray[np.int64]]:
    """Sets of features to try, each holding the ones before it."""
    if settings.typed:
        return [np.arange(len(f.TYPED_NAMES))]
    allowed = set(f.columns_of(settings.groups))
    first = {f.NAMES.index(name) for name in f.CONFIDENCE} & allowed
    review = first | ({f.NAMES.index(name) for name in f.REVIEW} & allowed)
    tried = [np.array(sorted(found), np.int64) for found in (first, review, allowed) if found]
    return [found for place, found in enumerate(tried) if place == 0 or len(found) > len(tried[place - 1])] or [
        np.zeros(0, np.int64)
    ]


def _steps(settings: CriticSettings, directions: Floats, errors: int) -> list[tuple[npt.NDArray[np.int64], Floats]]:
    """Features and directions to try, from few to many, as far as there are errors enough to learn from."""
    sets = _columns(settings)
    found = [(columns, directions[:0]) for columns in sets]
    if len(directions) and "text" in settings.groups:
        found.append((sets[-1], directions))
    return found[:1] + [(c, d) for c, d in found[1:] if settings.events * (len(c) + len(d)) <= errors]


def _labels(table: Table, settings: CriticSettings, preference: float) -> Floats:
    soft = preference if settings.grading == "graded" else 0.0
    return np.where(table.grades == "accepted", 1.0, np.where(table.grades == "preference", soft, 0.0))


def _negatives(table: Table, settings: CriticSettings) -> npt.NDArray[np.bool_]:
    """What was not right; where nothing was wrong but some was not liked, that has to do."""
    errors: npt.NDArray[np.bool_] = table.grades == "error"
    return errors if settings.grading == "graded" and errors.any() else table.grades != "accepted"


def _counted(grades: npt.NDArray[np.str_]) -> str:
    order: tuple[Grade, ...] = ("accepted", "preference", "error", "environment")
    words = {"accepted": "accepted", "preference": "preferences", "error": "wrong", "environment": "environment"}
    return ", ".join(f"{int((grades == name).sum())} {words[name]}" for name in order)


def _fit(x: Floats, v: Floats, y: Floats, choice: _Choice, centre: Floats) -> Weights:
    from sklearn.linear_model import LogisticRegression

    z = np.concatenate([x[:, choice.columns], (v - centre) @ choice.directions.T], axis=1)
    mean, scale = z.mean(0), np.maximum(z.std(0), 1e-3)
    z = (z - mean) / scale
    # A soft label is both an acceptance and a rejection, weighted.
    weight = np.concatenate([y, 1 - y])
    kept = weight > 0
    doubled, answers = np.concatenate([z, z])[kept], np.repeat([1, 0], len(y))[kept]
    model = LogisticRegression(C=choice.strength, max_iter=2000).fit(doubled, answers, sample_weight=weight[kept])
    return Weights(choice.columns, choice.directions, centre, mean, scale, model.coef_[0], np.asarray(model.intercept_[0]))


def _mixed(y: Floats) -> bool:
    return bool((y > 0).any() and (y < 1).any())


def _folds(cases: Sequence[str] | npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    order = {case: index for index, case in enumerate(sorted(set(cases)))}
    return np.array([order[case] % FOLDS for case in cases])


def _log_loss(scores: Floats, y: Floats) -> float:
    p = np.clip(scores, 1e-6, 1 - 1e-6)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def _auroc(scores: Floats, y: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y > 0.5, scores))
