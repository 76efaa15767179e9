"""The process that was held out entirely and comes later: how many cases it takes until it runs unattended.

The policy learns from all that was logged before and the first so many logged cases of the new process. The critic is learned
from the verdicts on the other processes alone, so that every verdict on the new one can serve its own certificates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent.bench.autonomy import figures as live_figures
from agent.bench.autonomy.experiment import Certified, Experiment, Traces, Trained
from agent.bench.autonomy.results import CopilotPoint, LearningPoint, Newcomer
from agent.demo.parts import Ran
from agent.progress import counting
from policies.bundle import load
from policies.calibrate import CalibrationSettings, Judged, read_judged, score_all, thresholds_from
from policies.metrics import proportion
from policies.proposal import action_class
from policies.thresholds import Thresholds
from policies.train import train_critic


async def introduce(todo: Experiment, logged: Traces, trained: Trained, copilot: Ran, wanted_step: float) -> Newcomer:
    """Logging, copilot and selective automation of the new process, after `logged` and `copilot` of the others."""
    settings, mix, name = todo.settings, todo.mixes.newcomer, todo.mixes.newcomer_name
    own = await todo.record("newcomer-logged", f"A new process, {name}: operators at work", mix["logged"])
    manual = await todo.record("newcomer-manual", f"{name}: held-out cases by hand", mix["held_out"])
    before = await todo.point("newcomer-before", trained, manual)
    known, cases = logged.cases(), own.cases()
    points: list[LearningPoint] = []
    latest = trained
    for number in settings.newcomer_logged:
        title = f"{name}: a policy with {number} cases of it"
        latest = await todo.train(f"newcomer-model-{number}", title, trained.cases + number, known, cases[:number])
        point = await todo.point(f"newcomer-step-{number}", latest, manual)
        points.append(point.model_copy(update={"cases": number}))
    bundle = load(latest.folder)

    asked = await todo.copilot("newcomer-copilot", f"{name}: copilot", mix["copilot"], bundle.policy)
    calibration = todo.calibration.model_copy(update={"slices": False, "target": settings.newcomer_target})

    async def certify() -> Certified:
        with counting(todo.console, "critic") as progress:
            await asyncio.to_thread(train_critic, latest.folder, copilot.traces, todo.training, progress, part=None)
        critic = load(latest.folder).critic
        assert critic is not None
        found = read_judged(asked.traces, None, calibration)
        with counting(todo.console, "scores") as progress:
            scores = await asyncio.to_thread(score_all, critic, found, progress)
        return Certified(
            thresholds=thresholds_from(found, scores, calibration),
            confidence=thresholds_from(found, [item.confidence for item in found], calibration),
            scores=tuple(scores),
        )

    certified = await todo.phases.run("newcomer-certified", f"{name}: critic and thresholds", Certified, certify)
    found = read_judged(asked.traces, None, calibration)
    reviewed = [copilot_point(found, certified.scores, number, calibration) for number in settings.newcomer_copilot]
    bundle = load(latest.folder)
    ran = await todo.unattended(
        "newcomer-held-out",
        f"{name}: selective automation",
        mix["held_out"],
        bundle.policy,
        todo.gate(certified.thresholds, bundle),
    )
    return Newcomer(
        process=name,
        wanted_step=wanted_step,
        logged=tuple(points),
        copilot=tuple(reviewed),
        logged_needed=next((one.cases for one in points if (one.true.value or 0.0) >= wanted_step), None),
        copilot_needed=next((one.cases for one in reviewed if one.selective), None),
        before=before.model_copy(update={"cases": 0}),
        live=live_figures.live(ran.verdicts(), ran.summaries, ran.steps(), manual.steps()),
    )


def copilot_point(found: Sequence[Judged], scores: Sequence[float], cases: int, settings: CalibrationSettings) -> CopilotPoint:
    """Where the process stands after its first `cases` copilot cases, by their verdicts alone."""
    first = set(sorted({item.step.case_id for item in found})[:cases])
    some = [(item, score) for item, score in zip(found, scores, strict=True) if item.step.case_id in first]
    judged, scored = [item for item, _ in some], [score for _, score in some]
    thresholds = thresholds_from(judged, scored, settings)
    used = {action_class(item.step.ranked[0].action) for item in judged}
    certificates = [one for one in thresholds.certificates if one.action_class in used]
    alone, right = unattended(judged, scored, thresholds)
    return CopilotPoint(
        cases=cases,
        verdicts=len(judged),
        certified={one.action_class: one.tau is not None for one in certificates},
        needs={one.action_class: one.needs for one in certificates if one.needs is not None},
        projected=proportion(alone, len(first)),
        right=proportion(right, alone),
    )


def unattended(found: Sequence[Judged], scores: Sequence[float], thresholds: Thresholds) -> tuple[int, int]:
    """Of the judged cases how many had only critical steps that would have run, and in how many of these all were right."""
    cases: dict[str, list[tuple[bool, bool]]] = {}
    for item, score in zip(found, scores, strict=True):
        certificate = thresholds.find(action_class(item.step.ranked[0].action), item.step.view.slice)
        runs = certificate is not None and certificate.allows(score)
        cases.setdefault(item.step.case_id, []).append((runs, item.accepted))
    alone = [case for case in cases.values() if all(runs for runs, _ in case)]
    return len(alone), sum(all(right for _, right in case) for case in alone)
