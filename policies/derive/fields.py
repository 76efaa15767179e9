"""Where what operators enter comes from: how much of it is copied, chosen, derived or free."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from policies.derive.derived import without
from policies.derive.expressions import worded
from policies.derive.operands import operands
from policies.sources import sources
from policies.templates import fold
from schema_extraction.action import Action, Fill, Select, action_value, target_key
from schema_extraction.view import Frozen, View

if TYPE_CHECKING:
    from policies.candidates import Memory
    from policies.dataset import Sample
    from policies.proposal import History

Use = Literal["copied", "chosen", "derived", "free"]
USES: tuple[Use, ...] = ("copied", "chosen", "derived", "free")
PARTS = ("first", "last")


class FieldUse(Frozen):
    """One field: how many of its entries are of each kind, and the formulas behind it in words."""

    key: str
    name: str
    entries: int
    copied: int = 0
    chosen: int = 0
    derived: int = 0
    free: int = 0
    formulas: tuple[str, ...] = ()

    @property
    def use(self) -> Use:
        """What most of its entries are."""
        counts: dict[Use, int] = {"copied": self.copied, "chosen": self.chosen, "derived": self.derived, "free": self.free}
        return max(USES, key=lambda use: counts[use])


class FieldReport(Frozen):
    """All fields that something was entered into, by key."""

    fields: tuple[FieldUse, ...] = ()

    def count(self, use: Use) -> int:
        """How many fields are mostly of this kind."""
        return sum(field.use == use for field in self.fields)

    def entries(self, use: Use) -> int:
        """How many entries are of this kind."""
        return sum(int(getattr(field, use)) for field in self.fields)


def use_of(view: View, history: History, action: Action, memory: Memory) -> Use | None:
    """What an entry is; None for what enters nothing into a field (clicks, messages).

    Chosen: an option or a check box, unless a formula gives it. Derived: a formula of this field gives it, or it is part of a
    name. Copied: it stands on the page, or was entered before. Free: none of these.
    """
    value = action_value(action)
    if value is None or action.type == "send_message":
        return None
    key, text = target_key(action), fold(value)
    formulas = tuple(memory.derived.of(key, view.slice))
    if formulas:
        given = without(operands(view, history), key)
        if any(result[1] == text for formula in formulas if (result := formula.value(given)) is not None):
            return "derived"
    control = view.control(key)
    if not isinstance(action, Fill) and (not isinstance(action, Select) or (control is not None and control.options)):
        return "chosen"
    forms = {
        source.form for source in sources(view, history) if fold(source.text) == text and source.origin != f"control:{key}"
    }
    if forms:
        return "derived" if forms <= {*PARTS} else "copied"
    return "free" if isinstance(action, Fill) else "chosen"


def report(samples: Iterable[Sample], memory: Memory) -> FieldReport:
    """The fields of recorded steps."""
    counts: dict[str, Counter[Use]] = defaultdict(Counter)
    names: dict[str, str] = {}
    for sample in samples:
        use = use_of(sample.view, sample.history, sample.action, memory)
        if use is not None:
            key = target_key(sample.action)
            counts[key][use] += 1
            names.setdefault(key, getattr(getattr(sample.action, "target", None), "name", "") or key.replace("_", " "))
    return FieldReport(
        fields=tuple(
            FieldUse(
                key=key,
                name=names[key],
                entries=found.total(),
                copied=found["copied"],
                chosen=found["chosen"],
                derived=found["derived"],
                free=found["free"],
                formulas=tuple(worded(f.expression) for f in memory.derived.formulas.get(key, ())),
            )
            for key, found in sorted(counts.items())
        )
    )
