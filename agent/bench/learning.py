"""Can a causal LM that is made from a config and trained from nothing learn the practice BPM on a processor?

The traces that ship are learned from, by the clock. Beside n-grams it is judged on recorded cases with other customers; then it
works cases live in copilot, and a critic learns from a third of the verdicts and is held against the policy's own confidence on
the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.bench.autonomy import accuracy as accuracies
from agent.bench.autonomy.phases import Phases, digest_of, opened_folder
from agent.bench.autonomy.results import Accuracy, Comparison
from agent.bench.autonomy.tables import number, share
from agent.bench.autonomy.verdicts import compare
from agent.bench.lm import LmSettings, invalid_decodes
from agent.demo import figures
from agent.demo.aside import aside
from agent.demo.parts import TRACES, Parts, Ran
from agent.demo.settings import PartSettings
from agent.interrupt import run as run_async
from agent.logs import log_to, tame_warnings
from agent.progress import counting, run_progress
from agent.results import Check
from policies.baselines import NGramPolicy
from policies.bundle import load
from policies.calibrate import CalibrationSettings, read_judged, score_all
from policies.causal_lm.policy import CausalPolicy
from policies.causal_lm.train import CausalSettings, train_critic, train_policy
from policies.errors import ModelError
from policies.evaluate import step_rows
from policies.gate import Gate
from policies.proposal import Policy
from policies.trace import read_steps
from schema_extraction.view import Frozen, View

LM, NGRAM, READING_NGRAM = "causal LM from nothing", "n-gram over steps", "n-gram that reads values from the page"
STRANGE = 500
TRACES_SEED = 1
"""The seed of the customers in the traces that ship."""


class LearnSettings(PartSettings):
    """`minutes`: of training the policy, at the most. `copilot`: cases worked live for verdicts. `decodes`: answers drawn and
    checked to be valid, half of them on generated views. `minutes_wanted`: what training may take, all in all. `drafts`: share
    of the messages that drafting is learned from; a model of this size is no writer (docs/decisions/0028)."""

    out: Path = Path("runs/bench/lm/learn")
    minutes: float = 22.0
    minutes_wanted: float = 30.0
    copilot: int = 240
    copilot_concurrency: int = 4
    decodes: int = 10_000
    base: str = "scratch:tiny"
    critic_epochs: float = 12.0
    threads: int = 2
    drafts: float = 0.0

    def training(self) -> CausalSettings:
        return CausalSettings(
            base=self.base,
            seed=self.seed,
            held_out=0.03,
            epochs=30.0,
            minutes=self.minutes,
            rows=8,
            save_steps=500,
            judged=200,
            critic_epochs=self.critic_epochs,
            threads=self.threads,
            drafts=self.drafts,
        )


class Trained(Frozen):
    """What training said of itself; see `policies.causal_lm.train`."""

    folder: Path
    metrics: dict[str, float]


class Systems(Frozen):
    accuracy: dict[str, Accuracy]


class Decoded(Frozen):
    """`invalid` of `drawn` answers; `views`: how many pages they were drawn on, `strange` of them generated."""

    drawn: int
    invalid: int
    views: int
    strange: int


class Judged(Frozen):
    """The critic's own metrics, and critic and confidence on verdicts that it did not learn from."""

    metrics: dict[str, float]
    comparison: Comparison


class LearnBench(Frozen):
    """All that was measured."""

    seed: int
    training: dict[str, float]
    accuracy: dict[str, Accuracy]
    decoded: Decoded
    critic: Judged
    checks: tuple[Check, ...]

    @property
    def short(self) -> tuple[Check, ...]:
        """What was wanted and not reached."""
        return tuple(check for check in self.checks if not check.passed)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


async def run(settings: LearnSettings, console: Console) -> LearnBench:
    """Everything; phases that an interrupted run has done are not done again."""
    parts = Parts(settings, console)
    files = [*(TRACES / "train").iterdir(), *(TRACES / "test").iterdir()]
    phases = Phases(settings.out, digest_of(settings, *files), console)

    async def train() -> Trained:
        folder = settings.out / "model"
        with counting(console, "policy") as progress:
            metrics = await aside(
                train_policy, TRACES / "train", folder, settings.training(), progress=progress, log=settings.out
            )
        return Trained(folder=folder, metrics=metrics)

    trained = await phases.run("model", "Training a causal LM from nothing on recorded work", Trained, train)

    async def judge() -> Systems:
        return Systems(accuracy=await asyncio.to_thread(measured, trained.folder, console))

    systems = await phases.run("accuracy", "Held-out cases, beside n-grams", Systems, judge)

    async def decode() -> Decoded:
        return await asyncio.to_thread(decoded, trained.folder, settings)

    drawn = await phases.run("decodes", "Drawing answers", Decoded, decode)

    async def work() -> Ran:
        with run_progress(console) as working:
            return await parts.work(
                "copilot",
                parts.bpm("copilot", "copilot", settings.copilot),
                "copilot",
                load(trained.folder, threads=settings.threads).policy,
                Gate("copilot"),
                working,
                concurrency=settings.copilot_concurrency,
            )

    copilot = await phases.run("copilot", "Copilot: operators judge every critical step", Ran, work, settings.copilot)

    async def criticise() -> Judged:
        with counting(console, "critic") as progress:
            metrics = await aside(
                train_critic, trained.folder, copilot.traces, settings.training(), progress=progress, log=settings.out
            )
        with counting(console, "scores") as progress:
            comparison = await asyncio.to_thread(against_confidence, trained.folder, copilot.traces, settings.seed, progress)
        return Judged(metrics=metrics, comparison=comparison)

    critic = await phases.run("critic", "A critic from a third of the verdicts, judged on the others", Judged, criticise)
    return LearnBench(
        seed=settings.seed,
        training=trained.metrics,
        accuracy=systems.accuracy,
        decoded=drawn,
        critic=critic,
        checks=checks(settings, trained, systems, drawn, critic),
    )


def main(settings: LearnSettings, console: Console, fresh: bool = False) -> int:
    """0 when everything wanted was reached, else 1.

    Raises:
        RunError: the output folder holds something else than an earlier benchmark.
    """
    opened_folder(settings.out, fresh)
    log_to(settings.out)
    tame_warnings()
    found = run_async(run(settings, console))
    found.write(settings.out / "results.json")
    for table in tables(found):
        console.print(table)
    console.print(
        f"{found.training['cases']:.0f} cases, {found.training['steps']:.0f} steps; the policy was trained in "
        f"{found.training['seconds']:.0f} s, the critic in {found.critic.metrics['seconds']:.0f} s",
        highlight=False,
    )
    console.print(f"figures: {settings.out / 'results.json'}", highlight=False)
    return 1 if found.short else 0


def measured(model: Path, console: Console) -> dict[str, Accuracy]:
    """Step accuracy of the model and of n-grams on the recorded test cases."""
    learned, held = list(read_steps(TRACES / "train")), list(read_steps(TRACES / "test"))
    policies: dict[str, Callable[[], Policy]] = {
        LM: lambda: load(model).policy,
        READING_NGRAM: lambda: NGramPolicy(learned, variables=True),
        NGRAM: lambda: NGramPolicy(learned),
    }
    worded = figures.truly_right(TRACES_SEED)
    found = {}
    for name, policy in policies.items():
        with counting(console, name) as progress:
            rows = step_rows(policy(), held, partial(_tell, progress, len(held)), worded)
        found[name] = accuracies.accuracy(rows)
    return found


def _tell(progress: Callable[[int, int], None], total: int, done: int) -> None:
    progress(done, total)


def decoded(model: Path, settings: LearnSettings) -> Decoded:
    """Answers drawn on recorded and on generated views, each checked against the valid actions of its page.

    Raises:
        ModelError: the folder holds no causal LM.
    """
    from fixtures.views import strange_views
    from policies.calibrate import histories

    policy = load(model, threads=settings.threads).policy
    if not isinstance(policy, CausalPolicy):
        raise ModelError(f"Expected a causal LM at {str(model)!r}, met another model. Give its folder.")
    recorded = [(step.view, history) for step, history in histories(read_steps(TRACES / "test"))]
    strange: list[View] = strange_views(STRANGE, settings.seed)
    invalid = drawn = views = 0
    generated = [(view, ()) for view in strange]
    for pages in (recorded, generated):
        asked = [pair for pair in pages if not pair[0].closed and policy.read(*pair) is not None]
        wrong, done = invalid_decodes(policy, asked, LmSettings(decodes=settings.decodes // 2, seed=settings.seed))
        invalid, drawn, views = invalid + wrong, drawn + done, views + len(asked)
    return Decoded(drawn=drawn, invalid=invalid, views=views, strange=len(asked))


def against_confidence(model: Path, feedback: Path, seed: int, progress: Callable[[int, int], None]) -> Comparison:
    """The critic against the policy's own confidence, on the verdicts that it did not learn from.

    Raises:
        ModelError: there is no critic.
    """
    bundle = load(model)
    if bundle.critic is None:
        raise ModelError(f"{str(model)!r} has no critic yet. Run `casepilot critic` on copilot feedback first.")
    found = read_judged(feedback, "calibration", CalibrationSettings(preferences_pass=True))
    scores = score_all(bundle.critic, found, progress)
    cases = len({item.step.case_id for item in found})
    return compare(found, scores, f"verdicts of {cases} copilot cases that the critic did not learn from", seed)


def checks(settings: LearnSettings, trained: Trained, systems: Systems, drawn: Decoded, critic: Judged) -> tuple[Check, ...]:
    """What has to be shown."""
    ours = systems.accuracy[LM].step.value
    of = critic.comparison

    def least(name: str, wanted: float | None, met: float | None) -> Check:
        return Check(name=name, relation="at least", wanted=wanted or 0.0, met=met)

    return (
        Check(
            name="Training of the policy",
            relation="at most",
            wanted=60 * settings.minutes_wanted,
            met=trained.metrics["seconds"],
            unit="seconds",
        ),
        Check(name="Invalid of the drawn answers", relation="at most", wanted=0, met=drawn.invalid, unit="cases"),
        Check(name="Drawn answers", relation="at least", wanted=10_000, met=drawn.drawn, unit="cases"),
        least(f"Steps right, against the {NGRAM}", systems.accuracy[NGRAM].step.value, ours),
        least(f"Steps right, against the {READING_NGRAM}", systems.accuracy[READING_NGRAM].step.value, ours),
        least("Macro F1 of the critic, against confidence", of.confidence.macro_f1.value, of.critic.macro_f1.value),
        Check(
            name="AURC of the critic, against confidence, in thousandths",
            relation="at most",
            wanted=1000 * (of.confidence.aurc.value or 0.0),
            met=1000 * of.critic.aurc.value if of.critic.aurc.value is not None else None,
            unit="ratio",
        ),
    )


def tables(found: LearnBench) -> Sequence[Table]:
    """Systems, critic, and what was wanted."""
    systems = Table(title=f"Recorded cases with other customers ({found.accuracy[LM].steps} steps), with 95% intervals")
    systems.add_column("")
    for name in found.accuracy:
        systems.add_column(name, justify="right", overflow="fold")
    rows = {"step": "steps right", "target": "action and target", "value": "value, where the target is right", "top3": "top 3"}
    for key, title in rows.items():
        systems.add_row(title, *(share(getattr(one, key)) for one in found.accuracy.values()))
    of = found.critic.comparison
    critic = Table(title=f"Critic and confidence: {of.on}, {of.critic.count} verdicts, {of.critic.accepted:.1%} accepted")
    for heading in ("", "critic", "policy's own confidence"):
        critic.add_column(heading, justify="right" if heading else "left")
    for key, title in {"macro_f1": "macro F1", "auroc": "AUROC", "aurc": "AURC", "e_aurc": "E-AURC", "ece": "ECE"}.items():
        critic.add_row(title, number(getattr(of.critic, key)), number(getattr(of.confidence, key)))
    wanted = Table(
        title=f"{found.decoded.drawn:,} answers drawn on {found.decoded.views} pages, {found.decoded.strange} generated"
    )
    for heading in ("Wanted", "", "Reached"):
        wanted.add_column(heading)
    for check in found.checks:
        wanted.add_row(
            check.name,
            f"{check.relation} {check.text(check.wanted)}",
            ("" if check.passed else "[red]") + check.text(check.met),
        )
    return systems, critic, wanted
