"""Plausible results of the benchmark of autonomy, from seeded random numbers, for the tests of its report and tables."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from agent.bench.autonomy.checks import checks
from agent.bench.autonomy.results import (
    Accuracy,
    AutonomyResults,
    ByProcess,
    Comparison,
    CopilotPoint,
    Curve,
    LearningPoint,
    Live,
    Newcomer,
    Saving,
    System,
    Timing,
    Verdicts,
)
from agent.bench.autonomy.settings import CASEPILOT, CONFIDENCE, NGRAM, REPLAY, TEXT, Wanted
from agent.bench.results import Machine
from agent.results import HandOffShown, Phase, WrongOutcome
from policies.compare import Comparison as CriticsCompared
from policies.compare import Scores
from policies.derive.fields import FieldReport, FieldUse
from policies.evaluate import CriticEvaluation
from policies.metrics import Estimate, bootstrap, proportion, risk_coverage, selective
from policies.thresholds import Scored, certify_all

RANDOM = np.random.default_rng(5)


def about(value: float, count: int = 200) -> Estimate:
    """An estimate near `value` from `count` cases."""
    draws = [float(x) for x in RANDOM.normal(value, 0.02, count)]
    return bootstrap(draws, lambda some: float(np.mean(some)), repeats=100)


def accuracy(step: float) -> Accuracy:
    shares = {name: about(step) for name in ("tool", "target", "value", "step", "true", "top3")}
    return Accuracy(cases=300, steps=3000, case=proportion(round(300 * step**9), 300), **shares)


def live(automated: int, wrong: int, saved: float | None = 0.7) -> Live:
    return Live(
        cases=300,
        session_automation=proportion(automated, 300),
        automation_right=proportion(automated - wrong, 300),
        precision=proportion(automated * 5 - wrong, automated * 5),
        silent_wrong=proportion(wrong, 300),
        session_risk=proportion(wrong, automated),
        wrong=proportion(wrong + 2, 300),
        over_caution=proportion(80, 110),
        hand_offs=140,
        audits=20,
        agent_seconds=4.0,
        saving=Saving(
            cases=300,
            by_hand=about(95.0),
            with_casepilot=about(95.0 * (1 - saved)),
            saving=about(saved),
            canned_saving=about(saved - 0.08),
            hand_reading=30.0,
            casepilot_reading=9.0,
        )
        if saved is not None
        else None,
    )


def verdicts(name: str, f1: float, excess: float) -> Verdicts:
    parts = ("macro_precision", "macro_recall", "macro_f1", "precision_accept", "recall_accept", "f1_accept")
    more = ("precision_reject", "recall_reject", "f1_reject", "auroc")
    figures = {part: about(f1) for part in (*parts, *more)}
    return Verdicts(
        name=name, count=1300, cases=240, accepted=0.9, aurc=about(excess), e_aurc=about(excess), ece=about(0.03), **figures
    )


def curve(name: str, count: int) -> Curve:
    scores = RANDOM.beta(5, 1.5, count)
    labels = (RANDOM.random(count) < scores**0.4).astype(int)
    blurred = np.clip(scores * 0.5 + RANDOM.random(count) * 0.5, 0, 1)
    return Curve(
        name=name,
        count=count,
        wrong=int(count - labels.sum()),
        critic=risk_coverage(scores, labels),
        confidence=risk_coverage(blurred, labels),
    )


def kind(name: str, at: float) -> Scores:
    """How critics of one kind did."""
    said = selective([0.9, 0.8, at, 0.2] * 20, [1, 1, 0, 0] * 20, 0.5)
    judged = CriticEvaluation(cases=40, critic=said, confidence=said)
    return Scores(name=name, accepted=judged, right=judged, truth=judged, automation=at)


def results() -> AutonomyResults:
    classes = (("click", 600), ("send_message", 400), ("end_case", 240))
    scored = [
        Scored(action_class=name, score=float(s), accepted=bool(RANDOM.random() < min(1.0, s**0.2 + 0.05)))
        for name, count in classes
        for s in RANDOM.beta(5, 1.5, count)
    ]
    learning = tuple(
        LearningPoint(cases=cases, steps=cases * 10, step=about(step), true=about(step), seconds=cases / 4)
        for cases, step in ((150, 0.86), (400, 0.93), (900, 0.962))
    )
    newcomer = Newcomer(
        process="Use the warranty",
        wanted_step=0.95,
        logged=tuple(
            LearningPoint(cases=cases, steps=9000, step=about(step), true=about(step), seconds=200.0)
            for cases, step in ((25, 0.88), (50, 0.93), (100, 0.96), (150, 0.965))
        ),
        copilot=tuple(
            CopilotPoint(
                cases=cases,
                verdicts=cases * 5,
                certified={"click": cases >= 50, "send_message": cases >= 75, "end_case": cases >= 100},
                needs={} if cases >= 100 else {"end_case": 100 - cases},
                projected=proportion(cases // 2, cases),
                right=proportion(cases // 2, cases // 2),
            )
            for cases in (25, 50, 75, 100, 150)
        ),
        logged_needed=100,
        copilot_needed=100,
        before=LearningPoint(cases=0, steps=7000, step=about(0.4), true=about(0.45), seconds=180.0),
        live=live(190, 2),
    )
    found = AutonomyResults(
        created=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        seed=1,
        quick=False,
        machine=Machine(cores=2, load=0.2, python="3.11", chromium="", versions={}),
        processes=21,
        slices=7,
        logged_cases=900,
        logged_steps=9000,
        copilot_cases=480,
        systems=(
            System(name=CASEPILOT, accuracy=accuracy(0.962), live=live(201, 2)),
            System(name=CONFIDENCE, note="the same policy", live=live(120, 3, 0.5)),
            System(name=REPLAY, note="every step runs", accuracy=accuracy(0.5), live=live(33, 20, None)),
            System(name=NGRAM, note="on recorded steps", accuracy=accuracy(0.41)),
            System(name=TEXT, note="on recorded steps", accuracy=accuracy(0.74)),
        ),
        by_process=tuple(
            ByProcess(process=name, slice="Orders", cases=15, automated=a, silent_wrong=w, replay_closed=1)
            for name, a, w in (("Ask for a refund", 12, 0), ("Cancel an order", 9, 1), ("Claim mileage", 3, 0))
        ),
        critic=Comparison(
            on="verdicts of 240 cases of the calibration period",
            critic=verdicts("critic", 0.78, 0.004),
            confidence=verdicts("confidence", 0.71, 0.011),
            f1_gain=about(0.07),
            e_aurc_ratio=about(0.36),
        ),
        critics=CriticsCompared(
            verdicts={"accepted": 900, "preference": 60, "error": 90, "environment": 0},
            cases=460,
            folds=5,
            target=0.97,
            variants=(kind("confidence", 0.7), kind("graded", 0.3), kind("binary", 0.6), kind("without text", 0.4)),
        ),
        by_class=tuple(curve(name, count) for name, count in classes),
        by_slice=(curve("Orders", 400), curve("Payments", 350), curve("Insurance", 60)),
        thresholds=certify_all(scored, target=0.9),
        automation_gain=about(0.2),
        acceptance={"click": proportion(560, 600), "send_message": proportion(340, 400), "close_case": proportion(200, 210)},
        reasons={"wrong_value": 60, "preferred_another_way": 44, "optional_step": 12, "environment": 10, "other": 14},
        fields=FieldReport(
            fields=(
                FieldUse(key="a", name="Amount", entries=90, derived=85, free=5),
                FieldUse(key="b", name="Reason", entries=200, chosen=200),
            )
        ),
        learning=learning,
        newcomer=newcomer,
        timing=Timing(train_steps=5003, train_seconds=132.0, p50_ms=14.2, p95_ms=31.0, views=400),
        hand_offs=(
            HandOffShown(
                case_id="C-70001", process="Cancel an order", suggestion="Press 'Complete task'.", reason="Please check."
            ),
        ),
        silent_wrong=(
            WrongOutcome(case_id="C-70009", process="Cancel an order", expected="right", found="fee: wrong in 'amount'"),
        ),
        phases=(Phase(name="Logging: operators at work", seconds=800.0, cases=900),),
        recount=("casepilot bpm judge runs/bench/autonomy/held-out.sqlite",),
    )
    return found.model_copy(update={"checks": checks(found, Wanted(), 4800.0)})
