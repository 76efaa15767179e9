"""The loops of training, on the transformers Trainer: resumable, in bfloat16 with gradient checkpointing on an accelerator.

The policy learns the tokens of its answers; prompts are padded on the left, so that answers end together and only their logits
are worked out. The critic learns the difference of its two verdict tokens' logits (binary cross-entropy with soft labels).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import DynamicCache, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from policies.causal_lm.clock import Clock
from policies.causal_lm.data import Judgement, Lesson
from policies.causal_lm.language import Language
from policies.causal_lm.trie import Tokens
from schema_extraction.view import Frozen

IGNORED = -100
SPREAD = 0.1


class LoopSettings(Frozen):
    """`batch`: rows a step, of which `rows` fit at once; `save_steps`: steps between checkpoints. `steps`: at the most, 0 for
    none; `seconds`: the same, by the clock."""

    epochs: float = Field(2.0, gt=0)
    batch: int = Field(16, ge=1)
    rows: int = Field(16, ge=1)
    learning_rate: float = 2e-4
    warmup: float = 0.05
    save_steps: int = Field(200, ge=1)
    steps: int = 0
    seconds: float = Field(0.0, ge=0)
    seed: int = 0


class Rows(Dataset[Any]):
    """A list as a data set."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Any:
        return self.rows[place]


def grouped(lessons: Sequence[Lesson], rows: int, seed: int) -> list[tuple[Lesson, ...]]:
    """Lessons in groups of `rows` of about the same length, so that little of a batch is padding. Up to `SPREAD` in length is
    left to chance: steps of one kind are of one length, and a batch should hold several kinds."""
    chance = random.Random(seed)
    measured = sorted((len(lesson.prompt) * chance.uniform(1 - SPREAD, 1 + SPREAD), i) for i, lesson in enumerate(lessons))
    order = [place for _, place in measured]
    return [tuple(lessons[place] for place in order[start : start + rows]) for start in range(0, len(order), rows)]


def padded(rows: Sequence[Tokens], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows padded on the left: ids, mask and positions, each (rows, longest)."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask, (mask.cumsum(-1) - 1).clamp(min=0)


class PolicyTrainer(Trainer):  # type: ignore[misc]
    """Cross-entropy of answers; a batch is a list of lessons. `clock`: sets the rate of learning, where there is one."""

    clock: Clock | None = None

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if self.clock is None:
            return super().create_scheduler(num_training_steps, optimizer)
        self.lr_scheduler: Any = self.clock.schedule(optimizer or self.optimizer, num_training_steps)
        return self.lr_scheduler

    def compute_loss(self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        logits = model(**inputs["asked"], logits_to_keep=inputs["labels"].shape[1] + 1, use_cache=False).logits[:, :-1].float()
        count = num_items_in_batch if num_items_in_batch is not None else (inputs["labels"] != IGNORED).sum()
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1), inputs["labels"].flatten(), ignore_index=IGNORED, reduction="sum"
        )
        loss = loss / count
        return (loss, logits) if return_outputs else loss


class Lessons:
    """Collates lessons: `asked` for the model, `labels` (rows, longest answer)."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, lessons: Sequence[Lesson]) -> dict[str, Any]:
        ids, mask, places = padded([(*one.prompt, *one.answer) for one in lessons], self.pad)
        width = max(len(one.answer) for one in lessons)
        labels = torch.tensor([[IGNORED] * (width - len(one.answer)) + list(one.answer) for one in lessons])
        return {"asked": {"input_ids": ids, "attention_mask": mask, "position_ids": places}, "labels": labels}


class GroupedLessons(Lessons):
    """The same for groups of lessons, see `grouped`."""

    def __call__(self, lessons: Sequence[Any]) -> dict[str, Any]:
        return super().__call__([lesson for group in lessons for lesson in group])


class CriticTrainer(Trainer):  # type: ignore[misc]
    """Binary cross-entropy of the verdict. Where the critic goes on from the policy, the page is read by the policy, without
    gradients, and only what comes behind it is learned from."""

    language: Language
    policy: str | None

    def compute_loss(self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        past = self._page(model, inputs["page"]) if inputs["page"] is not None else None
        output = model(**inputs["asked"], past_key_values=past, logits_to_keep=1, use_cache=past is not None)
        logits = output.logits[:, -1].float()
        odds = logits[:, self.language.accept] - logits[:, self.language.reject]
        loss = nn.functional.binary_cross_entropy_with_logits(odds, inputs["labels"])
        return (loss, odds) if return_outputs else loss

    def _page(self, model: Any, page: dict[str, Tensor]) -> DynamicCache:
        """Keys and values of the pages, as the policy reads them."""
        training = model.training
        model.eval()
        with torch.no_grad():
            if self.policy is None:
                with model.disable_adapter():
                    found = model(**page, use_cache=True, logits_to_keep=1)
            else:
                model.set_adapter(self.policy)
                found = model(**page, use_cache=True, logits_to_keep=1)
                model.set_adapter("critic")
        model.train(training)
        return DynamicCache([(layer.keys.detach(), layer.values.detach()) for layer in found.past_key_values.layers])


class Judgements:
    """Collates judgements: the shared `page` or None, what is `asked`, `labels` (rows,)."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, found: Sequence[Judgement]) -> dict[str, Any]:
        labels = torch.tensor([one.right for one in found], dtype=torch.float32)
        if not found[0].shared:
            ids, mask, places = padded([one.prompt for one in found], self.pad)
            return {"page": None, "asked": {"input_ids": ids, "attention_mask": mask, "position_ids": places}, "labels": labels}
        pages, mask, places = padded([one.prompt[: one.shared] for one in found], self.pad)
        rest, rest_mask, rest_places = padded([one.prompt[one.shared :] for one in found], self.pad)
        # Behind the page come pads that nothing sees, then the question; places go on from the page's own length.
        whole = torch.cat([mask, rest_mask], 1)
        places_on = (rest_places + mask.sum(1, keepdim=True)) * rest_mask
        return {
            "page": {"input_ids": pages, "attention_mask": mask, "position_ids": places},
            "asked": {"input_ids": rest, "attention_mask": whole, "position_ids": places_on},
            "labels": labels,
        }


class Telling(TrainerCallback):  # type: ignore[misc]
    """Tells how far training is, and keeps the losses that were logged."""

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        self.progress = progress
        self.losses: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.progress is not None:
            self.progress(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))


def arguments(
    folder: Path, settings: LoopSettings, total: int, checkpointing: bool, grouped: bool = False
) -> TrainingArguments:
    """The Trainer's own arguments: on an accelerator in bfloat16. `grouped`: a row of the data set is a whole group."""
    gpu = torch.cuda.is_available()
    rows = min(settings.rows, settings.batch)
    steps = settings.steps or max(round(settings.epochs * total / settings.batch), 1)
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=1 if grouped else rows,
        gradient_accumulation_steps=max(settings.batch // rows, 1),
        max_steps=steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(settings.warmup * steps),
        weight_decay=0.01,
        bf16=gpu,
        use_cpu=not gpu,
        activation_checkpointing=checkpointing and gpu,
        save_steps=settings.save_steps,
        save_total_limit=1,
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        seed=settings.seed,
        log_level="error",
    )


def run(trainer: Trainer, folder: Path, settings: LoopSettings = LoopSettings()) -> float:
    """Train to the end, from the last checkpoint in `folder` where there is one; gives the mean loss."""
    if settings.seconds and isinstance(trainer, PolicyTrainer):
        trainer.clock = Clock(settings.seconds, folder, settings.warmup)
        trainer.add_callback(trainer.clock)
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    return float(trainer.train(resume_from_checkpoint=last).training_loss)
