"""How good a bundle is: the policy on recorded cases, the critic on operators' verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from policies.calibrate import CalibrationSettings, Judged, Progress, histories, read_judged, score_all
from policies.errors import TraceError
from policies.metrics import (
    Floats,
    Labels,
    RiskCoveragePoint,
    Selective,
    StepAccuracy,
    best_threshold,
    risk_coverage,
    selective,
    step_accuracy,
)
from policies.proposal import Policy
from policies.trace import Step, read_steps
from schema_extraction.action import Action, action_value, same_action, target_key
from schema_extraction.view import Frozen


class PolicyEvaluation(Frozen):
    """Step accuracy over all recorded steps, by process (the view's slice) and by the operator's type of action.

    `no_proposal` counts steps at which the policy had nothing to propose; they count as wrong.
    """

    cases: int
    overall: StepAccuracy
    by_process: dict[str, StepAccuracy] = {}
    by_action: dict[str, StepAccuracy] = {}
    no_proposal: int = 0


class CriticEvaluation(Frozen):
    """The critic against the policy's own confidence, on the same proposals with the same verdicts.

    Accepted or not is predicted with the threshold of the best macro F1. Where one set of verdicts serves both for choosing
    that and for judging, the cases are halved and each half is judged with the threshold chosen on the other
    (`threshold` is then the mean of the two); AUROC, AURC, E-AURC and ECE need no threshold and use all verdicts.
    """

    cases: int
    critic: Selective
    confidence: Selective
    critic_curve: tuple[RiskCoveragePoint, ...] = ()
    confidence_curve: tuple[RiskCoveragePoint, ...] = ()
    acceptance_by_action: dict[str, tuple[int, int]] = {}
    """Accepted and all proposals per type of action."""


class Evaluation(Frozen):
    policy: PolicyEvaluation
    critic: CriticEvaluation | None = None


class _Tally:
    """Collects one row of booleans a step: type, target, value, has value, top 3."""

    def __init__(self) -> None:
        self.rows: list[tuple[bool, bool, bool, bool, bool]] = []

    def accuracy(self) -> StepAccuracy:
        columns = np.array(self.rows, dtype=np.bool_).reshape(-1, 5).T
        return step_accuracy(*columns)


Right = Callable[[Step, Action], bool]


def evaluate_policy(
    policy: Policy, steps: Iterable[Step], progress: Callable[[int], None] | None = None, also_right: Right | None = None
) -> PolicyEvaluation:
    """The policy's first proposal against what the operator did, on steps that an operator recorded.

    `progress` is called with the number of steps done. `also_right` says, where the truth is known, whether a proposal of
    the same type and target with another value is right as well (another wording of the same reply).

    Raises:
        TraceError: there is no step that an operator took.
    """
    also = also_right or (lambda step, action: False)
    overall = _Tally()
    by_process: defaultdict[str, _Tally] = defaultdict(_Tally)
    by_action: defaultdict[str, _Tally] = defaultdict(_Tally)
    cases: set[str] = set()
    silent = 0
    for step, history in histories(steps):
        if step.actor != "operator" or step.action is None:
            continue
        cases.add(step.case_id)
        ranked = policy.propose(step.view, history)
        truth, first = step.action, ranked[0].action if ranked else None
        silent += first is None
        value = action_value(truth)
        same_type = first is not None and first.type == truth.type
        row = (
            same_type,
            first is not None and same_type and target_key(first) == target_key(truth),
            first is not None and same_type and (_folded(action_value(first)) == _folded(value) or also(step, first)),
            value is not None,
            any(same_action(p.action, truth) or (p.action.type == truth.type and also(step, p.action)) for p in ranked[:3]),
        )
        for tally in (overall, by_process[step.view.slice or "-"], by_action[truth.type]):
            tally.rows.append(row)
        if progress:
            progress(len(overall.rows))
    if not overall.rows:
        raise TraceError("No step that an operator took in these traces. Record some with `casepilot record`.")
    return PolicyEvaluation(
        cases=len(cases),
        overall=overall.accuracy(),
        by_process={name: tally.accuracy() for name, tally in sorted(by_process.items())},
        by_action={name: tally.accuracy() for name, tally in sorted(by_action.items())},
        no_proposal=silent,
    )


def evaluate_critic(
    found: Sequence[Judged], scores: Sequence[float], choose: tuple[Sequence[Judged], Sequence[float]] | None = None
) -> CriticEvaluation:
    """The critic's `scores` (n,) and the policy's confidence on judged proposals `found` (n,).

    `choose`: other proposals and their scores to pick the thresholds on; without it, see `CriticEvaluation`.
    """
    labels = np.array([item.accepted for item in found], dtype=np.int64)
    critic = np.array(scores, dtype=np.float64)
    confidence = np.array([item.confidence for item in found], dtype=np.float64)
    if choose is None:
        order = {name: i for i, name in enumerate(sorted({item.step.case_id for item in found}))}
        folds = np.array([order[item.step.case_id] % 2 for item in found], dtype=np.int64)
        judged_critic, judged_confidence = _cross_fitted(critic, labels, folds), _cross_fitted(confidence, labels, folds)
    else:
        others, other_scores = choose
        right = [item.accepted for item in others]
        rule = "best macro F1 on other cases"
        judged_critic = selective(critic, labels, best_threshold(other_scores, right), rule)
        judged_confidence = selective(confidence, labels, best_threshold([item.confidence for item in others], right), rule)

    accepted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for item in found:
        pair = accepted[item.step.ranked[0].action.type]
        pair[0] += item.accepted
        pair[1] += 1
    return CriticEvaluation(
        cases=len({item.step.case_id for item in found}),
        critic=judged_critic,
        confidence=judged_confidence,
        critic_curve=risk_coverage(critic, labels),
        confidence_curve=risk_coverage(confidence, labels),
        acceptance_by_action={name: (pair[0], pair[1]) for name, pair in sorted(accepted.items())},
    )


def evaluate(
    bundle_path: Path,
    traces: Path,
    feedback: Path | None = None,
    progress: Progress | None = None,
    settings: CalibrationSettings = CalibrationSettings(),
    also_right: Right | None = None,
) -> Evaluation:
    """Evaluate a bundle on recorded cases that it was not trained on and, given `feedback`, its critic on the calibration part.

    Raises:
        ModelError, TraceError, FeedbackError: the bundle, the traces or the feedback cannot be used.
    """
    from policies.bundle import load  # torch

    steps = list(read_steps(traces))
    bundle = load(bundle_path)
    count = (lambda done: progress(done, len(steps))) if progress else None
    policy = evaluate_policy(bundle.policy, steps, count, also_right)
    if feedback is None or bundle.critic is None:
        return Evaluation(policy=policy)
    found = read_judged(feedback, "calibration", settings)
    return Evaluation(policy=policy, critic=evaluate_critic(found, score_all(bundle.critic, found, progress)))


def _folded(value: str | None) -> str | None:
    return None if value is None else " ".join(value.split())


def _cross_fitted(scores: Floats, labels: Labels, folds: Labels) -> Selective:
    """Two-fold: every proposal is predicted with the threshold chosen on the other fold."""
    chosen = [best_threshold(scores[folds != f], labels[folds != f]) for f in (0, 1)]
    margins = scores - np.array(chosen)[folds]  # >= 0 predicts 'accept'
    at_zero = selective(margins, labels, 0.0)
    free = selective(scores, labels, float(np.mean(chosen)), "best macro F1, two-fold by case")
    return free.model_copy(
        update={
            name: getattr(at_zero, name)
            for name in ("accuracy", "accept", "reject", "macro_precision", "macro_recall", "macro_f1")
        }
    )
