"""The demonstration from start to end: record, train, copilot, critic, thresholds, unattended run, replay, figures."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.demo import figures
from agent.demo.aside import aside
from agent.demo.memory import MemoryWatch
from agent.demo.parts import TRACES, Parts, Ran, gathered
from agent.demo.settings import DemoSettings, Promise
from agent.errors import RunError
from agent.interrupt import run as run_async
from agent.logs import log_to
from agent.progress import counting, run_progress
from agent.report import write_report
from agent.results import Check, HeldOutRun, Results, headline
from policies.bundle import Bundle, load
from policies.calibrate import CalibrationSettings, calibrate
from policies.evaluate import Evaluation, evaluate
from policies.gate import Gate
from policies.replay import ReplayPolicy, replay_gate
from policies.thresholds import Thresholds
from policies.trace import read_steps
from policies.train import TrainSettings, train_critic, train_policy


def main(settings: DemoSettings, console: Console, promise: Promise = Promise()) -> int:
    """Run everything, print the table, write `report.html` and `results.json`; 0 when every promise is kept, else 1.

    Raises:
        RunError: the output folder holds something else than an earlier demonstration.
    """
    _clear(settings.out)
    log_to(settings.out)
    started = time.monotonic()
    with MemoryWatch() as memory:
        results = run_async(_run(settings, console))
    checks = _checks(results, promise, time.monotonic() - started, memory.peak_mb)
    results = results.model_copy(update={"checks": checks, "peak_memory_mb": memory.peak_mb})
    results.write(settings.out / "results.json")
    write_report(results, settings.out / "report.html", settings.out)
    _print(results, settings, console)
    return 1 if results.short else 0


async def _run(settings: DemoSettings, console: Console) -> Results:
    parts = Parts(settings, console)
    model = settings.out / "model"

    with parts.phase("Recording operators at work", settings.recorded):
        recorded = await parts.record("recorded", parts.bpm("recorded", "train", settings.recorded))
    traces = gathered(settings.out / "training", TRACES / "train", recorded)

    with parts.phase("Training the policy on recorded work"), counting(console, "policy") as progress:
        await aside(train_policy, traces, model, TrainSettings(seed=settings.seed), progress=progress, log=settings.out)
    bundle = load(model)

    with parts.phase("Copilot: operators judge every critical step", settings.copilot), run_progress(console) as working:
        copilot = await parts.work(
            "copilot",
            parts.bpm("copilot", "copilot", settings.copilot),
            "copilot",
            bundle.policy,
            Gate("copilot"),
            working,
            concurrency=settings.copilot_concurrency,
        )
    # The target is the share that is correct, and a right step that an operator would have done another way is that.
    calibration = CalibrationSettings(target=settings.target, delta=settings.delta, preferences_pass=True)
    with parts.phase("Training the critic on the operators' verdicts"), counting(console, "critic") as progress:
        await asyncio.to_thread(train_critic, model, copilot.traces, TrainSettings(seed=settings.seed), progress)
    with parts.phase("Certifying thresholds on verdicts that the critic has not seen"), counting(console, "scores") as progress:
        thresholds = await asyncio.to_thread(calibrate, model, copilot.traces, calibration, progress)
    bundle = load(model)

    gate = Gate("selective", thresholds, bundle.critic, audit_rate=settings.audit_rate, seed=settings.seed)
    with (
        parts.phase("Selective automation: held-out cases, unattended where certified", settings.held_out),
        run_progress(console) as working,
    ):
        held_out = await parts.work(
            "held-out",
            parts.bpm("held-out", "test", settings.held_out),
            "selective",
            bundle.policy,
            gate,
            working,
            concurrency=settings.concurrency,
        )
    with (
        parts.phase("Baseline: replay of the most similar recorded case", settings.held_out),
        run_progress(console) as working,
    ):
        replay = await parts.work(
            "replay",
            parts.bpm("replay", "test", settings.held_out),
            "selective",
            ReplayPolicy(traces),
            replay_gate(),
            working,
            concurrency=settings.concurrency,
            staffed=False,
        )
    with parts.phase("Measuring"), counting(console, "steps") as progress:
        evaluation = await asyncio.to_thread(
            evaluate, model, TRACES / "test", copilot.traces, progress, calibration, figures.truly_right(seed=1)
        )
    return _results(settings, parts, recorded, traces, bundle, thresholds, copilot, held_out, replay, evaluation)


def _results(
    settings: DemoSettings,
    parts: Parts,
    recorded: Path,
    traces: Path,
    bundle: Bundle,
    thresholds: Thresholds,
    copilot: Ran,
    held_out: Ran,
    replay: Ran,
    evaluation: Evaluation,
) -> Results:
    steps, asked = held_out.steps(), copilot.steps()
    verdicts, replayed = held_out.verdicts(), replay.verdicts()
    cases = {step.case_id: step.view.slice for step in steps if step.view.slice}
    names = {verdict.process: cases[verdict.case_id] for verdict in verdicts if verdict.case_id in cases}
    return Results(
        seed=settings.seed,
        recorded_cases=len({step.case_id for step in read_steps(traces)}),
        copilot_cases=len(copilot.summaries),
        run=figures.held_out(verdicts, held_out.summaries, steps),
        replay=figures.held_out(replayed, replay.summaries, replay.steps()),
        processes=figures.processes(verdicts, replayed, names),
        policy=evaluation.policy,
        critic=evaluation.critic,
        critic_on="copilot verdicts of the calibration part, which the critic did not learn from",
        thresholds=thresholds,
        copilot_acceptance=figures.acceptance(asked),
        rejection_reasons=figures.reasons(asked),
        hand_offs=figures.gallery(steps, held_out.screenshots()),
        silent_wrong=figures.silent_wrong(verdicts, names),
        phases=tuple(parts.phases),
        recount=(
            f"casepilot bpm judge {held_out.db}",
            f"casepilot bpm judge {replay.db}",
            f"casepilot evaluate fixtures/traces/test --model {settings.out / 'model'} --feedback {copilot.traces}",
        ),
    )


def _checks(results: Results, promise: Promise, seconds: float, memory_mb: float) -> tuple[Check, ...]:
    def met(run: HeldOutRun | None, name: str) -> float | None:
        value: float | None = getattr(run, name).value if run else None
        return value

    run = results.run
    return (
        Check(name="Held-out cases", relation="at least", wanted=promise.cases, met=run.cases, unit="cases"),
        Check(name="Session automation", relation="at least", wanted=promise.automation, met=met(run, "session_automation")),
        Check(
            name="Precision of unattended critical actions",
            relation="at least",
            wanted=promise.precision,
            met=met(run, "unattended_precision"),
        ),
        Check(
            name="Cases that replay closes unattended",
            relation="at most",
            wanted=promise.replay,
            met=met(results.replay, "session_automation"),
        ),
        Check(name="Time", relation="at most", wanted=promise.seconds, met=seconds, unit="seconds"),
        Check(name="Peak memory", relation="at most", wanted=promise.memory_mb, met=memory_mb, unit="MB"),
    )


def _clear(out: Path) -> None:
    """Make room for this demonstration; only an earlier one's folder is ever deleted."""
    mark = out / "demo"
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise RunError(f"{str(out)!r} holds something else than an earlier demonstration. Give another --out.")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    mark.touch()


def _print(results: Results, settings: DemoSettings, console: Console) -> None:
    table = Table(title="casepilot on held-out cases of the practice BPM")
    for heading in ("", "casepilot", "replay", "what it means"):
        table.add_column(heading, overflow="fold")
    for figure in headline(results):
        table.add_row(figure.name, figure.casepilot, figure.replay, f"[dim]{figure.note}[/]")
    console.print(table)
    for check in results.checks:
        sign = "[green]kept[/]" if check.passed else "[red]NOT kept[/]"
        console.print(f"{sign}  {check.describe()}")
    console.print(f"report: {settings.out / 'report.html'}   figures: {settings.out / 'results.json'}", highlight=False)
    for command in results.recount:
        console.print(f"recount: [bold]{command}[/]", highlight=False)
