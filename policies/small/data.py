"""Training data of the small policy: every example as arrays, all texts embedded once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from policies.dataset import Example
from policies.small.columns import Texts
from policies.small.elements import Elements, elements
from policies.small.hearing import Embed
from policies.small.knowledge import Knowledge, Opinion
from policies.small.values import Values, values


@dataclass(frozen=True)
class Item:
    """One example: its `elements`, the index of the right target among the choices, whether that takes a value, its
    candidates (None where there are none or none is right) and which of them are right."""

    case_id: str
    elements: Elements
    target: int
    valued: bool
    values: Values | None
    right: tuple[int, ...]


def item(example: Example, known: Knowledge, embed: Embed, texts: Texts) -> Item:
    """`known`: for a training case, without what was learned from it."""
    sample = example.sample
    opinion = Opinion.of(sample.view, sample.history, embed, known.comparisons)
    rows = elements(sample.view, sample.history, example.choices, known, opinion, texts)
    found = None
    if example.matches:
        choice = example.choices[example.target]
        found = values(sample.view, choice, example.candidates, rows.origins, sample.history, known, opinion, texts)
    return Item(sample.case_id, rows, example.target, example.choices[example.target].valued, found, example.matches)


def batches(items: list[Item], size: int, rng: np.random.Generator) -> list[list[Item]]:
    """All items once in random order, batched with others of like length so that little is padded."""
    shuffled = [items[i] for i in rng.permutation(len(items))]
    made: list[list[Item]] = []
    for start in range(0, len(shuffled), size * 16):
        pool = sorted(shuffled[start : start + size * 16], key=lambda item: len(item.elements.ids))
        made += [pool[i : i + size] for i in range(0, len(pool), size)]
    return [made[i] for i in rng.permutation(len(made))]
