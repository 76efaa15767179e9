"""A plausible set of results, made from seeded random numbers, for the tests of the report."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from agent.results import (
    Check,
    HandOffShown,
    HeldOutRun,
    Phase,
    ProcessResult,
    Results,
    Spread,
    WrongOutcome,
)
from policies.evaluate import CriticEvaluation, PolicyEvaluation
from policies.metrics import risk_coverage, selective, share, step_accuracy
from policies.thresholds import Scored, certify_all


def accuracy(count: int, right: float, seed: int = 0):  # type: ignore[no-untyped-def]
    random = np.random.default_rng(seed)
    kind, target, value = (random.random(count) < p for p in (right + 0.05, right + 0.02, right))
    return step_accuracy(kind, target, value, random.random(count) < 0.6, kind & target)


def results() -> Results:
    random = np.random.default_rng(4)
    critic = random.beta(5, 1.6, 280)
    labels = (random.random(280) < critic**0.6).astype(int)
    confidence = np.clip(critic * 0.4 + random.random(280) * 0.6, 0, 1)
    calibration = [
        Scored(action_class=name, score=float(s), accepted=bool(random.random() < min(1, s**power + 0.1)))
        for name, count, power in (
            ("click", 290, 0.2),
            ("send_message", 75, 0.9),
            ("close_case", 55, 0.15),
            ("transfer_case", 17, 0.1),
        )
        for s in random.beta(5, 1.5, count)
    ]
    names = [
        "Damaged item",
        "Late delivery",
        "Refund status",
        "Change of address",
        "Subscription fee",
        "Promo code",
        "Password reset",
        "Warranty claim",
    ]
    processes = tuple(
        ProcessResult(process=name, cases=13, automated=a, silent_wrong=w, replay_closed=2)
        for name, a, w in zip(names, (11, 9, 9, 8, 7, 6, 4, 1), (0, 1, 0, 0, 1, 0, 0, 0), strict=True)
    )
    run = HeldOutRun(
        cases=104,
        session_automation=share(55, 104),
        session_automation_correct=share(53, 104),
        unattended_precision=share(301, 312),
        silent_wrong_outcomes=share(2, 55),
        wrong_outcomes=share(4, 104),
        over_caution=share(41, 78),
        hand_offs=78,
        hand_offs_by_code={"below_threshold": 40, "no_certificate": 20, "audit": 10, "unfamiliar": 8},
        audits=10,
        agent_seconds=Spread.of([float(x) for x in random.gamma(4, 2, 104)]),
        operator_seconds=Spread.of([float(x) for x in random.gamma(1, 4, 104)]),
    )
    replay = HeldOutRun(
        cases=104,
        session_automation=share(21, 104),
        session_automation_correct=share(9, 104),
        unattended_precision=share(120, 205),
        silent_wrong_outcomes=share(12, 21),
        wrong_outcomes=share(13, 104),
        hand_offs=83,
    )
    return Results(
        created=datetime(2026, 3, 2, 14, 5, tzinfo=UTC),
        seed=7,
        recorded_cases=160,
        copilot_cases=150,
        run=run,
        replay=replay,
        processes=processes,
        policy=PolicyEvaluation(
            cases=32,
            overall=accuracy(410, 0.88),
            by_action={"click": accuracy(160, 0.93, 1), "fill": accuracy(120, 0.86, 2), "send_message": accuracy(60, 0.7, 3)},
        ),
        critic=CriticEvaluation(
            cases=74,
            critic=selective(critic, labels, 0.7, "best macro F1, two-fold by case"),
            confidence=selective(confidence, labels, 0.6, "best macro F1, two-fold by case"),
            critic_curve=risk_coverage(critic, labels),
            confidence_curve=risk_coverage(confidence, labels),
        ),
        critic_on="Verdicts of the calibration half, which the critic never learned from.",
        thresholds=certify_all(calibration),
        copilot_acceptance={
            "click": share(540, 600),
            "close_case": share(96, 110),
            "transfer_case": share(32, 35),
            "send_message": share(98, 150),
        },
        rejection_reasons={"wrong_value": 40, "preferred_another_way": 35, "wrong_action": 30, "environment": 4},
        recorded_handling_seconds=Spread.of([float(x) for x in random.gamma(9, 3, 160)]),
        hand_offs=(
            HandOffShown(
                case_id="C-1042",
                process="Late delivery",
                suggestion="Send to the customer: I am sorry your parcel is late & have asked <the carrier>.",
                reason="Please check before I send this message.",
                code="below_threshold",
                verdict="accept",
                score=0.41,
                tau=0.63,
                screenshot="one.png",
            ),
            HandOffShown(
                case_id="C-1077",
                process="Warranty claim",
                suggestion="Close the case as 'refused'.",
                reason="This page does not look like any I have learned from.",
                code="unfamiliar",
                verdict="reject: wrong value",
                screenshot="two.png",
            ),
        ),
        silent_wrong=(
            WrongOutcome(
                case_id="C-1013",
                process="Late delivery",
                expected="refund 40.00, closed as solved",
                found="refund 45.00, closed as solved",
            ),
            WrongOutcome(
                case_id="C-1090", process="Subscription fee", expected="transferred to billing", found="closed as solved"
            ),
        ),
        checks=(
            Check(name="Session automation", relation="at least", wanted=0.45, met=55 / 104),
            Check(name="Precision of unattended critical actions", relation="at least", wanted=0.9, met=301 / 312),
            Check(name="Held-out cases", relation="at least", wanted=100, met=104, unit="cases"),
            Check(name="Replay", relation="at most", wanted=0.25, met=21 / 104),
            Check(name="Time", relation="at most", wanted=600, met=512.2, unit="seconds"),
        ),
        phases=(
            Phase(name="training", seconds=101.0),
            Phase(name="copilot", seconds=160.0, cases=150),
            Phase(name="unattended run", seconds=99, cases=104),
        ),
        peak_memory_mb=2890.0,
        recount=("casepilot bpm judge --database bpm.sqlite",),
    )
