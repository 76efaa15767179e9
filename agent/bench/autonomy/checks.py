"""What was wanted and what was reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from agent.bench.autonomy.results import AutonomyResults
from agent.bench.autonomy.settings import CASEPILOT, NGRAM, REPLAY, Wanted
from agent.results import Check
from policies.metrics import Estimate

Unit = Literal["share", "seconds", "MB", "cases", "ms", "ratio"]


def checks(results: AutonomyResults, wanted: Wanted, seconds: float) -> tuple[Check, ...]:
    """Every promise of the benchmark, in the order of the issue it answers; `seconds`: the time of all phases together."""
    return (
        *_of_casepilot(results, wanted),
        *_of_the_critic(results, wanted),
        *_of_the_newcomer(results, wanted),
        *_of_the_benchmark(results, wanted, seconds),
    )


def _of_casepilot(results: AutonomyResults, wanted: Wanted) -> Iterator[Check]:
    ours = results.system(CASEPILOT)
    live = ours.live if ours else None
    step = ours.accuracy.true if ours and ours.accuracy else None
    saving = live.saving.saving if live and live.saving else None
    yield _least("Step accuracy on processes seen in logging", wanted.step_accuracy, _value(step))
    yield _least("Session automation", wanted.automation, _value(live.session_automation if live else None))
    yield _least("Precision of unattended critical actions", wanted.precision, _value(live.precision if live else None))
    yield _least("Its lower 95% bound", wanted.precision_lower, live.precision.lower if live else None)
    yield _most("Silent wrong effects, of all sessions", wanted.silent_wrong, _value(live.silent_wrong if live else None))
    yield _least("Handling time saved against work by hand", wanted.saving, _value(saving))


def _of_the_critic(results: AutonomyResults, wanted: Wanted) -> Iterator[Check]:
    critic = results.critic
    yield _least("Macro F1, critic less confidence", wanted.f1_gain, _value(critic.f1_gain if critic else None))
    yield _most(
        "Excess AURC, critic over confidence", wanted.e_aurc_ratio, _value(critic.e_aurc_ratio if critic else None), "ratio"
    )
    # Any gain will do, but it has to be one: shares of cases differ by one case at least.
    cases = max((one.live.cases for one in results.systems if one.live), default=1)
    gain = results.automation_gain
    yield _least("Session automation, critic less confidence as the gate", 1 / cases, gain.value if gain else None)


def _of_the_newcomer(results: AutonomyResults, wanted: Wanted) -> Iterator[Check]:
    new = results.newcomer
    logged, copilot = (new.logged_needed, new.copilot_needed) if new else (None, None)
    yield _most("Logged cases that a new process takes", wanted.newcomer_logged, logged, "cases")
    yield _most("Copilot cases that a new process takes", wanted.newcomer_copilot, copilot, "cases")


def _of_the_benchmark(results: AutonomyResults, wanted: Wanted, seconds: float) -> Iterator[Check]:
    timing = results.timing
    yield _most("Training on 5,000 steps", wanted.train_seconds, timing.seconds_per_5000 if timing else None, "seconds")
    yield _most("Proposing and scoring, p50", wanted.p50_ms, timing.p50_ms if timing else None, "ms")
    replay, ngram = results.system(REPLAY), results.system(NGRAM)
    closed = replay.live.session_automation if replay and replay.live else None
    yield _most("Cases that replay closes unattended", wanted.replay, _value(closed))
    right = ngram.accuracy.true if ngram and ngram.accuracy else None
    yield _most("Steps that the n-gram gets right", wanted.ngram, _value(right))
    yield _least("Processes", wanted.processes, results.processes, "cases")
    yield _least("Slices", wanted.slices, results.slices, "cases")
    yield _most("Time", wanted.quick_seconds if results.quick else wanted.seconds, seconds, "seconds")


def _value(estimate: Estimate | None) -> float | None:
    return estimate.value if estimate else None


def _least(name: str, wanted: float, met: float | None, unit: Unit = "share") -> Check:
    return Check(name=name, relation="at least", wanted=wanted, met=met, unit=unit)


def _most(name: str, wanted: float, met: float | None, unit: Unit = "share") -> Check:
    return Check(name=name, relation="at most", wanted=wanted, met=met, unit=unit)
