"""What the benchmark carries out, phase by phase."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from rich.console import Console

from agent.bench.autonomy import accuracy as accuracies
from agent.bench.autonomy.phases import Phases, digest_of
from agent.bench.autonomy.results import Accuracy, LearningPoint, Timing
from agent.bench.autonomy.settings import AutonomySettings
from agent.bench.critic import practice_truth
from agent.demo import figures
from agent.demo.aside import aside
from agent.demo.parts import Parts, Ran
from agent.progress import counting, run_progress
from fixtures.bpm import catalogue
from fixtures.bpm.catalogue import load_catalogue
from fixtures.bpm.parts import Part, PartName, Sizes, newcomer_parts, parts
from fixtures.bpm.settings import BENCH_FAULTS, CaseMix
from fixtures.operators.hindsight import right_by_truth
from policies.baselines import ConfidenceCritic
from policies.bundle import THRESHOLDS, Bundle, changed, load
from policies.calibrate import CalibrationSettings, Judged, read_judged, score_all, thresholds_from
from policies.candidates import Memory
from policies.compare import ABLATIONS, FEEDBACK, FOLDS, Comparison, compare
from policies.dataset import samples
from policies.derive.fields import FieldReport, report
from policies.errors import FeedbackError
from policies.evaluate import StepRow, UseOf, step_rows, use_by
from policies.gate import Gate
from policies.proposal import Policy
from policies.small.policy import SmallPolicy
from policies.thresholds import Thresholds
from policies.trace import Step, by_case, read_steps, trace_files
from policies.train import train_critic, train_policy
from schema_extraction.view import Frozen

TODAY = date(2026, 6, 1)
"""The day after the last held-out case; fixed, so that a seed always gives the same cases."""
TIMED_STEPS = 5000
"""Steps that the time of training is told for."""


class Traces(Frozen):
    """Cases that operators worked by hand, under the recorder."""

    folder: Path
    part: Part

    def steps(self) -> list[Step]:
        return list(read_steps(self.folder))

    def cases(self) -> list[Path]:
        """The trace files, one a case, in the order in which the cases came in: the names begin with the cases' own."""
        return trace_files(self.folder)


class Trained(Frozen):
    """A policy and what it was made from."""

    folder: Path
    cases: int
    steps: int
    seconds: float


class Certified(Frozen):
    """Thresholds for critic and for confidence, and the critic's scores of the calibration verdicts, in their order."""

    thresholds: Thresholds
    confidence: Thresholds
    scores: tuple[float, ...]


class Accuracies(Frozen):
    """Step accuracy by system, and where what operators entered comes from."""

    systems: dict[str, Accuracy]
    fields: FieldReport


class Critics(Frozen):
    """Critics of several kinds, or in `none` why there are none."""

    found: Comparison | None = None
    none: str = ""


class Learning(Frozen):
    points: tuple[LearningPoint, ...]


class Mixes(Frozen):
    """Which cases come: those of all processes but one, and later those of that one. `names`, `slices`: what each process is
    called on the page, and the part of the business that it is done in."""

    base: dict[PartName, Part]
    newcomer: dict[PartName, Part]
    newcomer_name: str
    names: dict[str, str]
    slices: dict[str, str]

    @classmethod
    def of(cls, settings: AutonomySettings) -> Mixes:
        found = load_catalogue()
        chosen = found.chosen(CaseMix(name="bench"))
        base = Sizes(
            logged=settings.logged,
            copilot=settings.copilot,
            calibration=settings.calibration,
            held_out=settings.held_out,
        )
        later = Sizes(
            logged=settings.newcomer_logged[-1],
            copilot=settings.newcomer_copilot[-1],
            calibration=0,
            held_out=settings.newcomer_held_out,
        )
        return cls(
            base=parts(settings.seed, base, TODAY),
            newcomer=newcomer_parts(settings.seed, later, TODAY),
            newcomer_name=chosen[found.desk.held_out["bench"]].name,
            names={key: one.name for key, one in chosen.items()},
            slices={key: one.area for key, one in chosen.items()},
        )


class Experiment:
    """Carries the benchmark out; each method is one phase, or what several of them share."""

    def __init__(self, settings: AutonomySettings, console: Console) -> None:
        self.settings = settings
        self.console = console
        self.parts = Parts(settings, console)
        folder = catalogue.FOLDER
        files = [path for path in folder.rglob("*") if path.suffix in (".yaml", ".bpmn")]
        self.phases = Phases(settings.out, digest_of(settings, *files), console)
        self.mixes = Mixes.of(settings)
        self.training = settings.training.model_copy(update={"seed": settings.seed})
        self.calibration = CalibrationSettings(
            target=settings.target, delta=settings.delta, least=settings.least, preferences_pass=True
        )

    async def record(self, name: str, title: str, part: Part) -> Traces:
        """Operators work cases by hand."""

        async def work() -> Traces:
            bpm = part.settings(self.parts.database(name))
            return Traces(folder=await self.parts.record(name, bpm), part=part)

        return await self.phases.run(name, title, Traces, work, part.count)

    async def train(self, name: str, title: str, cases: int, *sources: Sequence[Path]) -> Trained:
        """A policy from the recorded cases in all these trace files. `cases`: how many they are, for people to read."""

        async def work() -> Trained:
            folder = self.settings.out / name
            with counting(self.console, "policy") as progress:
                metrics = await aside(
                    train_policy,
                    linked(self.settings.out / f"{name}.traces", *sources),
                    folder,
                    self.training,
                    progress=progress,
                    log=self.settings.out,
                )
            return Trained(folder=folder, cases=int(metrics["cases"]), steps=int(metrics["steps"]), seconds=metrics["seconds"])

        return await self.phases.run(name, title, Trained, work, cases)

    async def copilot(self, name: str, title: str, part: Part, policy: Policy) -> Ran:
        """Operators judge every critical step."""

        async def work() -> Ran:
            with run_progress(self.console) as working:
                return await self.parts.work(
                    name,
                    part.settings(self.parts.database(name), faults=BENCH_FAULTS),
                    "copilot",
                    policy,
                    Gate("copilot"),
                    working,
                    concurrency=self.settings.copilot_concurrency,
                )

        return await self.phases.run(name, title, Ran, work, part.count)

    async def unattended(self, name: str, title: str, part: Part, policy: Policy, gate: Gate, staffed: bool = True) -> Ran:
        """Held-out cases, unattended where certified."""

        async def work() -> Ran:
            with run_progress(self.console) as working:
                return await self.parts.work(
                    name,
                    part.settings(self.parts.database(name), faults=BENCH_FAULTS),
                    "selective",
                    policy,
                    gate,
                    working,
                    concurrency=self.settings.concurrency,
                    staffed=staffed,
                )

        return await self.phases.run(name, title, Ran, work, part.count)

    async def certify(self, name: str, title: str, model: Path, learned_from: Path, certified_on: Path) -> Certified:
        """A critic from the verdicts of copilot, and thresholds on those of the calibration period that follows."""

        async def work() -> Certified:
            with counting(self.console, "critic") as progress:
                await asyncio.to_thread(train_critic, model, learned_from, self.training, progress, part=None)
            bundle = load(model)
            assert bundle.critic is not None
            found = read_judged(certified_on, None, self.calibration)
            with counting(self.console, "scores") as progress:
                scores = await asyncio.to_thread(score_all, bundle.critic, found, progress)
            thresholds = thresholds_from(found, scores, self.calibration)
            with changed(model) as folder:
                thresholds.write(folder / THRESHOLDS)
            confidence = thresholds_from(found, [item.confidence for item in found], self.calibration)
            return Certified(thresholds=thresholds, confidence=confidence, scores=tuple(scores))

        return await self.phases.run(name, title, Certified, work)

    def gate(self, thresholds: Thresholds, bundle: Bundle) -> Gate:
        """The gate of casepilot."""
        return Gate("selective", thresholds, bundle.critic, audit_rate=self.settings.audit_rate, seed=self.settings.seed)

    async def accuracies(self, policies: Callable[[], dict[str, Policy]], memory: Memory, manual: Traces) -> Accuracies:
        """Step accuracy of every policy on the held-out cases as operators worked them by hand. `memory`: with the formulas
        that tell where an entry comes from."""

        async def work() -> Accuracies:
            steps, found = manual.steps(), {}
            for name, policy in (await asyncio.to_thread(policies)).items():
                rows = await self._rows(name, policy, manual, steps, use_by(memory))
                found[name] = accuracies.accuracy(rows, self.settings.seed)
            fields = report((sample for case in by_case(steps).values() for sample in samples(case)), memory)
            return Accuracies(systems=found, fields=fields)

        return await self.phases.run("accuracy", "Step accuracy on held-out cases", Accuracies, work)

    async def critics(self, policy: SmallPolicy, *runs: Ran) -> Critics:
        """Graded against binary feedback, and critics without one group of inputs each, on the verdicts of these runs."""

        async def work() -> Critics:
            steps = [step for run in runs for step in run.steps()]
            known = {case_id: true for run in runs for true in (practice_truth(run.db),) for case_id in run.case_ids()}

            def true(item: Judged) -> bool | None:
                return known[item.step.case_id](item)

            with counting(self.console, "proposals") as progress:
                try:
                    found = await asyncio.to_thread(
                        compare, policy, steps, FEEDBACK | ABLATIONS, true, self.calibration, FOLDS, progress
                    )
                except FeedbackError as error:
                    return Critics(none=str(error))  # too few cases to learn from some of them
            return Critics(found=found)

        return await self.phases.run("critics", "Critics of several kinds on the same verdicts", Critics, work)

    async def learning(self, logged: Traces, manual: Traces, whole: Trained, step: Accuracy) -> Learning:
        """The learning curve of step accuracy over logged cases; one of its points has the steps that training is timed on."""
        cases = logged.cases()
        numbers = sorted({n for n in (*self.settings.curve, cases_with(cases, TIMED_STEPS)) if n < len(cases)})
        points = []
        for number in numbers:
            title = f"Learning curve: a policy from {number} cases"
            trained = await self.train(f"model-{number}", title, number, cases[:number])
            points.append(await self.point(f"step-{number}", trained, manual))
        last = LearningPoint(cases=whole.cases, steps=whole.steps, step=step.step, true=step.true, seconds=whole.seconds)
        return Learning(points=(*points, last))

    async def point(self, name: str, trained: Trained, manual: Traces) -> LearningPoint:
        """Step accuracy of a policy on cases that operators worked by hand."""

        async def work() -> LearningPoint:
            policy = load(trained.folder).policy
            rows = await self._rows("steps", policy, manual, manual.steps())
            return LearningPoint(
                cases=trained.cases,
                steps=trained.steps,
                step=accuracies.step_share(rows, self.settings.seed),
                true=accuracies.true_share(rows, self.settings.seed),
                seconds=trained.seconds,
            )

        return await self.phases.run(name, f"Step accuracy of the policy from {trained.cases} cases", LearningPoint, work)

    async def _rows(
        self, title: str, policy: Policy, manual: Traces, steps: Sequence[Step], use_of: UseOf | None = None
    ) -> list[StepRow]:
        """The policy's proposals on `steps`, which are those of `manual`."""
        cases = manual.part.cases()
        truths = {case.id: case.truth for case in cases}
        worded, true = figures.right_message(lambda step: truths[step.case_id]), right_by_truth(cases)
        with counting(self.console, title) as progress:
            return await asyncio.to_thread(
                step_rows, policy, steps, lambda done: progress(done, len(steps)), worded, use_of, true
            )

    async def timing(self, bundle: Bundle, trained: Sequence[LearningPoint], manual: Traces) -> Timing:
        """Training time, and time to propose and score."""

        async def work() -> Timing:
            nearest = min(trained, key=lambda one: abs(one.steps - TIMED_STEPS))
            critic = bundle.critic or ConfidenceCritic()
            taken = await asyncio.to_thread(
                accuracies.milliseconds, bundle.policy, critic, manual.steps(), self.settings.timed_views
            )
            return Timing(
                train_steps=nearest.steps,
                train_seconds=nearest.seconds,
                p50_ms=float(np.percentile(taken, 50)),
                p95_ms=float(np.percentile(taken, 95)),
                views=len(taken),
            )

        return await self.phases.run("timing", "Time to propose and score", Timing, work)


def linked(folder: Path, *sources: Sequence[Path]) -> Path:
    """A folder with these trace files in it."""
    folder.mkdir()
    for place, files in enumerate(sources):
        for file in files:
            os.link(file, folder / f"{place}-{file.name}")
    return folder


def cases_with(cases: Sequence[Path], steps: int) -> int:
    """How many of the first cases have so many steps together."""
    total = 0
    for number, file in enumerate(cases, start=1):
        with file.open("rb") as lines:
            total += sum(1 for _ in lines)
        if total >= steps:
            return number
    return len(cases)
