"""Training: traces to a policy, verdicts to its critic. Reads from top to bottom: settings, data, model, loop, save."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger
from pydantic import Field

from policies.dataset import Example, coverage, example, learn_memory, read_cases, samples, split, trace_digest
from policies.errors import TraceError
from policies.registry.pointer import outside
from schema_extraction.view import Frozen

if TYPE_CHECKING:
    from policies.calibrate import Part
    from policies.encoder import EncoderSettings

Progress = Callable[[int, int], None]
"""Called with how many of how many parts of the work are done."""
Metrics = dict[str, float]

MIN_CASES = 4


class TrainSettings(Frozen):
    """`held_out`: share of the cases kept back to measure on and to set temperatures. `width`, `layers`, `epochs`,
    `learning_rate`, `batch_size`: of the network and its fitting; with few examples there are more epochs, until there are
    `min_steps` steps. `threads`: of torch. `strengths`: regularisation strengths
    the critic chooses from. `derived`: whether formulas are sought for values that are worked out; `comparisons`: whether
    comparisons are sought for choices (see `policies.derive`)."""

    seed: int = 0
    held_out: float = Field(0.1, gt=0, lt=0.9)
    width: int = 96
    layers: int = 2
    epochs: int = Field(3, ge=1)
    min_steps: int = Field(350, ge=1)
    batch_size: int = 32
    learning_rate: float = 2e-3
    threads: int = 2
    strengths: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3)
    derived: bool = True
    comparisons: bool = True


TINY = TrainSettings(width=32, layers=1, epochs=2, min_steps=120)
"""Finishes within a minute; for tests and for trying things out."""


def train_policy(
    traces: Path,
    out: Path,
    settings: TrainSettings = TrainSettings(),
    progress: Progress | None = None,
    encoder: EncoderSettings | None = None,
) -> Metrics:
    """Learn a policy from the recorded steps at or below `traces` and write a model folder to `out`.

    An interrupted training leaves `out` as it was.

    Raises:
        TraceError: there is too little to learn from.
        ModelError: `out` exists and is no model.
        EncoderError: the text encoder cannot be had.
    """
    import torch

    from policies.bundle import Meta, new_folder, write_meta
    from policies.derive.derived import Derived, learn_formulas
    from policies.derive.expressions import worded
    from policies.derive.fields import USES
    from policies.derive.fields import report as report_fields
    from policies.encoder import EncoderSettings, TextEncoder
    from policies.novelty import learn_novelty
    from policies.small import store
    from policies.small.columns import Texts
    from policies.small.comparing import learn_comparisons
    from policies.small.data import item
    from policies.small.fit import FitSettings, fit, fit_temperatures, score
    from policies.small.knowledge import learn_knowledge
    from policies.small.model import NetConfig, PolicyNet
    from policies.small.policy import SmallPolicy

    started = time.monotonic()
    report = _Parts(progress)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    encoder = encoder or EncoderSettings()
    texts_encoder = TextEncoder(encoder)

    with new_folder(out) as folder:
        # Data: cases, then samples, then examples among the candidates of their views.
        cases = read_cases(traces)
        done = {case_id: list(samples(steps)) for case_id, steps in cases.items()}
        done = {case_id: found for case_id, found in done.items() if found}
        if len(done) < MIN_CASES:
            raise TraceError(
                f"Expected at least {MIN_CASES} cases that an operator worked at {str(traces)!r}, met {len(done)}. Record more."
            )
        learned, held = split(done, settings.held_out, settings.seed)
        memory = learn_memory((s for case_id in sorted(learned) for s in done[case_id]), past=settings.derived)
        if settings.derived:
            formulas = learn_formulas(s for case_id in sorted(learned) for s in done[case_id])
            memory = memory.but(derived=Derived(formulas=formulas))
            for key, found in formulas.items():
                for formula in found:
                    logger.info("{} = {} in {} of {} cases", key, worded(formula.expression), formula.held, formula.cases)
        report(4)
        pairs = {case_id: [(sample, example(sample, memory)) for sample in found] for case_id, found in done.items()}
        reach = coverage([pair for case_id in sorted(held) for pair in pairs[case_id]])
        examples = {case_id: [made for _, made in found if made is not None] for case_id, found in pairs.items()}
        logger.info(
            "{} cases to learn from, {} held out; {:.1%} of steps can be expressed", len(learned), len(held), reach.both
        )
        for name, count in reach.missed:
            logger.info("cannot be expressed in {} held-out steps: {}", count, name)
        report(8)

        # What is known beside the network; then every example as arrays, and every text embedded once.
        training: dict[str, list[Example]] = {case_id: examples[case_id] for case_id in sorted(learned)}
        if settings.comparisons:
            memory = memory.but(derived=memory.derived.but(comparisons=learn_comparisons(training)))
            for comparison in memory.derived.comparisons:
                logger.info("choices are told apart by: {}", comparison.worded())
        known = learn_knowledge(training, texts_encoder.embed, settings.seed, memory.derived.comparisons)
        report(25)
        texts = Texts()
        items = [
            item(made, known.without(case_id, found), texts_encoder.embed, texts)
            for case_id, found in training.items()
            for made in found
        ]
        judged = [item(made, known, texts_encoder.embed, texts) for case_id in sorted(held) for made in examples[case_id]]
        report(35)
        table = texts_encoder.embed(texts.all, lambda n, total: report(35 + 10 * n // total))
        report(45)

        # The unit of novelty, from the held-out cases; after that the views are not needed any more.
        novelty = learn_novelty(
            (sample.view for case_id in sorted(learned) for sample in done[case_id]),
            (sample.view for case_id in sorted(held) for sample in done[case_id]),
        )
        uses = report_fields((sample for case_id in sorted(learned) for sample in done[case_id]), memory)
        count, steps_read, digest = len(done), sum(map(len, done.values())), trace_digest(cases)
        del cases, done, pairs, examples, training

        # Model and loop.
        net = PolicyNet(
            NetConfig(width=settings.width, hidden=2 * settings.width, layers=settings.layers, words=len(known.lexicon.words))
        )
        epochs = max(settings.epochs, math.ceil(settings.min_steps * settings.batch_size / len(items)))
        fitting = FitSettings(epochs=epochs, batch_size=settings.batch_size, learning_rate=settings.learning_rate)
        losses: list[float] = []
        for step, steps, loss in fit(net, items, table, fitting, settings.seed):
            losses.append(loss)
            report(45 + 50 * step // steps)
            if step * epochs % steps < epochs:
                now = score(net, judged, table)
                logger.info(
                    "epoch {}/{}: loss {:.3f}, held out: loss {:.3f}, target {:.1%}, value {:.1%}, step {:.1%}",
                    *(round(step * epochs / steps), epochs, sum(losses) / len(losses)),
                    *(now.loss, now.target, now.value, now.step),
                )
                losses.clear()

        # Temperatures, from the held-out cases too.
        temperatures = fit_temperatures(net, judged, table)
        final = score(net, judged, table, temperatures)
        metrics = {
            "cases": float(count),
            "held_out_cases": float(len(held)),
            "steps": float(steps_read),
            "coverage": reach.both,
            "target_accuracy": final.target,
            "value_accuracy": final.value,
            "step_accuracy": final.step * reach.target,
            "held_out_loss": final.loss,
            **{f"fields_{use}": float(uses.count(use)) for use in USES},
            "formulas": float(sum(map(len, memory.derived.formulas.values()))),
            "comparisons": float(len(memory.derived.comparisons)),
            "seconds": time.monotonic() - started,
        }

        # Save.
        store.save(SmallPolicy(net, memory, known, texts_encoder, novelty, temperatures), folder)
        write_meta(
            folder,
            Meta(
                encoder=encoder.model,
                encoder_sha=texts_encoder.sha,
                max_tokens=encoder.max_tokens,
                seed=settings.seed,
                traces=digest,
                cases=count,
                settings=settings.model_dump(mode="json"),
                metrics=metrics,
            ),
        )
    report(100)
    return metrics


def train_critic(
    bundle: Path,
    feedback: Path,
    settings: TrainSettings = TrainSettings(),
    progress: Progress | None = None,
    encoder: EncoderSettings | None = None,
    part: Part | None = "critic",
) -> Metrics:
    """Learn the critics from the verdicts at or below `feedback` and write them into the model folder `bundle`: the one that
    sees all there is, and the one that reads no text; beside them, what single operators would have done another way.

    Only the critic's third of the cases is learned from (see `policies.calibrate`), or all of them with `part` None, where
    thresholds are certified on other feedback. Thresholds that were certified for an earlier critic are removed: they say
    nothing of this one. Whatever goes wrong leaves the model as it was.

    Raises:
        FeedbackError: there are no verdicts to learn from, or all say the same.
        ModelError, EncoderError: see `policies.bundle.load`.
    """
    from policies.bundle import CRITIC, PREFERENCES, THRESHOLDS, TYPED, TYPED_THRESHOLDS, changed, load, read_meta, write_meta
    from policies.calibrate import read_judged
    from policies.preferences import learn_preferences
    from policies.small.verdicts import CriticSettings, learn_critic, learn_typed, tabulate

    started = time.monotonic()
    report = _Parts(progress)
    outside(bundle)
    found = read_judged(feedback, part)
    policy = load(bundle, encoder, settings.threads).policy
    table, _ = tabulate(policy, found, lambda n, total: report(90 * n // total))
    choosing = CriticSettings(strengths=settings.strengths)
    critic, metrics = learn_critic(policy, table, choosing)
    report(95)
    typed, typed_metrics = learn_typed(policy, table, choosing)
    metrics |= {f"typed_{name}": typed_metrics[name] for name in ("log_loss", "auroc", "preference_label")}
    metrics["seconds"] = time.monotonic() - started
    with changed(bundle) as folder:
        for name in (THRESHOLDS, TYPED_THRESHOLDS):
            if (folder / name).exists():
                logger.info("{} of the earlier critic removed from {}; calibrate again", name, bundle)
                (folder / name).unlink()
        (folder / CRITIC).write_text(critic.to_json(), encoding="utf-8")
        (folder / TYPED).write_text(typed.to_json(), encoding="utf-8")
        (folder / PREFERENCES).write_text(learn_preferences(found).model_dump_json(indent=1), encoding="utf-8")
        meta = read_meta(folder)
        kept = {name: value for name, value in meta.metrics.items() if not name.startswith("critic_")}
        write_meta(folder, meta.model_copy(update={"metrics": kept | {f"critic_{name}": v for name, v in metrics.items()}}))
    report(100)
    return metrics


class _Parts:
    """Reports progress in hundredths, never backwards."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.latest = -1

    def __call__(self, part: int) -> None:
        if self.progress is not None and part > self.latest:
            self.latest = part
            self.progress(part, 100)
