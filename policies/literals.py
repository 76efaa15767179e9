"""A view as a set of simple truths: a fact with one of its usual values, a number or a day count on a side of a round edge.

Operators decide by conditions on typed facts ("Gold, or at most 90 days ago"); this is the language such rules are learned
in, and the one in which contexts are compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.encoder import mask
from policies.proposal import History
from schema_extraction.action import action_value, target_key
from schema_extraction.view import Value, View

EDGES = (
    *(0, 1, 10, 100, 1000, 50, 500, 5000, 5, 20, 200, 2000, 30, 60, 90, 180, 365, 7, 14, 15, 25, 250, 75, 150, 300, 2, 3, 4),
    *(21, 28, 40, 45, 70, 80, 120, 400, 600, 750, 800, 1500, 2500, 10000, 270, 730),
)
"""Roundest first: where data cannot tell two edges apart the rounder is taken."""
LITERAL_KINDS = frozenset({"text", "choice", "number"})
TYPED_KINDS = frozenset({"number", "money", "date"})
MAX_LITERAL = 60

Names = frozenset[str]


def literal(key: str, value: Value | None) -> str:
    """Names a fact or control holding a certain value; empty for values that tell a customer apart rather than a kind."""
    if value is None or value.kind not in LITERAL_KINDS or not 0 < len(value.raw) <= MAX_LITERAL:
        return ""
    return f"{key}={' '.join(value.raw.split()).casefold()}"


def literals(view: View, history: History = (), *, controls: bool = True) -> Names:
    """What is true of a view, and what was chosen before on forms that are gone. `controls`: also what its fields hold."""
    names = {f"slice={view.slice}"} | {f"section={mask(section.name)}" for section in view.sections}
    for fact in view.facts:
        names.update(_of(fact.key, fact.value, view))
    if controls:
        for control in view.controls:
            if not control.part:
                names.update(_of(control.key, control.value, view))
                if control.checked is not None:
                    names.add(f"{control.key}:{control.checked}")
    names |= {f"past {key}={value}" for key, value in chosen(history).items() if view.control(key) is None}
    return frozenset(names - {""})


def typed_literals(view: View, history: History = (), *, controls: bool = True) -> Names:
    """The literals in which no text has a part that anybody wrote for this case: numbers, sums and dates of facts, and what was
    chosen among options."""
    names = {f"slice={view.slice}"}
    for fact in view.facts:
        if fact.value.kind in TYPED_KINDS:
            names.update(_of(fact.key, fact.value, view))
    if controls:
        for control in view.controls:
            if not control.part and (control.options or control.checked is not None):
                names.add(literal(control.key, control.value) if control.options else "")
                names.add(f"{control.key}:{control.checked}" if control.checked is not None else "")
    names |= {f"past {key}={value}" for key, value in chosen(history).items() if view.control(key) is None}
    return frozenset(names - {""})


def chosen(history: History) -> dict[str, str]:
    """What was last selected or checked under each control key."""
    found: dict[str, str] = {}
    for item in history:
        if item.action.type in ("select", "check"):
            found[target_key(item.action)] = action_value(item.action) or ""
    return found


def task_of(view: View) -> Names:
    """What marks the task at hand: the sections and fields of the view, without what names the case or its process."""
    sections = {mask(section.name) for section in view.sections}
    named = {f"section {name}" for name in sections if name and (not view.slice or view.slice not in name)}
    return frozenset(named | {f"control {control.key}" for control in view.controls if not control.part})


def _of(key: str, value: Value | None, view: View) -> Iterator[str]:
    if value is None:
        return
    yield literal(key, value)
    if value.date:
        days = (view.today - value.date).days
        yield from _edges(f"{key} in" if days < 0 else f"{key} ago", abs(days))
        yield f"{key} {'ahead' if days < 0 else 'not ahead'}"
    elif value.number is not None:
        yield from _edges(key, value.number)


def _edges(key: str, amount: float) -> Iterator[str]:
    for edge in EDGES:
        if amount >= edge:
            yield f"{key}>={edge}"
            if amount > edge:
                yield f"{key}>{edge}"


def roundness(name: str) -> tuple[int, str]:
    """Sorts literals so that the rounder edge comes first."""
    edge = name.rsplit(">", 1)[-1].lstrip("=")
    return (EDGES.index(int(edge)) if ">" in name and edge.isdigit() and int(edge) in EDGES else 0, name)
