"""How unfamiliar a view is: what it is built of, against the views that operators worked on.

A view's make-up is the set of its controls, facts, tables, sections and dialog, by stable key, whatever they hold. Its
distance is the least Jaccard distance to a training view, in units of the 99th percentile of held-out training views.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from policies.encoder import mask
from schema_extraction.view import View

PERCENTILE = 0.99
LEAST_UNIT = 0.05
"""A unit is never less: where all held-out views are built like training views, it is one new element in twenty."""
MAX_KNOWN = 400

MakeUp = frozenset[str]


def make_up(view: View) -> MakeUp:
    """What a view is built of."""
    parts = {f"control {c.role} {c.key}" for c in view.controls} | {f"fact {f.key}" for f in view.facts}
    parts |= {f"table {t.key} {header}" for t in view.tables for header in t.headers}
    parts |= {f"section {mask(s.name)}" for s in view.sections if s.name}
    if view.dialog:
        parts.add(f"dialog {mask(view.dialog.name)}")
    return frozenset(parts)


class Novelty:
    """`known`: distinct make-ups of training views. `unit`: the distance that counts as 1."""

    def __init__(self, known: Sequence[MakeUp], unit: float = LEAST_UNIT) -> None:
        self.known = tuple(known)
        self.unit = unit

    def __call__(self, view: View) -> float:
        """The novelty of a view, in [0, inf): 0 for one built like a training view."""
        return self.distance(make_up(view)) / self.unit

    def distance(self, made_of: MakeUp) -> float:
        """Least Jaccard distance to a known make-up; 1 where nothing is known."""
        nearest = 0.0
        for known in self.known:
            shared = len(made_of & known)
            nearest = max(nearest, shared / max(len(made_of) + len(known) - shared, 1))
        return 1.0 - nearest


def learn_novelty(training: Iterable[View], held_out: Iterable[View]) -> Novelty:
    """From the views of training cases, with the unit taken from those of held-out cases. The most common make-ups are kept."""
    counts = Counter(make_up(view) for view in training)
    known = [parts for parts, _ in sorted(counts.items(), key=lambda item: (-item[1], sorted(item[0])))[:MAX_KNOWN]]
    plain = Novelty(known)
    distances = sorted(plain.distance(parts) for parts in map(make_up, held_out))
    if not distances:
        return plain
    return Novelty(known, max(distances[math.ceil(PERCENTILE * len(distances)) - 1], LEAST_UNIT))


def to_json(novelty: Novelty) -> dict[str, object]:
    """Plain data for a model folder."""
    parts = sorted({part for parts in novelty.known for part in parts})
    index = {part: place for place, part in enumerate(parts)}
    return {"unit": novelty.unit, "parts": parts, "known": [sorted(index[part] for part in known) for known in novelty.known]}


def from_json(data: dict[str, object]) -> Novelty:
    """What `to_json` gave."""
    parts, known, unit = data["parts"], data["known"], data["unit"]
    assert isinstance(parts, list) and isinstance(known, list) and isinstance(unit, (int, float))
    return Novelty([frozenset(parts[place] for place in places) for places in known], float(unit))
