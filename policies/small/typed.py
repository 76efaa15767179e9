"""What is true of a view in which nobody's words have a part: typed facts, what was chosen among options, and comparisons of
these."""

from __future__ import annotations

from collections.abc import Sequence

from policies.derive.comparisons import Comparison
from policies.derive.operands import operands
from policies.literals import TYPED_KINDS, Names, typed_literals
from policies.proposal import History
from schema_extraction.view import View


def without_text(view: View) -> View:
    """The view without messages, notices, prose, and facts and fields that hold text."""
    return view.but(
        title="",
        facts=tuple(fact for fact in view.facts if fact.value.kind in TYPED_KINDS),
        controls=tuple(c if c.options or c.value is None else c.but(value=None, message="") for c in view.controls),
        sections=tuple(section.but(text="") for section in view.sections),
        messages=(),
        tables=(),
        notices=(),
        dialog=None,
    )


def typed_truths(view: View, history: History, comparisons: Sequence[Comparison] = (), *, controls: bool = True) -> Names:
    """The typed literals of a view, with the comparisons that hold of its typed facts. `controls`: see `literals`."""
    chosen = tuple(item for item in history if item.action.type in ("select", "check"))
    known = typed_literals(view, chosen, controls=controls)
    asked = [c for c in comparisons if controls or not c.of_controls]
    if not asked:
        return known
    given = operands(without_text(view), chosen)
    return known | {c.name for c in asked if c.holds(given)}
