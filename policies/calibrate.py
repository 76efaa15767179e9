"""From operators' verdicts to certified thresholds.

Which verdicts count. Only those that were asked for whatever the score was (codes `copilot`, `calibrating`,
`no_certificate`): a step that was handed off *because* it scored low says nothing of the steps above the threshold. Steps
on unfamiliar views are left out, since the gate never runs them. Environment verdicts are dropped: neither side erred.
A rejection that names no error, after which the operator took the very same step, or sent the message in other words, is read
as a preference: what was done speaks louder. Only `accept` counts as right. An edit had another value, and a preference
("acceptable, but I do it another way") counts as wrong too, so that the certified precision is a lower bound of the share that
is correct; `preferences_pass` counts preferences as right instead, for targets that speak of correctness alone.

Which cases. Feedback is split by a hash of the case id, the same everywhere: the critic learns from one third, thresholds are
certified on the rest, so no threshold is set on scores that the critic has seen the answers to. Certificates get the larger
part because they are what small numbers hurt: 22 straight accepts are the least for 90% precision at 90% confidence.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from loguru import logger
from pydantic import Field

from policies.errors import FeedbackError, ModelError, TraceError
from policies.feedback import Reason, Verdict
from policies.gate import NOVELTY_LIMIT
from policies.proposal import CRITICAL_CLASSES, Critic, History, HistoryItem, action_class
from policies.registry.pointer import outside
from policies.thresholds import DELTA, LEAST, TARGET, Family, Scored, Thresholds, Unit, certify_all
from policies.trace import Step, by_case, read_steps
from schema_extraction.action import same_action
from schema_extraction.view import Frozen

Part = Literal["critic", "calibration"]
Progress = Callable[[int, int], None]
"""Called with how many of how many are done."""

UNSELECTED = ("copilot", "calibrating", "no_certificate")


class CalibrationSettings(Frozen):
    """`target`, `delta`, `family`, `least`, `unit`: see `policies.thresholds`. `slices`: of every class, too."""

    target: float = Field(TARGET, gt=0, lt=1)
    delta: float = Field(DELTA, gt=0, lt=1)
    family: Family = "joint"
    slices: bool = True
    least: int = Field(LEAST, ge=1)
    unit: Unit = "action"
    novelty_limit: float = NOVELTY_LIMIT
    preferences_pass: bool = False


class Judged(Frozen):
    """A critical proposal with its verdict, and the history of its session up to then."""

    step: Step
    history: History
    accepted: bool

    @property
    def confidence(self) -> float:
        """The policy's own probability of what it proposed."""
        return self.step.ranked[0].probability


def feedback_part(case_id: str) -> Part:
    """The part of the feedback that a case belongs to: a third is the critic's."""
    return "critic" if int.from_bytes(hashlib.blake2b(case_id.encode(), digest_size=2).digest()) % 3 == 0 else "calibration"


def is_right(verdict: Verdict, *, preferences_pass: bool = False) -> bool | None:
    """Whether the proposal counts as right for a certificate; None drops it."""
    if verdict.kind == "accept":
        return True
    if verdict.reason is Reason.ENVIRONMENT:
        return None
    return preferences_pass and verdict.reason in (Reason.PREFERENCE, Reason.OPTIONAL_STEP)


def understood(step: Step, following: Step | None) -> Verdict | None:
    """The verdict on a step in the light of what was done next: one that names no error is a preference where the operator then
    did what was proposed, or sent the message in other words."""
    verdict = step.verdict
    if verdict is None or verdict.kind == "accept" or verdict.reason not in (None, Reason.OTHER) or not step.ranked:
        return verdict
    own = following.action if following is not None and following.actor == "operator" else None
    proposed = step.ranked[0].action
    alike = own is not None and (same_action(own, proposed) or (own.type == proposed.type == "send_message"))
    return verdict.model_copy(update={"reason": Reason.PREFERENCE}) if alike else verdict


def histories(steps: Iterable[Step]) -> Iterator[tuple[Step, History]]:
    """Each step with what was done before it in its own session."""
    for case in by_case(steps).values():
        past: dict[str, History] = {}
        for step in case:
            before = past.get(step.session, ())
            yield step, before
            if step.action is not None:
                first = step.ranked[0] if step.ranked else None
                item = HistoryItem(
                    action=step.action,
                    actor=step.actor,
                    probability=first.probability if first else None,
                    novelty=first.novelty if first else None,
                    outcome=step.outcome,
                )
                past[step.session] = (*before, item)


def judged(
    steps: Iterable[Step], settings: CalibrationSettings = CalibrationSettings(), *, environment: bool = False
) -> Iterator[Judged]:
    """The critical proposals whose verdicts count, of both parts. `environment`: as binary feedback has it, where what the
    environment did is a rejection like any other."""
    dropped: Counter[str] = Counter()
    steps = list(steps)
    following = {step.place: after for case in by_case(steps).values() for step, after in zip_longest(case, case[1:])}
    for step, history in histories(steps):
        verdict = understood(step, following[step.place])
        if verdict is None or not step.ranked or not step.critical:
            continue
        right = is_right(verdict, preferences_pass=settings.preferences_pass)
        right = False if right is None and environment else right
        if step.decision is not None and step.decision.code not in UNSELECTED:
            dropped[f"handed off as {step.decision.code}"] += 1
        elif step.ranked[0].novelty > settings.novelty_limit:
            dropped["unfamiliar"] += 1
        elif right is None:
            dropped["environment"] += 1
        else:
            yield Judged(step=step.model_copy(update={"verdict": verdict}), history=history, accepted=right)
    if dropped:
        logger.info("Verdicts left out of calibration: {}", ", ".join(f"{n} {why}" for why, n in sorted(dropped.items())))


def read_judged(feedback: Path, part: Part | None, settings: CalibrationSettings = CalibrationSettings()) -> list[Judged]:
    """The verdicts that count at or below `feedback`, of one part or of both.

    Raises:
        FeedbackError: there is none.
    """
    try:
        steps = [s for s in read_steps(feedback) if part is None or feedback_part(s.case_id) == part]
    except TraceError as error:
        raise FeedbackError(
            f"No feedback to use at {str(feedback)!r}: {error} Run `casepilot run --stage copilot` to collect some."
        ) from error
    found = list(judged(steps, settings))
    if not found:
        where = f" in the {part} part" if part else ""
        raise FeedbackError(
            f"No verdicts on critical actions at {str(feedback)!r}{where} ({len(steps)} steps read). "
            "Run `casepilot run --stage copilot` on more cases."
        )
    return found


def score_all(critic: Critic, found: list[Judged], progress: Progress | None = None) -> list[float]:
    """The critic's score of every judged proposal, recomputed: a recorded score may be an older critic's.

    Raises:
        ModelError: a score is no number.
    """
    scores: list[float] = []
    for done, item in enumerate(found, start=1):
        scores.append(critic.score(item.step.view, item.history, item.step.ranked))
        if not math.isfinite(scores[-1]):
            raise ModelError(
                f"Expected a score between 0 and 1 for case {item.step.case_id}, met {scores[-1]!r}: the critic is damaged. "
                "Train it again with `casepilot critic`; thresholds were left as they are."
            )
        if progress:
            progress(done, len(found))
    return scores


def thresholds_from(
    found: list[Judged], scores: list[float], settings: CalibrationSettings = CalibrationSettings()
) -> Thresholds:
    """Certificates for every class and slice of critical action, from judged proposals and the critic's scores of them."""
    actions = (
        Scored(
            action_class=action_class(item.step.ranked[0].action),
            slice=item.step.view.slice,
            score=score,
            accepted=item.accepted,
            case=item.step.case_id,
        )
        for item, score in zip(found, scores, strict=True)
    )
    return certify_all(
        actions,
        target=settings.target,
        delta=settings.delta,
        family=settings.family,
        slices=settings.slices,
        least=settings.least,
        unit=settings.unit,
        classes=CRITICAL_CLASSES,
    )


def calibrate(
    bundle_path: Path,
    feedback: Path,
    settings: CalibrationSettings = CalibrationSettings(),
    progress: Progress | None = None,
) -> Thresholds:
    """Certify the thresholds of a bundle, for each of its critics, on the calibration part of `feedback` and write them into
    it; gives those of the critic that sees all.

    Raises:
        ModelError: the bundle is missing or damaged, or has no critic.
        FeedbackError: there are no verdicts to calibrate on.
    """
    from policies.bundle import THRESHOLDS, TYPED_THRESHOLDS, changed, load  # torch

    outside(bundle_path)
    found = read_judged(feedback, "calibration", settings)
    bundle = load(bundle_path)
    if bundle.critic is None:
        raise ModelError(f"{str(bundle_path)!r} has no critic yet. Run `casepilot critic` on copilot feedback first.")
    thresholds = thresholds_from(found, score_all(bundle.critic, found, progress), settings)
    typed = thresholds_from(found, score_all(bundle.typed, found), settings) if bundle.typed is not None else None
    with changed(bundle_path) as folder:
        thresholds.write(folder / THRESHOLDS)
        if typed is not None:
            typed.write(folder / TYPED_THRESHOLDS)
    return thresholds
