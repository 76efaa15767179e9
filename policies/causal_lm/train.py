"""Training a causal LM: recorded work to a policy, verdicts to a critic. Reads from top to bottom: data, base, model, loop,
save.

An interrupted training goes on from its last checkpoint when it is started again with the same traces and settings; until it is
done the model that was there before stays.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger
from pydantic import Field

from policies.errors import FeedbackError, TraceError
from schema_extraction.view import Frozen

if TYPE_CHECKING:
    from policies.calibrate import Part
    from policies.causal_lm.policy import CausalPolicy
    from policies.dataset import Sample
    from policies.encoder import EncoderSettings

Progress = Callable[[int, int], None]
Metrics = dict[str, float]
TEMPERATURES = (0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0)


class CausalSettings(Frozen):
    """`base`: folder, hub id, or `scratch:tiny`. `budget`: tokens of a prompt. `rank`: of the adapters. `epochs`,
    `learning_rate`: None for what suits the base; a critic's own are `critic_*`. `minutes`: of the policy's training at the
    most, 0 for no limit; the rate of learning falls by the clock then. `judged`: held-out steps that temperature and accuracy
    are measured on. `shared`: the critic goes on from what the policy read, which no server can do yet. `drafts`: share of the
    messages that drafting is learned from; with 0 the model drafts none."""

    base: str = "scratch:tiny"
    seed: int = 0
    held_out: float = Field(0.1, gt=0, lt=0.9)
    budget: int = Field(3072, ge=64)
    rank: int = Field(16, ge=1)
    epochs: float | None = None
    learning_rate: float | None = None
    minutes: float = Field(0.0, ge=0)
    batch: int = Field(16, ge=1)
    rows: int = Field(16, ge=1)
    save_steps: int = Field(100, ge=1)
    judged: int = Field(300, ge=1)
    shared: bool = True
    drafts: float = Field(1.0, ge=0, le=1)
    preference: float = Field(0.5, ge=0, le=1)
    critic_epochs: float = Field(6.0, gt=0)
    critic_rate: float = 1e-3
    threads: int = 2


def train_policy(
    traces: Path,
    out: Path,
    settings: CausalSettings = CausalSettings(),
    progress: Progress | None = None,
    encoder: EncoderSettings | None = None,
) -> Metrics:
    """Learn a policy from the recorded steps at or below `traces`, and replies from its messages, and write a model folder to
    `out`. `encoder`: tells which messages were written in like situations.

    Raises:
        TraceError: there is too little to learn from.
        ModelError: the base cannot be used, or `out` exists and is no model.
        EncoderError: the text encoder cannot be had.
    """
    import torch

    from policies.bundle import Meta, new_folder, write_meta
    from policies.causal_lm import data, learning, scratch, store
    from policies.causal_lm.engine import Engine
    from policies.causal_lm.language import BRIEFLY, INSTRUCTIONS, language_of, load_language
    from policies.causal_lm.policy import CausalPolicy, Reach
    from policies.encoder import EncoderSettings, TextEncoder
    from policies.novelty import to_json
    from policies.replies.learning import foretold, learn_replies
    from policies.replies.store import save as save_replies

    started = time.monotonic()
    torch.set_num_threads(settings.threads)
    encoder = encoder or EncoderSettings()
    texts_encoder = TextEncoder(encoder)
    with new_folder(out) as folder:
        # Data: recorded cases as samples, and what is learned of them at once.
        new = settings.base.startswith(scratch.PREFIX)
        found = data.gather(traces, settings.held_out, settings.seed)
        mine = [sample for case_id in found.learned for sample in found.samples[case_id]]
        theirs = [sample for case_id in found.held for sample in found.samples[case_id]]
        known = data.habits(mine, found.memory)

        # Past replies, and what others of them suggest in the place of each.
        reach = Reach(budget=settings.budget, spelt=not new)
        reach = reach if settings.drafts else reach.but(drafted=0)
        templates = found.memory.templates.get("send_message", ())
        replies = learn_replies(mine, templates, texts_encoder.embed)
        others = foretold(mine, templates, texts_encoder.embed, reach.alike) if settings.drafts else ()
        written = list(data.replies(others, templates, reach))
        written = random.Random(settings.seed).sample(written, round(settings.drafts * len(written)))

        # Base: made here, or somebody's.
        if new:
            config = scratch.config_of(settings.base)
            reach = reach.but(budget=min(settings.budget, config.context - 64))
            tokenizer = scratch.learn_tokenizer(data.texts(mine, written, found.memory, known, reach), config.words)
            language = language_of(tokenizer, settings.base, BRIEFLY)
            model = scratch.new_model(config, max(tokenizer.get_vocab().values()) + 1, settings.seed)
        else:
            language = load_language(settings.base, INSTRUCTIONS)
            model = adapted(store.load_base(settings.base, language), "policy", settings.rank)
        lessons = list(data.lessons(mine, found.memory, known, language, reach))
        if not lessons:
            raise TraceError(
                f"Expected steps at {str(traces)!r} that actions on their page can express, met none. Record more."
            )
        drafts = list(data.drafts(written, found.memory, language, reach))
        logger.info(
            "{} of {} steps to learn from, {:.0f} tokens each, and {} replies to draft; {} weights to be learned",
            *(len(lessons), len(mine), sum(len(one.prompt) for one in lessons) / len(lessons), len(drafts)),
            sum(p.numel() for p in model.parameters() if p.requires_grad),
        )

        # Loop.
        loop = learning.LoopSettings(
            epochs=settings.epochs or 2.0,
            batch=settings.batch,
            rows=settings.rows,
            learning_rate=settings.learning_rate or (2e-3 if new else 2e-4),
            save_steps=settings.save_steps,
            seconds=60 * settings.minutes,
            seed=settings.seed,
        )
        work = out.parent / f".{out.name}.training-{_digest(found.digest, settings)}"
        telling = learning.Telling(_part(progress, 0, 95))
        trainer = learning.PolicyTrainer(
            model=model,
            args=learning.arguments(work, loop, len(lessons) + len(drafts), checkpointing=not new, grouped=True),
            train_dataset=learning.Rows(learning.grouped([*lessons, *drafts], min(loop.rows, loop.batch), loop.seed)),
            data_collator=learning.GroupedLessons(language.tokenizer.pad_token_id or 0),
            callbacks=[telling],
        )
        mean_loss = learning.run(trainer, work, loop)

        # Temperature and accuracy, on held-out cases.
        scorer = Engine(model, {"policy": None if new else "policy"})
        policy = CausalPolicy(scorer, language, found.memory, found.novelty, reach)
        judged = theirs[:: max(len(theirs) // settings.judged, 1)]
        temperature = fit_temperature(policy, judged, known)
        policy.reach = reach.but(temperature=temperature)
        metrics = {
            "cases": float(len(found.samples)),
            "held_out_cases": float(len(found.held)),
            "steps": float(found.steps),
            "coverage": len(lessons) / len(mine),
            "tokens_per_step": sum(len(one.prompt) for one in lessons) / len(lessons),
            "replies": float(len(replies.past.template)) if replies else 0.0,
            "drafts": float(len(drafts)),
            "final_loss": telling.losses[-1] if telling.losses else mean_loss,
            "temperature": temperature,
            "step_accuracy": accuracy(policy, judged),
            "seconds": time.monotonic() - started,
        }

        # Save.
        language.tokenizer.save_pretrained(str(folder / store.TOKENIZER))
        if new:
            model.save_pretrained(str(folder / store.BASE))
        else:
            model.save_pretrained(str(folder / store.ADAPTERS), selected_adapters=["policy"])
        plain = store.Plain(
            base="" if new else settings.base,
            instructions=language_instructions(new),
            tokenizer=load_language(folder / store.TOKENIZER, language_instructions(new)).digest,
            reach=policy.reach,
            memory=found.memory,
            novelty=to_json(found.novelty),
        )
        store.write_plain(folder, plain)
        if replies is not None:
            save_replies(replies, folder)
            texts_encoder.copy_to(folder)
        write_meta(
            folder,
            Meta(
                kind="causal_lm",
                encoder=encoder.model if replies else "",
                encoder_sha=texts_encoder.sha if replies else "",
                max_tokens=encoder.max_tokens,
                seed=settings.seed,
                traces=found.digest,
                cases=len(found.samples),
                settings=settings.model_dump(mode="json"),
                metrics=metrics,
            ),
        )
    shutil.rmtree(work, ignore_errors=True)
    if progress:
        progress(100, 100)
    return metrics


def train_critic(
    bundle: Path,
    feedback: Path,
    settings: CausalSettings = CausalSettings(),
    progress: Progress | None = None,
    part: Part | None = "critic",
) -> Metrics:
    """Learn the critic of a causal LM, a second adapter on the same base, from the verdicts at or below `feedback`.

    Only the critic's third of the cases is learned from (see `policies.calibrate`), or all of them with `part` None.
    Thresholds of an earlier critic are removed. Whatever goes wrong leaves the model as it was.

    Raises:
        FeedbackError: there are no verdicts to learn from, or all say the same.
        ModelError: see `policies.causal_lm.store.load`.
    """
    import torch

    from policies.bundle import PREFERENCES, THRESHOLDS, TYPED_THRESHOLDS, changed, read_meta, write_meta
    from policies.calibrate import read_judged
    from policies.causal_lm import data, learning, store
    from policies.causal_lm.engine import Engine
    from policies.causal_lm.policy import CausalPolicy
    from policies.novelty import from_json
    from policies.preferences import learn_preferences

    started = time.monotonic()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)

    # Data: what the policy was asked on each page, and what the operator said of its proposal.
    plain = store.read_plain(bundle)
    language = store.read_language(bundle, plain)
    found = read_judged(feedback, part)
    own = plain.base == ""
    model = store.load_base(str(bundle / store.BASE) if own else plain.base, language)
    if not own:
        model = store.add_adapter(model, bundle / store.ADAPTERS / "policy", "policy")
    policy = CausalPolicy(
        Engine(model, {"policy": None if own else "policy"}), language, plain.memory, from_json(plain.novelty), plain.reach
    )
    rows = data.judgements(policy, found, settings.shared, settings.preference, _part(progress, 0, 20))
    if len({one.right >= 0.5 for one in rows}) < 2:
        raise FeedbackError(
            f"Expected verdicts of both kinds on {len(found)} critical proposals, met only one in the {len(rows)} that can "
            f"be used. "
            "Run `casepilot run --stage copilot` on more cases."
        )

    # Model and loop.
    model = adapted(model, "critic", settings.rank)
    work = bundle.parent / f".{bundle.name}.critic-{_digest(str(sorted((len(r.prompt), r.right) for r in rows)), settings)}"
    loop = learning.LoopSettings(
        epochs=settings.critic_epochs,
        batch=settings.batch,
        rows=settings.rows,
        learning_rate=settings.critic_rate,
        save_steps=settings.save_steps,
        seed=settings.seed,
    )
    telling = learning.Telling(_part(progress, 20, 95))
    trainer = learning.CriticTrainer(
        model=model,
        args=learning.arguments(work, loop, len(rows), checkpointing=not settings.shared),
        train_dataset=learning.Rows(rows),
        data_collator=learning.Judgements(language.tokenizer.pad_token_id or 0),
        callbacks=[telling],
    )
    trainer.language, trainer.policy = language, None if own else "policy"
    mean_loss = learning.run(trainer, work)

    # Save.
    metrics = {
        "verdicts": float(len(rows)),
        "accepted": sum(one.right == 1.0 for one in rows) / len(rows),
        "final_loss": telling.losses[-1] if telling.losses else mean_loss,
        "seconds": time.monotonic() - started,
    }
    with changed(bundle) as folder:
        for name in (THRESHOLDS, TYPED_THRESHOLDS):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / store.ADAPTERS / "critic", ignore_errors=True)
        model.save_pretrained(str(folder / store.ADAPTERS), selected_adapters=["critic"])
        store.write_plain(folder, plain.but(shared=settings.shared))
        (folder / PREFERENCES).write_text(learn_preferences(found).model_dump_json(indent=1), encoding="utf-8")
        meta = read_meta(folder)
        kept = {name: value for name, value in meta.metrics.items() if not name.startswith("critic_")}
        write_meta(folder, meta.model_copy(update={"metrics": kept | {f"critic_{name}": v for name, v in metrics.items()}}))
    shutil.rmtree(work, ignore_errors=True)
    if progress:
        progress(100, 100)
    return metrics


def adapted(model: Any, name: str, rank: int) -> Any:
    """The model with a new LoRA adapter on every linear layer (Hu et al. 2022; all layers as in QLoRA, Dettmers et al.
    2023)."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    if hasattr(model, "peft_config"):
        model.add_adapter(name, config)
        model.set_adapter(name)
        return model
    return get_peft_model(model, config, adapter_name=name)


def fit_temperature(policy: CausalPolicy, judged: Sequence[Sample], known: Any) -> float:
    """The temperature under which the recorded answers are likeliest, of `TEMPERATURES`."""
    from policies.causal_lm.data import answer

    rows = []
    for sample in judged:
        reading = policy.read(sample.view, sample.history)
        right = answer(sample, reading.menu, policy.memory, known) if reading is not None else None
        if reading is not None and right is not None:
            rows.append((reading, reading.menu.entries.index(right)))
    if not rows:
        return 1.0
    from policies.causal_lm.scoring import Question

    tables = [policy.scorer.score([Question(reading.prompt.tokens, reading.forks)])[0] for reading, _ in rows]
    loss = {}
    for temperature in TEMPERATURES:
        total = 0.0
        for (reading, place), table in zip(rows, tables, strict=True):
            total -= reading.trie.log_probability(place, reading.forks, table, temperature)
        loss[temperature] = total
    return min(loss, key=lambda t: loss[t])


def accuracy(policy: CausalPolicy, judged: Sequence[Sample]) -> float:
    """The share of samples whose first proposal is what the operator did."""
    from schema_extraction.action import same_action

    right = sum(
        bool(ranked) and same_action(ranked[0].action, sample.action)
        for sample in judged
        for ranked in (policy.propose(sample.view, sample.history),)
    )
    return right / max(len(judged), 1)


def language_instructions(new: bool) -> str:
    """What comes before a page."""
    from policies.causal_lm.language import BRIEFLY, INSTRUCTIONS

    return BRIEFLY if new else INSTRUCTIONS


def _part(progress: Progress | None, start: int, end: int) -> Progress:
    def tell(done: int, of: int) -> None:
        if progress is not None:
            progress(start + (end - start) * done // max(of, 1), 100)

    return tell


def _digest(traces: str, settings: CausalSettings) -> str:
    return hashlib.sha256(f"{traces}{settings.model_dump_json()}".encode()).hexdigest()[:12]
