"""Fits the small policy's network to items, and measures it on held-out ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from policies.encoder import Vectors
from policies.errors import ModelError
from policies.small.collate import Noise, blur, collate
from policies.small.data import Item, batches
from policies.small.model import PolicyNet
from policies.small.policy import Temperatures
from schema_extraction.view import Frozen

EPOCH_MIX = 100


class FitSettings(Frozen):
    """AdamW with warm-up and a cosine to nought; the weights kept are an exponential average of those passed through."""

    epochs: int = 6
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: int = 50
    average: float = 0.98
    smoothing: float = 0.02


@dataclass(frozen=True)
class Scores:
    """Of items: `loss`; whether the target, and the value given the target, came first. Values over items that have one;
    `step` over all items, an unreachable value counted wrong."""

    loss: float
    target: float
    value: float
    step: float


@dataclass(frozen=True)
class _Output:
    """`values` is (N, V) over the items of the batch that have candidates, `rows` says which these are."""

    targets: Tensor
    values: Tensor
    rows: list[int]
    right: Tensor
    wanted: Tensor

    def losses(self, temperatures: Temperatures = Temperatures(), smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Of every target (B,), and of every value (N,): less the log of what all right candidates get together."""
        targets = _cross_entropy(self.targets / temperatures.target, self.wanted, smoothing)
        log_p = torch.log_softmax(self.values / temperatures.value, -1)
        return targets, -torch.logsumexp(log_p.masked_fill(~self.right, -torch.inf), -1)


def _cross_entropy(logits: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
    """(B, T), (B,) -> (B,), smoothed evenly over the targets that there are."""
    log_p = torch.log_softmax(logits, -1)
    hard = -log_p.gather(1, wanted[:, None]).squeeze(1)
    there = torch.isfinite(logits)
    soft = -log_p.masked_fill(~there, 0.0).sum(1) / there.sum(1)
    return (1 - smoothing) * hard + smoothing * soft


def _run(net: PolicyNet, items: Sequence[Item], table: Vectors, noise: Callable[..., None] | None = None) -> _Output:
    of = [(row, 1 + item.target, item.values) for row, item in enumerate(items) if item.values is not None]
    batch, value_batch = collate([item.elements for item in items], of, table)
    if noise is not None:
        noise(batch)
    x, rest = net.read(batch)
    values, _ = net.values(x, rest, batch, value_batch)
    right = torch.zeros(values.shape, dtype=torch.bool)
    for place, (row, _, _) in enumerate(of):
        right[place, list(items[row].right)] = True
    wanted = torch.tensor([item.target for item in items])
    return _Output(net.targets(x, batch), values, [row for row, _, _ in of], right, wanted)


def fit(
    net: PolicyNet, items: list[Item], table: Vectors, settings: FitSettings, seed: int, noise: Noise = Noise()
) -> Iterator[tuple[int, int, float]]:
    """Train `net` in place; yields (step, steps, loss) after every step. The last step leaves the averaged weights.

    Raises:
        ModelError: the loss is no longer a finite number.
    """
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(net.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    average = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
    per_epoch = math.ceil(len(items) / settings.batch_size)
    steps, step = settings.epochs * per_epoch, 0
    net.train()
    for _ in range(settings.epochs):
        for group in batches(items, settings.batch_size, rng):
            warm = min(1.0, (step + 1) / settings.warm_up)
            for parameters in optimiser.param_groups:
                parameters["lr"] = settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
            output = _run(net, group, table, lambda batch: blur(batch, noise, generator))
            targets, values = output.losses(smoothing=settings.smoothing)
            loss = targets.mean() + values.sum() / len(group)
            if not math.isfinite(loss.item()):
                raise ModelError(
                    f"Training stopped at step {step + 1} of {steps}: expected a finite loss, met {loss.item()}. Nothing was "
                    f"written, an earlier model is kept. Try a lower learning rate than {settings.learning_rate:g}."
                )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            step += 1
            with torch.no_grad():
                rate = min(settings.average, step / (step + 10))
                for name, tensor in net.state_dict().items():
                    average[name].lerp_(tensor, 1 - rate)
            if step == steps:
                net.load_state_dict(average)
                net.eval()
            yield step, steps, loss.item()


def score(net: PolicyNet, items: Sequence[Item], table: Vectors, temperatures: Temperatures = Temperatures()) -> Scores:
    """Scores of `net` as it is."""
    losses, targets, values, steps = [], [], [], []
    for output, group in _outputs(net, items, table):
        a, b = output.losses(temperatures)
        losses.append(a.sum().item() + b.sum().item())
        target = (output.targets.argmax(-1) == output.wanted).tolist()
        value = output.right.gather(1, output.values.argmax(-1, keepdim=True)).squeeze(1).tolist() if output.rows else []
        of = dict(zip(output.rows, value, strict=True))
        targets += target
        values += value
        steps += [target[row] and of.get(row, not item.valued) for row, item in enumerate(group)]
    count = max(len(items), 1)
    return Scores(sum(losses) / count, sum(targets) / count, sum(values) / max(len(values), 1), sum(steps) / count)


def fit_temperatures(net: PolicyNet, items: Sequence[Item], table: Vectors) -> Temperatures:
    """The temperatures under which held-out `items` are likeliest (Guo et al. 2017), from a grid of 0.5 to 4."""
    grid = [0.5 * 8 ** (n / 40) for n in range(41)]
    targets, values = np.zeros(len(grid)), np.zeros(len(grid))
    for output, _ in _outputs(net, items, table):
        for place, t in enumerate(grid):
            a, b = output.losses(Temperatures(target=t, value=t))
            targets[place] += a.sum().item()
            values[place] += b.sum().item()
    if not len(items):
        return Temperatures()
    return Temperatures(target=grid[int(targets.argmin())], value=grid[int(values.argmin())] if values.any() else 1.0)


def _outputs(net: PolicyNet, items: Sequence[Item], table: Vectors) -> Iterator[tuple[_Output, Sequence[Item]]]:
    training = net.training
    net.eval()
    with torch.inference_mode():
        for start in range(0, len(items), EPOCH_MIX):
            group = items[start : start + EPOCH_MIX]
            yield _run(net, group, table), group
    net.train(training)
