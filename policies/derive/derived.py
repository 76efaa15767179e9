"""What was learned of derived values, as it is kept in a model folder (part of `policy.json`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING

from pydantic import Field

from policies.derive.comparisons import Comparison
from policies.derive.operands import Operands, operands
from policies.derive.search import Formula, SearchSettings, find_all
from policies.derive.table import Entry
from policies.proposal import History
from schema_extraction.action import Fill, Select
from schema_extraction.normalise import value
from schema_extraction.view import Frozen, View

if TYPE_CHECKING:
    from policies.dataset import Sample

SURE = 0.9
"""The share of cases in which a formula must have held for a value that differs from it to be in doubt."""


class Derived(Frozen):
    """`formulas` by target key, best first; `comparisons` that decide choices."""

    formulas: dict[str, tuple[Formula, ...]] = Field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()

    def of(self, key: str, process: str) -> Iterator[Formula]:
        """The formulas of a field in a process."""
        return (f for f in self.formulas.get(key, ()) if not f.slices or process in f.slices)


def learn_formulas(samples: Iterable[Sample], settings: SearchSettings = SearchSettings()) -> dict[str, tuple[Formula, ...]]:
    """The formulas behind what operators filled in and selected, by target key."""
    return find_all(_entries(samples, settings.most), settings)


def _entries(samples: Iterable[Sample], most: int) -> Iterator[tuple[str, str, Entry]]:
    """Entries of at most `most` cases a field and process, whichever: what a view offers is worked out for these only."""
    cases: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in sorted(samples, key=lambda s: blake2b(s.case_id.encode(), digest_size=8).digest()):
        action = sample.action
        if isinstance(action, Fill | Select):
            text = action.value if isinstance(action, Fill) else action.option
            key = action.target.key
            known = cases[key, sample.view.slice]
            if sample.case_id not in known and len(known) >= most:
                continue
            known.add(sample.case_id)
            given = without(operands(sample.view, sample.history), key)
            yield key, sample.view.slice, Entry(sample.case_id, given, value(text, action.target.name))


def without(given: Operands, key: str) -> Operands:
    """Operands without what the field `key` itself holds or held."""
    own = {f"{kind}:{key}{mark}" for kind in ("control", "past") for mark in ("", "#")}
    return {slot: operand for slot, operand in given.items() if slot not in own}


def contradicted(view: View, history: History, derived: Derived) -> dict[str, str]:
    """Fields that hold something else than the formula behind them gives, though it nearly always held; with what it gives."""
    found: dict[str, str] = {}
    given = operands(view, history) if derived.formulas else {}
    for control in view.controls:
        if control.value is None or not control.value.raw or control.key not in derived.formulas:
            continue
        sure = [f for f in derived.of(control.key, view.slice) if f.held >= SURE * f.cases and f.chance < SURE]
        told = [result[1] for f in sure if (result := f.value(without(given, control.key))) is not None]
        held = " ".join(control.value.raw.split())
        if told and held not in told:
            found[control.key] = told[0]
    return found
