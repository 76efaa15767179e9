"""How good a bundle is: the policy on recorded cases, the critic on operators' verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from policies.calibrate import CalibrationSettings, Judged, Progress, histories, read_judged, score_all
from policies.candidates import Memory
from policies.dataset import samples
from policies.derive.fields import FieldReport, report
from policies.derive.fields import use_of as use_in
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
from policies.proposal import History, Policy
from policies.trace import Step, by_case, read_steps
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
    by_use: dict[str, StepAccuracy] = {}
    """By where the recorded value came from (see `policies.derive.fields`), where that was asked."""
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
    fields: FieldReport | None = None


class StepRow(Frozen):
    """One recorded step against the policy's first proposal; see `StepAccuracy` for the parts. `process`: the view's slice."""

    case_id: str
    process: str
    action: str
    type: bool
    target: bool
    value: bool
    has_value: bool
    top3: bool
    proposed: bool = True
    use: str | None = None
    true: bool | None = None
    """Whether the proposal was right by the truth of the case, whatever the operator did; None where nobody said."""

    @property
    def right(self) -> bool:
        return self.type and self.target and (self.value or not self.has_value)


Right = Callable[[Step, Action], bool]
UseOf = Callable[[Step, History], str | None]


def step_rows(
    policy: Policy,
    steps: Iterable[Step],
    progress: Callable[[int], None] | None = None,
    also_right: Right | None = None,
    use_of: UseOf | None = None,
    true: Right | None = None,
) -> list[StepRow]:
    """The policy's first proposal against what the operator did, step by step. `true` says whether it was right by the truth of
    the case; for the other arguments see `evaluate_policy`."""
    also = also_right or (lambda step, action: False)
    rows: list[StepRow] = []
    for step, history in histories(steps):
        if step.actor != "operator" or step.action is None:
            continue
        ranked = policy.propose(step.view, history)
        truth, first = step.action, ranked[0].action if ranked else None
        value = action_value(truth)
        same_type = first is not None and first.type == truth.type
        rows.append(
            StepRow(
                case_id=step.case_id,
                process=step.view.slice or "-",
                action=truth.type,
                type=same_type,
                target=first is not None and same_type and target_key(first) == target_key(truth),
                value=first is not None and same_type and (_folded(action_value(first)) == _folded(value) or also(step, first)),
                has_value=value is not None,
                top3=any(
                    same_action(p.action, truth) or (p.action.type == truth.type and also(step, p.action)) for p in ranked[:3]
                ),
                proposed=first is not None,
                use=use_of(step, history) if use_of is not None else None,
                true=(first is not None and true(step, first)) if true is not None else None,
            )
        )
        if progress:
            progress(len(rows))
    return rows


def accuracy(rows: Sequence[StepRow]) -> StepAccuracy:
    """The rows' accuracy."""
    parts = ("type", "target", "value", "has_value", "top3")
    columns = np.array([[getattr(row, part) for part in parts] for row in rows], dtype=np.bool_).reshape(-1, 5).T
    return step_accuracy(*columns)


def evaluate_policy(
    policy: Policy,
    steps: Iterable[Step],
    progress: Callable[[int], None] | None = None,
    also_right: Right | None = None,
    use_of: UseOf | None = None,
) -> PolicyEvaluation:
    """The policy's first proposal against what the operator did, on steps that an operator recorded.

    `progress` is called with the number of steps done. `also_right` says, where the truth is known, whether a proposal of
    the same type and target with another value is right as well (another wording of the same reply). `use_of` says where
    the value of a step came from.

    Raises:
        TraceError: there is no step that an operator took.
    """
    rows = step_rows(policy, steps, progress, also_right, use_of)
    if not rows:
        raise TraceError("No step that an operator took in these traces. Record some with `casepilot record`.")
    by_process: defaultdict[str, list[StepRow]] = defaultdict(list)
    by_action: defaultdict[str, list[StepRow]] = defaultdict(list)
    by_use: defaultdict[str, list[StepRow]] = defaultdict(list)
    for row in rows:
        by_process[row.process].append(row)
        by_action[row.action].append(row)
        if row.use is not None:
            by_use[row.use].append(row)
    return PolicyEvaluation(
        cases=len({row.case_id for row in rows}),
        overall=accuracy(rows),
        by_process={name: accuracy(some) for name, some in sorted(by_process.items())},
        by_action={name: accuracy(some) for name, some in sorted(by_action.items())},
        by_use={name: accuracy(some) for name, some in sorted(by_use.items())},
        no_proposal=sum(not row.proposed for row in rows),
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
        folds = halves(found)
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
    memory = bundle.policy.memory
    operators = [step for step in steps if step.actor == "operator"]
    fields = report((sample for case in by_case(operators).values() for sample in samples(case)), memory)
    policy = evaluate_policy(bundle.policy, steps, count, also_right, use_by(memory))
    if feedback is None or bundle.critic is None:
        return Evaluation(policy=policy, fields=fields)
    found = read_judged(feedback, "calibration", settings)
    return Evaluation(policy=policy, critic=evaluate_critic(found, score_all(bundle.critic, found, progress)), fields=fields)


def use_by(memory: Memory) -> UseOf:
    """Says of a step where its value came from, by the formulas in `memory`."""
    return lambda step, history: use_in(step.view, history, step.action, memory) if step.action is not None else None


def _folded(value: str | None) -> str | None:
    return None if value is None else " ".join(value.split())


def halves(found: Sequence[Judged]) -> Labels:
    """The half (n,), 0 or 1, that each proposal's case belongs to."""
    order = {name: i for i, name in enumerate(sorted({item.step.case_id for item in found}))}
    return np.array([order[item.step.case_id] % 2 for item in found], dtype=np.int64)


def thresholds_of_the_other_half(scores: Floats, labels: Labels, folds: Labels) -> Floats:
    """For each proposal (n,) the threshold of the best macro F1 on the half that it is not in."""
    return np.array([best_threshold(scores[folds != f], labels[folds != f]) for f in (0, 1)])[folds]


def _cross_fitted(scores: Floats, labels: Labels, folds: Labels) -> Selective:
    """Two-fold: every proposal is predicted with the threshold chosen on the other fold."""
    chosen = thresholds_of_the_other_half(scores, labels, folds)
    margins = scores - chosen  # >= 0 predicts 'accept'
    at_zero = selective(margins, labels, 0.0)
    free = selective(scores, labels, float(np.unique(chosen).mean()), "best macro F1, two-fold by case")
    return free.model_copy(
        update={
            name: getattr(at_zero, name)
            for name in ("accuracy", "accept", "reject", "macro_precision", "macro_recall", "macro_f1")
        }
    )
