"""How far each slice is: the stage it could be in today, what would run unattended there, and what is missing.

    logging      the policy does not know its pages: record work on such cases
    copilot      some class of critical action has no certificate that covers this slice
    calibrating  only ending a case has none, which a person reviews in that stage anyway
    selective    every class of critical action that occurs is certified

Thresholds are certified anew on the calibration part of the feedback; nothing is written.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from policies.calibrate import CalibrationSettings, Judged, Progress, feedback_part, judged, score_all, thresholds_from
from policies.errors import FeedbackError, TraceError
from policies.proposal import CRITICAL_CLASSES, Critic, action_class
from policies.thresholds import Certificate, Thresholds
from policies.trace import Step, read_steps
from schema_extraction.view import Frozen

Passes = dict[tuple[str, str, int], bool]
"""By `Step.place`, whether a step would have run unattended."""
Stage = Literal["logging", "copilot", "calibrating", "selective"]
CLOSING_CLASS = "end_case"
CALIBRATION_SHARE = 2 / 3
"""Of copilot cases, by `calibrate.feedback_part`."""


class ClassReadiness(Frozen):
    """One class of critical action in one slice. `verdicts` that count, `right` of them; `passing` would run unattended by the
    certificate in force, `basis` says which that is. `needs` more accepted actions, or about `cases` more copilot cases, until
    there is one; None where that is not what is missing."""

    action_class: str
    verdicts: int
    right: int
    passing: int
    tau: float | None = None
    basis: Literal["own", "class", "none"]
    needs: int | None = None
    cases: int | None = None
    says: str = ""


class SliceReadiness(Frozen):
    """`automation`: the share of its critical actions that would run unattended; `whole_cases`: that of cases in which all
    would. `missing`: in words, empty when nothing is."""

    slice: str
    stage: Stage
    cases: int
    automation: float
    whole_cases: float
    classes: tuple[ClassReadiness, ...]
    missing: tuple[str, ...] = ()


class Readiness(Frozen):
    """`target`, `delta`: see `policies.thresholds`. `automation`, `whole_cases`: over all slices."""

    version: int = 1
    target: float
    delta: float
    cases: int
    automation: float
    whole_cases: float
    slices: tuple[SliceReadiness, ...]


def readiness(
    critic: Critic | None,
    feedback: Path,
    settings: CalibrationSettings = CalibrationSettings(),
    progress: Progress | None = None,
) -> Readiness:
    """How far each slice is that occurs in the verdicts at or below `feedback`. Without a critic none is past copilot.

    Raises:
        FeedbackError: there is no critical proposal in them.
        ModelError: the critic is damaged.
    """
    try:
        steps = [s for s in read_steps(feedback) if feedback_part(s.case_id) == "calibration"]
    except TraceError as error:
        raise FeedbackError(f"No feedback to go by: {error}") from error
    asked = [s for s in steps if s.decision is not None and s.decision.kind == "hand_off"]
    if not asked:
        raise FeedbackError(
            f"Expected hand-offs with verdicts at {str(feedback)!r}, met {len(steps)} steps of the calibration part, none of "
            "them one. Run `casepilot run --stage copilot` and give its run folder."
        )
    found = list(judged(steps, settings))
    scores = score_all(critic, found, progress) if critic is not None else [0.0] * len(found)
    thresholds = thresholds_from(found, scores, settings) if critic is not None else Thresholds(target=settings.target)
    passes: Passes = {item.step.place: _allowed(thresholds, item, score) for item, score in zip(found, scores, strict=True)}
    by_slice: dict[str, list[Step]] = defaultdict(list)
    for step in asked:
        by_slice[step.view.slice].append(step)
    slices = tuple(
        _slice(name, group, [item for item in found if item.step.view.slice == name], passes, thresholds, critic is not None)
        for name, group in sorted(by_slice.items())
    )
    return Readiness(
        target=settings.target,
        delta=settings.delta,
        cases=len({s.case_id for s in asked}),
        automation=_mean([passes.get(s.place, False) for s in asked if _counts(s, passes, settings)]),
        whole_cases=_mean(_whole(asked, passes)),
        slices=slices,
    )


def _allowed(thresholds: Thresholds, item: Judged, score: float) -> bool:
    certificate = thresholds.find(action_class(item.step.ranked[0].action), item.step.view.slice)
    return certificate is not None and certificate.allows(score)


def _counts(step: Step, passes: Passes, settings: CalibrationSettings) -> bool:
    """Whether a hand-off says anything: its verdict counts, or the policy did not know the page."""
    return step.place in passes or not step.ranked or step.ranked[0].novelty > settings.novelty_limit


def _whole(asked: Sequence[Step], passes: Passes) -> list[bool]:
    """Case by case, whether nothing would have been handed off."""
    cases: dict[str, bool] = {}
    for step in asked:
        cases[step.case_id] = cases.get(step.case_id, True) and passes.get(step.place, False)
    return list(cases.values())


def _mean(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def _slice(
    name: str, asked: list[Step], found: list[Judged], passes: Passes, thresholds: Thresholds, judge: bool
) -> SliceReadiness:
    cases = len({step.case_id for step in asked})
    strange = sum(step.decision is not None and step.decision.code in ("unfamiliar", "no_proposal") for step in asked)
    classes = tuple(
        _class(name, kind, [i for i in found if action_class(i.step.ranked[0].action) == kind], passes, thresholds, cases)
        for kind in CRITICAL_CLASSES
    )
    met = [c for c in classes if c.verdicts]
    short = [c for c in met if c.tau is None]
    missing = [f"{c.action_class.replace('_', ' ')}: {c.says}" for c in short]
    if 2 * strange > len(asked):
        stage: Stage = "logging"
        missing = [f"{strange} of {len(asked)} pages were unfamiliar: record work on such cases and train on it", *missing]
    elif not judge:
        stage, missing = "copilot", ["the model has no critic: run `casepilot critic`"]
    elif not met:
        stage, missing = "copilot", ["no verdict that counts: run more cases in copilot"]
    elif any(c.action_class != CLOSING_CLASS for c in short):
        stage = "copilot"
    elif short or all(c.action_class != CLOSING_CLASS for c in met):
        stage = "calibrating"
        missing = missing or ["end case: no verdict yet"]
    else:
        stage = "selective"
    return SliceReadiness(
        slice=name,
        stage=stage,
        cases=cases,
        automation=_mean([passes[i.step.place] for i in found]),
        whole_cases=_mean(_whole(asked, passes)),
        classes=classes,
        missing=tuple(missing),
    )


def _class(name: str, kind: str, found: list[Judged], passes: Passes, thresholds: Thresholds, cases: int) -> ClassReadiness:
    certificate = thresholds.find(kind, name)
    tau = certificate.tau if certificate is not None else None
    needs = certificate.needs if certificate is not None and tau is None and not certificate.refuted else None
    return ClassReadiness(
        action_class=kind,
        verdicts=len(found),
        right=sum(item.accepted for item in found),
        passing=sum(passes[item.step.place] for item in found),
        tau=tau,
        basis="none" if certificate is None or tau is None else "own" if certificate.slice else "class",
        needs=needs,
        cases=_cases(needs, certificate, len(found), cases),
        says=_says(certificate, name),
    )


def _cases(needs: int | None, certificate: Certificate | None, verdicts: int, cases: int) -> int | None:
    """About how many copilot cases bring `needs` verdicts, at the rate at which this slice's cases have brought them; a third
    of all cases goes to the critic. For a class certificate cases of any slice will do."""
    if needs is None or certificate is None or not verdicts:
        return None
    return math.ceil(needs * cases / verdicts / CALIBRATION_SHARE)


def _says(certificate: Certificate | None, name: str) -> str:
    if certificate is None:
        return "no verdict yet"
    if certificate.tau is None and not certificate.slice and certificate.covers and not certificate.refuted:
        return f"all {len(certificate.covers)} slices together {certificate.describe()}" if name else certificate.describe()
    return certificate.describe()
