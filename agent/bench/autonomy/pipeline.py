"""The benchmark from start to end: what is logged, learned, reviewed, certified, left alone, and held against it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from rich.console import Console

from agent.bench.autonomy import figures as live_figures
from agent.bench.autonomy.checks import checks
from agent.bench.autonomy.experiment import Experiment
from agent.bench.autonomy.newcomer import introduce
from agent.bench.autonomy.results import AutonomyResults, System
from agent.bench.autonomy.settings import (
    CASEPILOT,
    CONFIDENCE,
    NGRAM,
    READING_NGRAM,
    REPLAY,
    TEXT,
    AutonomySettings,
    Wanted,
)
from agent.bench.autonomy.verdicts import compare, curves
from agent.bench.results import Machine
from agent.demo import figures
from agent.progress import counting
from policies.baselines import ConfidenceCritic, NGramPolicy, TextPolicy
from policies.bundle import load
from policies.calibrate import Judged, read_judged
from policies.gate import Gate
from policies.metrics import proportion
from policies.proposal import Policy, action_class
from policies.replay import ReplayPolicy, replay_gate


async def run(settings: AutonomySettings, console: Console, wanted: Wanted = Wanted()) -> AutonomyResults:
    """Everything, in the order of the stages. Phases that an interrupted run has done are not done again.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C; phases that are done are kept.
    """
    machine = _machine()
    todo = Experiment(settings, console)
    mixes = todo.mixes

    # Logging.
    logged = await todo.record("logged", "Logging: operators at work", mixes.base["logged"])
    manual = await todo.record("manual", "Held-out cases by hand", mixes.base["held_out"])
    trained = await todo.train("model", "Training the policy on logged work", settings.logged, logged.cases())
    bundle = load(trained.folder)

    # Copilot, and the calibration period.
    copilot = await todo.copilot(
        "copilot", "Copilot: operators judge every critical step", mixes.base["copilot"], bundle.policy
    )
    calibrating = await todo.copilot("calibrating", "Calibration period", mixes.base["calibration"], bundle.policy)
    certified = await todo.certify("certified", "Critic and thresholds", trained.folder, copilot.traces, calibrating.traces)
    bundle = load(trained.folder)

    # Selective automation, and what it is held against.
    ours = await todo.unattended(
        "held-out",
        "Selective automation on held-out cases",
        mixes.base["held_out"],
        bundle.policy,
        todo.gate(certified.thresholds, bundle),
    )
    confidence = await todo.unattended(
        "confidence",
        "The same with policy confidence as the gate",
        mixes.base["held_out"],
        bundle.policy,
        Gate("selective", certified.confidence, ConfidenceCritic(), audit_rate=settings.audit_rate, seed=settings.seed),
    )
    replay = await todo.unattended(
        "replay",
        "Baseline: replay of the nearest recorded case",
        mixes.base["held_out"],
        ReplayPolicy(logged.folder),
        replay_gate(),
        staffed=False,
    )

    # Measuring.
    def policies() -> dict[str, Policy]:
        recorded = logged.steps()
        return {
            CASEPILOT: bundle.policy,
            REPLAY: ReplayPolicy(recorded),
            NGRAM: NGramPolicy(recorded),
            READING_NGRAM: NGramPolicy(recorded, variables=True),
            TEXT: TextPolicy(recorded),
        }

    measured = await todo.accuracies(policies, bundle.policy.memory, manual)
    found = measured.systems
    critics = await todo.critics(bundle.small, copilot, calibrating)
    learning = await todo.learning(logged, manual, trained, found[CASEPILOT])
    timing = await todo.timing(bundle, learning.points, manual)
    newcomer = await introduce(todo, logged, trained, copilot, wanted.step_accuracy)

    with counting(console, "figures") as progress:
        judged = read_judged(calibrating.traces, None, todo.calibration)
        progress(1, 4)
        comparison = compare(judged, certified.scores, f"verdicts of {_cases(judged)} cases of the calibration period")
        progress(2, 4)
        verdicts, theirs, replayed = ours.verdicts(), confidence.verdicts(), replay.verdicts()
        by_hand, steps = manual.steps(), ours.steps()
        asked = [*copilot.steps(), *calibrating.steps()]
        systems = (
            System(
                name=CASEPILOT,
                accuracy=found[CASEPILOT],
                live=live_figures.live(verdicts, ours.summaries, steps, by_hand),
            ),
            System(
                name=CONFIDENCE,
                note="the same policy, certified in the same way on the same verdicts",
                live=live_figures.live(theirs, confidence.summaries, confidence.steps(), by_hand),
            ),
            System(
                name=REPLAY,
                note="every step runs; a hand-off ends the case",
                accuracy=found[REPLAY],
                live=live_figures.live(replayed, replay.summaries, replay.steps()),
            ),
            *(System(name=name, note="on recorded steps", accuracy=found[name]) for name in (NGRAM, READING_NGRAM, TEXT)),
        )
        progress(4, 4)
    # The page names the process; a slice is the part of the business that it belongs to.
    areas = {mixes.names[key]: area for key, area in mixes.slices.items()}
    results = AutonomyResults(
        seed=settings.seed,
        quick=settings.quick,
        machine=machine,
        settings=settings.model_dump(mode="json"),
        processes=len(mixes.names),
        slices=len({one for one in mixes.slices.values() if one}),
        logged_cases=trained.cases,
        logged_steps=trained.steps,
        copilot_cases=len(copilot.summaries) + len(calibrating.summaries),
        systems=systems,
        by_process=live_figures.by_process(verdicts, replayed, mixes.names, mixes.slices),
        critic=comparison,
        critics=critics.found,
        critics_none=critics.none,
        by_class=curves(judged, certified.scores, lambda item: action_class(item.step.ranked[0].action)),
        by_slice=curves(judged, certified.scores, lambda item: areas.get(item.step.view.slice, item.step.view.slice) or "-"),
        thresholds=certified.thresholds,
        confidence_thresholds=certified.confidence,
        automation_gain=live_figures.gain(verdicts, theirs),
        acceptance={name: proportion(one.count, one.total) for name, one in figures.acceptance(asked).items()},
        reasons=figures.reasons(asked),
        fields=measured.fields,
        learning=learning.points,
        newcomer=newcomer,
        timing=timing,
        hand_offs=figures.gallery(steps, ours.screenshots()),
        silent_wrong=figures.silent_wrong(verdicts, mixes.names),
        phases=tuple(todo.phases.done),
        recount=tuple(f"casepilot bpm judge {run.db}" for run in (ours, confidence, replay)),
    )
    seconds = sum(phase.seconds for phase in results.phases)
    return results.model_copy(update={"checks": checks(results, wanted, seconds)})


def _cases(found: Sequence[Judged]) -> int:
    return len({item.step.case_id for item in found})


def _machine() -> Machine:
    load_now = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return Machine(cores=os.cpu_count() or 0, load=load_now, python=platform.python_version(), chromium="", versions={})
