"""The actions that are valid on a view: every target that can be operated now, with every value it can be given.

`Memory` is what the training traces add: values typed before, templates of texts, how each control was operated, and which
links were ever followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from pydantic import Field

from policies.derive.derived import Derived, without
from policies.derive.expressions import worded
from policies.derive.operands import Operands, operands
from policies.proposal import History
from policies.sources import Source, sources
from policies.templates import Template, fold, values
from schema_extraction.action import (
    COMPOSITE_VALUES,
    Action,
    Check,
    Click,
    CloseCase,
    Fill,
    Provenance,
    Select,
    SendMessage,
    Target,
    TransferCase,
)
from schema_extraction.view import Control, Frozen, ValueKind, View

Operation = Literal["click", "fill", "select", "check", "send_message", "close_case", "transfer_case"]

TEXT_ROLES = frozenset({"textbox", "searchbox", "spinbutton"})
CHOICE_ROLES = frozenset({"combobox", "listbox", "radiogroup"})
TOGGLE_ROLES = frozenset({"checkbox", "switch", "radio", "menuitemcheckbox", "menuitemradio"})
PASSIVE_ROLES = frozenset({"option", "slider", "progressbar", "scrollbar"})
MAX_CONSTANTS = 24
LONG = 80


class Constant(Frozen):
    """A value typed for the same control in `cases` training cases."""

    text: str
    cases: int


class Memory(Frozen):
    """What training traces add to a view. `constants` and `templates` by target key; `used`: keys of all targets ever acted
    on; `operations`: how a control was operated where its role leaves it open; `derived`: how values are worked out; `past`:
    whether what was entered on earlier forms is offered again."""

    constants: dict[str, tuple[Constant, ...]] = Field(default_factory=dict)
    templates: dict[str, tuple[Template, ...]] = Field(default_factory=dict)
    operations: dict[str, Operation] = Field(default_factory=dict)
    used: frozenset[str] = frozenset()
    derived: Derived = Derived()
    past: bool = False


@dataclass(frozen=True)
class Candidate:
    """One value that a target can be given. `slot` names the source across views (`fact:<key>|raw`, `option:<label>`,
    `constant:<text>`, `template:<id>`, `derived:<id>`); `label` is what stands beside the source;
    `origin` is its element on this view; candidates of the same `meaning` differ in wording only."""

    text: str
    provenance: Provenance
    slot: str
    label: str = ""
    origin: str = ""
    form: str = ""
    kind: ValueKind = "text"
    number: float | None = None
    day: date | None = None
    meaning: str = ""


@dataclass(frozen=True)
class Choice:
    """One target with the operation it takes. `control` is None for composites whose value part is not on the page yet."""

    operation: Operation
    key: str
    control: Control | None = field(default=None, compare=False)

    def action(self, candidate: Candidate | None = None) -> Action:
        """The action on this target with this value (None for clicks and checks)."""
        text = candidate.text if candidate else ""
        provenance = candidate.provenance if candidate else Provenance(source="operator")
        match self.operation:
            case "send_message":
                return SendMessage(text=text, provenance=provenance)
            case "close_case":
                return CloseCase(resolution=text, provenance=provenance)
            case "transfer_case":
                return TransferCase(team=text, provenance=provenance)
        assert self.control is not None
        target = Target(key=self.control.key, role=self.control.role, name=self.control.name, ref=self.control.ref)
        match self.operation:
            case "click":
                return Click(target=target)
            case "check":
                return Check(target=target, checked=not self.control.checked)
            case "select":
                return Select(target=target, option=text, provenance=provenance)
            case _:
                return Fill(target=target, value=text, provenance=provenance)

    @property
    def valued(self) -> bool:
        """Whether an action on this target has a value to choose."""
        return self.operation not in ("click", "check")


def operation(control: Control, memory: Memory) -> Operation | None:
    """The operation that a control takes, or None when it takes none now."""
    if control.disabled or control.readonly or control.part or control.role in PASSIVE_ROLES:
        return None
    if control.key in memory.operations:
        return memory.operations[control.key]
    if control.role in TOGGLE_ROLES:
        return None if control.role == "radio" and control.checked else "check"
    if control.role in CHOICE_ROLES:
        return "select"
    if control.role in TEXT_ROLES:
        return None if control.sensitive else "fill"
    if control.role == "tab" and control.checked:
        return None
    if control.role == "link" and memory.used and control.key not in memory.used:
        return None
    return "click"


def choices(view: View, memory: Memory) -> tuple[Choice, ...]:
    """Every target that can take an action now: controls in page order, then composites."""
    found = [Choice(op, c.key, c) for c in view.controls if (op := operation(c, memory))]
    found += [Choice(name, name, part) for name, part in _composites(view) if not memory.used or name in memory.used]
    return tuple({choice.key: choice for choice in reversed(found)}.values())[::-1]


def _composites(view: View) -> Iterator[tuple[Operation, Control | None]]:
    """Composites that can begin now: their value part can be operated, or is yet to appear after a click that can."""
    names: tuple[Operation, ...] = ("send_message", "close_case", "transfer_case")
    for name in names:
        parts = [c for c in view.controls if c.part.startswith(f"{name}.")]
        value = view.part(name, COMPOSITE_VALUES[name])
        if value is not None and not (value.disabled or value.readonly):
            yield name, value
        elif value is None and any(not c.disabled for c in parts):
            yield name, None


class Offer:
    """The values that a view offers, worked out once per view."""

    def __init__(self, view: View, memory: Memory, history: History = ()) -> None:
        self.view = view
        self.memory = memory
        self.history = history
        self.sources = sources(view, history if memory.past else ())
        self._slots = values(self.sources)
        self._given: Operands | None = None

    def candidates(self, choice: Choice) -> tuple[Candidate, ...]:
        """Values that `choice` can be given and does not already have. Several may have the same text from other sources."""
        if not choice.valued:
            return ()
        control = choice.control
        if control is not None and control.options and choice.operation != "fill":
            found = _options(control)
            labels = {candidate.text for candidate in found}
            found += [candidate for candidate in self._derived(choice.key) if candidate.text in labels]
        else:
            found = [*self._constants(choice.key), *self._templates(choice)]
            if choice.operation == "fill" or (choice.operation == "select" and control is not None):
                found += self._derived(choice.key)
                found += self._copies(control)
        held = fold(control.value.raw) if control is not None and control.value and choice.operation != "send_message" else None
        return tuple(c for c in found if fold(c.text) != held and (control is None or accepts(control, c.text)))

    def _constants(self, key: str) -> list[Candidate]:
        known = self.memory.constants.get(key, ())[:MAX_CONSTANTS]
        return [Candidate(c.text, Provenance(source="constant"), f"constant:{c.text}", "constant") for c in known]

    def _templates(self, choice: Choice) -> list[Candidate]:
        found = []
        for template in self.memory.templates.get(choice.key, ()):
            text = template.fill(self._slots)
            if text is not None:
                where = Provenance(source="template", where=template.id)
                slot = f"template:{template.id}"
                found.append(Candidate(text, where, slot, template.text, meaning=template.meaning))
        return found

    def _derived(self, key: str) -> list[Candidate]:
        """What the formulas behind a field come to."""
        found = []
        for formula in self.memory.derived.of(key, self.view.slice):
            if self._given is None:
                self._given = operands(self.view, self.history)
            given = without(self._given, key)
            if (worked_out := formula.value(given)) is not None:
                result, text = worked_out
                where = Provenance(source="derived", where=formula.id, formula=worded(formula.expression, given))
                candidate = Candidate(text, where, f"derived:{formula.id}", worded(formula.expression))
                if isinstance(result, date):
                    candidate = replace(candidate, kind="date", day=result)
                elif isinstance(result, float):
                    candidate = replace(candidate, kind="number", number=result)
                found.append(candidate)
        return found

    def _copies(self, control: Control | None) -> list[Candidate]:
        own = f"control:{control.key}" if control else ""
        return [_copy(source) for source in self.sources if source.origin != own and len(source.text) <= LONG]


def _copy(source: Source) -> Candidate:
    return Candidate(
        source.text,
        source.provenance,
        source.slot,
        source.label,
        source.origin,
        source.form,
        source.kind,
        source.number,
        source.day,
    )


def _options(control: Control) -> list[Candidate]:
    """Options that can be chosen, without the empty one that stands for no choice."""
    some_valued = any(option.value for option in control.options)
    return [
        Candidate(option.label, Provenance(source="option", where=control.key), f"option:{option.label}", kind="choice")
        for option in control.options
        if not option.disabled and not option.selected and option.label.strip() and (option.value or not some_valued)
    ]


def accepts(control: Control, text: str) -> bool:
    """Whether a control's own declared format takes a text. Options are always taken."""
    if control.options:
        return True
    rule = control.format
    if rule.type in ("number", "range") or control.role == "spinbutton":
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
            return False
        low, high = _number(rule.min), _number(rule.max)
        if (low is not None and float(text) < low) or (high is not None and float(text) > high):
            return False
    if rule.type == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return False
    if rule.type == "email" and "@" not in text:
        return False
    if rule.max_length is not None and len(text) > rule.max_length:
        return False
    if rule.min_length is not None and len(text) < rule.min_length:
        return False
    return not rule.pattern or _matches(rule.pattern, text)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:  # the page's pattern is a JavaScript one that Python cannot read: the page will judge
        return True


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def candidates(view: View, memory: Memory = Memory(), history: History = ()) -> list[Action]:
    """Every valid action on a view, each once, in page order."""
    offer = Offer(view, memory, history)
    found: dict[tuple[str, str, str], Action] = {}
    for choice in choices(view, memory):
        for candidate in offer.candidates(choice) if choice.valued else (None,):
            found.setdefault(
                (choice.operation, choice.key, fold(candidate.text) if candidate else ""), choice.action(candidate)
            )
    return list(found.values())
