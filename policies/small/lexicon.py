"""What the small policy knows by name: keys, literals (a fact with one of its usual values), sources of values, and how often
each source was the right one. Learned from the training cases; nothing that fewer than `min_cases` cases share gets in.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from pydantic import Field

from policies.dataset import Example
from policies.encoder import mask
from policies.literals import literal
from policies.templates import fold
from schema_extraction.action import action_value
from schema_extraction.view import Frozen, View

MAX_SPREAD = 24
"""A fact or control with more distinct values than this tells customers apart: its values are no literals."""

Counts = Counter[tuple[str, str]]
"""Matched cases per (target key, slot)."""


def words_of(view: View) -> set[str]:
    """Keys and literals of one view."""
    named = {f"slice:{view.slice}"} | {f"section:{mask(section.name)}" for section in view.sections}
    for control in view.controls:
        named |= {control.key, literal(control.key, control.value)}
    for fact in view.facts:
        named |= {fact.key, literal(fact.key, fact.value)}
    for table in view.tables:
        named |= {f"{table.key}/{header}" for header in table.headers}
    return named - {""}


def value_word(target: str, slot: str) -> str:
    """Names a source of a value as one for this target."""
    return f"{target}>{slot}"


def shape(text: str) -> str:
    """What a text looks like: `SKU-1929` -> `SKU-0000`, `12.50` -> `#.#`, `Ana Cruz` -> `Aa Aa`, any e-mail -> `@`."""
    if "@" in text:
        return "@"
    if re.fullmatch(r"[$€£]?\s?[\d,]*\d(\.\d+)?", text) and not re.fullmatch(r"\d{4,}", text):
        return re.sub(r"[\d,]+", "#", text)
    has_digit = any(c.isdigit() for c in text)
    text = re.sub(r"[^\W\d_a-z]", lambda m: m[0] if has_digit else "A", text[:40])
    return re.sub(r"[a-zß-ÿ]+", "a", re.sub(r"\d", "0", text))


class Lexicon(Frozen):
    """`words`: name to index, from 1; 0 is any other. `matched[target][slot]`: in how many cases the slot gave the recorded
    value of the target, out of `cases[target]`."""

    words: dict[str, int] = Field(default_factory=dict)
    matched: dict[str, dict[str, int]] = Field(default_factory=dict)
    cases: dict[str, int] = Field(default_factory=dict)

    def word(self, name: str) -> int:
        return self.words.get(name, 0)

    def prior(self, target: str, slot: str, own: Counts | None = None) -> tuple[float, float]:
        """The smoothed share of cases in which `slot` gave `target` its value, and how many cases that rests on.

        `own` is taken away: in training, what the example's own case adds.
        """
        seen = self.cases.get(target, 0)
        hits = self.matched.get(target, {}).get(slot, 0)
        if own is not None:
            seen -= own[target, ""] > 0
            hits -= own[target, slot] > 0
        return (hits + 0.02) / (seen + 1.0), float(seen)

    def fit(self, target: str, text: str, own: Counts | None = None) -> float:
        """The smoothed share of cases in which the value of `target` looked like `text`."""
        return self.prior(target, _shape_slot(text), own)[0]


def _shape_slot(text: str) -> str:
    return f"shape:{shape(text)}"


def own_counts(examples: Iterable[Example]) -> Counts:
    """What the examples of one case add to the lexicon's counts; slot "" counts the target itself."""
    counts: Counts = Counter()
    for example in examples:
        key = example.choices[example.target].key
        if example.matches:
            counts[key, ""] += 1
            counts.update((key, slot) for slot in {example.candidates[i].slot for i in example.matches})
            counts.update((key, slot) for slot in {_shape_slot(example.candidates[i].text) for i in example.matches})
    return counts


def learn_lexicon(cases: dict[str, list[Example]], min_cases: int = 3) -> Lexicon:
    """The lexicon of training `cases` (examples by case id)."""
    seen: Counter[str] = Counter()
    matched: dict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for examples in cases.values():
        named: set[str] = set()
        for example in examples:
            named |= words_of(example.sample.view)
            key = example.choices[example.target].key
            value = action_value(example.sample.action)
            named |= {key, f"{key}={fold(value or '').casefold()}"}
            named |= {value_word(key, candidate.slot) for candidate in example.candidates}
        seen.update(named)
        for key, slot in own_counts(examples):
            if slot:
                matched[key][slot] += 1
            else:
                totals[key] += 1
    spread = Counter(name.rsplit("=", 1)[0] for name in seen if "=" in name)
    usual = (name for name in seen if "=" not in name or spread[name.rsplit("=", 1)[0]] <= MAX_SPREAD)
    known = sorted(name for name in usual if seen[name] >= min_cases)
    return Lexicon(
        words={name: index for index, name in enumerate(known, start=1)},
        matched={key: dict(sorted(counts.items())) for key, counts in sorted(matched.items())},
        cases=dict(sorted(totals.items())),
    )
