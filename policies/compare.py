"""Critics of several kinds on the same verdicts: graded against binary feedback, and without one group of inputs each.

Every score is given by a critic that saw no verdict of the same case (cross-fitted by case); all variants see the same folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from policies.calibrate import CalibrationSettings, Judged, judged, thresholds_from
from policies.errors import FeedbackError
from policies.evaluate import CriticEvaluation, evaluate_critic
from policies.feedback import grade
from policies.proposal import action_class
from policies.small import features as f
from policies.small.policy import SmallPolicy
from policies.small.verdicts import CriticSettings, Table, learn_weights, tabulate
from policies.trace import Step
from schema_extraction.view import Frozen

FOLDS = 5
Truth = Callable[[Judged], bool | None]
"""Whether a proposal was right, where that is known."""


class Scores(Frozen):
    """How the scores of one variant tell proposals apart, in three readings of the same verdicts.

    `accepted`   accepted as it was against everything else but environment: what binary feedback asks
    `right`      right (a matter of taste included) against wrong, by what operators said
    `truth`      right against wrong by the application's records; None where these are not known

    `automation`: the share of proposals at or above thresholds that are certified on these scores, a matter of taste counted as
    right. `preference_labels`: what a preference counted for, fold by fold.
    """

    name: str
    accepted: CriticEvaluation
    right: CriticEvaluation
    truth: CriticEvaluation | None = None
    automation: float
    preference_labels: tuple[float, ...] = ()


class Comparison(Frozen):
    """`verdicts` by grade; `folds` of cases. `variants`: the policy's own confidence first."""

    verdicts: dict[str, int]
    cases: int
    folds: int
    target: float
    variants: tuple[Scores, ...]

    def find(self, name: str) -> Scores:
        return next(scores for scores in self.variants if scores.name == name)


FEEDBACK: dict[str, CriticSettings] = {"graded": CriticSettings(), "binary": CriticSettings(grading="binary")}
ABLATIONS: dict[str, CriticSettings] = {
    "typed": CriticSettings(typed=True),
    "all inputs, however few errors": CriticSettings(events=0),
    **{f"without {group}": CriticSettings(groups=tuple(g for g in f.ALL if g != group)) for group in f.ALL},
}


def compare(
    policy: SmallPolicy,
    steps: Sequence[Step],
    variants: dict[str, CriticSettings] = FEEDBACK,
    truth: Truth | None = None,
    settings: CalibrationSettings = CalibrationSettings(),
    folds: int = FOLDS,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Learn every variant on the verdicts of the other folds' cases, and judge its scores.

    Raises:
        FeedbackError: there are too few cases, or the verdicts of some folds all say the same.
    """
    found = list(judged(steps, settings, environment=True))
    if len({item.step.case_id for item in found}) < folds:
        raise FeedbackError(
            f"Expected verdicts on critical actions in at least {folds} cases, met "
            f"{len({item.step.case_id for item in found})}. Run `casepilot run --stage copilot` on more cases."
        )
    table, kept = tabulate(policy, found, progress)
    found = [found[i] for i in kept]
    counts = {name: int((table.grades == name).sum()) for name in ("accepted", "preference", "error", "environment")}
    scored: dict[str, tuple[npt.NDArray[np.float64], tuple[float, ...]]] = {"confidence": (table.confidence, ())}
    scored |= {name: cross_fitted(table, variant, folds) for name, variant in variants.items()}
    return Comparison(
        verdicts=counts,
        cases=len(set(table.cases)),
        folds=folds,
        target=settings.target,
        variants=tuple(scores_of(name, found, *outcome, truth, settings) for name, outcome in scored.items()),
    )


def cross_fitted(
    table: Table, settings: CriticSettings, folds: int = FOLDS
) -> tuple[npt.NDArray[np.float64], tuple[float, ...]]:
    """Scores (n,), each from a critic that saw no verdict of the same case, and what a preference counted for in each fold.

    Raises:
        FeedbackError: see `policies.small.verdicts.learn_weights`.
    """
    order = sorted(set(table.cases))
    places = dict(zip(order, np.random.default_rng(0).permutation(len(order)) % folds, strict=True))
    fold = np.array([places[case] for case in table.cases])
    scores, labels = np.zeros(len(table)), []
    x, v = table.seen(settings.typed)
    for number in range(folds):
        out = fold == number
        weights, metrics = learn_weights(table.only(~out), settings)
        scores[out] = weights(x[out], v[out])
        labels.append(metrics["preference_label"])
    return scores, tuple(labels)


def scores_of(
    name: str,
    found: Sequence[Judged],
    scores: npt.NDArray[np.float64],
    labels: tuple[float, ...],
    truth: Truth | None,
    settings: CalibrationSettings,
) -> Scores:
    def read(right: Callable[[Judged], bool | None]) -> CriticEvaluation | None:
        said = [right(item) for item in found]
        rows = [i for i, answer in enumerate(said) if answer is not None]
        if not rows:
            return None
        relabelled = [found[i].model_copy(update={"accepted": said[i]}) for i in rows]
        return evaluate_critic(relabelled, [float(scores[i]) for i in rows])

    accepted, right = read(_accepted), read(_right)
    if accepted is None or right is None:
        raise FeedbackError("Expected verdicts on proposals, met only what the environment did. Run more cases in copilot.")
    return Scores(
        name=name,
        accepted=accepted,
        right=right,
        truth=read(truth) if truth is not None else None,
        automation=_automation(found, scores, settings),
        preference_labels=labels,
    )


def _accepted(item: Judged) -> bool | None:
    said = grade(item.step.verdict) if item.step.verdict is not None else "environment"
    return None if said == "environment" else said == "accepted"


def _right(item: Judged) -> bool | None:
    said = grade(item.step.verdict) if item.step.verdict is not None else "environment"
    return None if said == "environment" else said != "error"


def _automation(found: Sequence[Judged], scores: npt.NDArray[np.float64], settings: CalibrationSettings) -> float:
    """The share of the proposals that certified thresholds would let through."""
    known = [
        (item.but(accepted=right), float(score))
        for item, score in zip(found, scores, strict=True)
        if (right := _right(item)) is not None
    ]
    thresholds = thresholds_from([item for item, _ in known], [score for _, score in known], settings)
    passed = [
        certificate is not None and certificate.allows(score)
        for item, score in known
        for certificate in (thresholds.find(action_class(item.step.ranked[0].action), item.step.view.slice),)
    ]
    return float(np.mean(passed)) if passed else 0.0
