"""What a customer's words ask for: which option a target gets, read from the sentences of the conversation.

One sentence carries the answer and nobody says which (multiple-instance learning), so an option's score is the soft maximum
over sentences of a linear score plus the sentence's likeness to the option's own label. The likeness works from the first
case; the linear part is learned from a few dozen. Noise on the sentence vectors stands for the many ways to say a thing.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from policies.candidates import Choice
from policies.dataset import Example
from policies.encoder import Vectors, mask
from policies.small.rules import FOLDS, MIN_ROWS, fold_of
from policies.sources import sentences
from schema_extraction.view import Control, View

if TYPE_CHECKING:
    from torch import Tensor

Embed = Callable[[Sequence[str]], Vectors]
Row = tuple[str, list[str], str]
"""A case, what was said in it, and the slot that was asked for."""
STEPS = 100
NOISE = 1.5
DECAY = 0.5
LIKENESS = 5.0
SCALE = 5.0
BACKGROUND = 0.02
MAX_BACKGROUND = 200
MAX_HEARD = 16
TRUSTS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)


def heard(view: View) -> list[str]:
    """The customer's sentences as they are embedded, latest last."""
    said = [mask(s) for m in view.messages if m.direction == "inbound" for s in sentences(m.text)]
    return list(dict.fromkeys(said))[-MAX_HEARD:]


@dataclass(frozen=True)
class Ear:
    """The linear scores of one target: `weights` (options, d), `labels` (options, d), `likeness`, `bias` (options,). `trust`:
    1 or less, what the log odds are multiplied by; fitted on cases that were not learned from (Guo et al. 2017)."""

    classes: tuple[str, ...]
    weights: npt.NDArray[np.float32]
    labels: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    likeness: float
    trust: float = 1.0

    def __call__(self, said: Vectors) -> dict[str, float]:
        """`said` (sentences, d) -> probability of every class."""
        heard = said.astype(np.float64)  # so that rounding to float32 hides the order in which a processor adds
        scores = SCALE * (heard @ self.weights.T) + self.likeness * (heard @ self.labels.T)
        scores = scores - scores.mean(-1, keepdims=True)
        top = scores.max(0)
        logits = self.trust * (np.log(np.exp(scores - top).sum(0)) + top + self.bias)
        odds = np.exp(logits - logits.max())
        return dict(zip(self.classes, (odds / odds.sum()).tolist(), strict=True))


def ear_name(choice: Choice) -> str:
    """Targets with the same options share an ear: what is asked is the same."""
    return options_name(choice.control) or choice.key


def options_name(control: Control | None) -> str:
    """The name of the ear that hears which option of a control is asked for; empty where it has none."""
    labels = sorted(option.label for option in control.options) if control is not None else []
    return "options " + " | ".join(labels) if labels else ""


@dataclass
class Hearing:
    """`ears[name]`: of all targets with the same options (see `ear_name`), all cases heard. `folds[n]`: without the cases of
    fold n, kept only while training."""

    ears: dict[str, Ear] = field(default_factory=dict)
    folds: tuple[Hearing, ...] = ()

    def fold(self, case_id: str) -> Hearing:
        return self.folds[fold_of(case_id)] if self.folds else self

    def value(self, choice: Choice, said: Vectors) -> dict[str, float]:
        """Slot to probability; empty where nothing was learned or nothing was said."""
        ear = self.ears.get(ear_name(choice))
        return ear(said) if ear is not None and len(said) else {}


def learn_hearing(cases: dict[str, list[Example]], embed: Embed, seed: int) -> Hearing:
    """Ears for every target whose value is one of a few options."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for case_id, examples in cases.items():
        for example in examples:
            slots = [example.candidates[i].slot for i in example.matches]
            answer = next((slot for slot in slots if slot.startswith(("option:", "constant:"))), None)
            said = heard(example.sample.view)
            if answer is not None and said:
                rows[ear_name(example.choices[example.target])].append((case_id, said, answer))
    spoken: dict[str, set[str]] = defaultdict(set)
    for group in rows.values():
        for case_id, said, _ in group:
            spoken[case_id].update(said)
    embed(sorted(set().union(*spoken.values())))
    rng = random.Random(seed)
    whole = Hearing(folds=tuple(Hearing() for _ in range(FOLDS)))
    for key, group in sorted(rows.items()):
        answers = sorted({answer for _, _, answer in group})
        if len(group) >= MIN_ROWS and len(answers) > 1:
            asked = {case_id for case_id, _, _ in group}
            others = sorted(set().union(*(said for case_id, said in spoken.items() if case_id not in asked)))
            background = rng.sample(others, min(len(others), MAX_BACKGROUND))
            ears = _train(group, answers, background, embed, seed)
            if trust := _trust(group, ears, embed):
                ears = [replace(ear, trust=trust) for ear in ears]
                whole.ears[key] = ears[-1]
                for fold, ear in zip(whole.folds, ears[:-1], strict=True):
                    fold.ears[key] = ear
    return whole


def _trust(rows: list[Row], ears: list[Ear], embed: Embed) -> float:
    """How far to trust an ear, by what its folds say of the cases that each has not heard; 0 where that is worse than to know
    only how often each option is asked for, as it is of all that the customer has no say in."""
    classes = ears[-1].classes
    answers = np.array([classes.index(answer) for _, _, answer in rows])
    folds = np.array([fold_of(case_id) for case_id, _, _ in rows])
    said = np.stack(
        [
            np.log(np.maximum([*ears[fold](embed(texts)).values()], 1e-9))
            for (_, texts, _), fold in zip(rows, folds, strict=True)
        ]
    )
    blind = 0.0
    for fold in range(FOLDS):
        counts = np.bincount(answers[folds != fold], minlength=len(classes)) + 0.5
        blind -= np.log(counts / counts.sum())[answers[folds == fold]].sum()
    losses = {trust: -log_softmax(trust * said, -1)[np.arange(len(rows)), answers].sum() for trust in TRUSTS}
    best = min(TRUSTS, key=lambda trust: losses[trust])
    return best if losses[best] < blind else 0.0


def _train(rows: list[Row], answers: list[str], background: list[str], embed: Embed, seed: int) -> list[Ear]:
    """One ear for every fold left out, and last the one of all rows, trained side by side."""
    import torch
    from torch.nn import functional as F

    labels = torch.from_numpy(embed([mask(answer.split(":", 1)[1]) for answer in answers]))  # (K, d)
    texts = sorted({text for _, said, _ in rows for text in said})
    place = {text: number for number, text in enumerate(texts)}
    x = torch.from_numpy(embed(texts))  # (T, d)
    said = torch.full((len(rows), max(len(said) for _, said, _ in rows)), -1)  # (n, M): places in `texts`
    for index, (_, some, _) in enumerate(rows):
        said[index, : len(some)] = torch.tensor([place[text] for text in some])
    silent, said = (said < 0)[None, :, :, None], said.clamp(min=0)
    elsewhere = torch.from_numpy(embed(background))  # (B, d)
    y = torch.tensor([answers.index(answer) for _, _, answer in rows])
    folds = torch.tensor([fold_of(case_id) for case_id, _, _ in rows])
    kept = torch.stack([folds != fold for fold in range(FOLDS)] + [folds >= 0]).float()  # (F, n)
    generator = torch.Generator().manual_seed(seed)
    f, k = len(kept), len(answers)
    weights = torch.zeros(f, k, labels.shape[1], requires_grad=True)
    bias = torch.zeros(f, k, requires_grad=True)
    likeness = torch.full((f, 1, 1), LIKENESS, requires_grad=True)
    optimiser = torch.optim.AdamW(
        [{"params": [weights], "weight_decay": DECAY}, {"params": [bias, likeness], "weight_decay": 0.0}], lr=0.05
    )

    def scored(vectors: Tensor) -> Tensor:
        scores = SCALE * torch.einsum("td,fkd->ftk", vectors, weights) + likeness * (vectors @ labels.T)
        return scores - scores.mean(-1, keepdim=True)

    for _ in range(STEPS):
        noisy = F.normalize(x + torch.randn(x.shape, generator=generator) * (NOISE / x.shape[-1] ** 0.5), dim=-1)
        scores = scored(noisy)[:, said].masked_fill(silent, -1e4)  # (F, n, M, K)
        logits = torch.logsumexp(scores, 2) + bias[:, None]  # (F, n, K)
        losses = F.cross_entropy(logits.flatten(0, 1), y.repeat(f), reduction="none").view(f, -1)
        idle = scored(elsewhere).square().mean((1, 2)) if len(background) else torch.zeros(f)
        optimiser.zero_grad()
        ((losses * kept).sum(1) / kept.sum(1).clamp(min=1) + BACKGROUND * idle).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return [
        Ear(
            tuple(answers),
            weights[n].detach().numpy().copy(),
            labels.numpy().copy(),
            bias[n].detach().numpy().copy(),
            likeness[n].item(),
        )
        for n in range(f)
    ]
