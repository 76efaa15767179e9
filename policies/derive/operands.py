"""The typed values of a view that a formula can be made of.

A slot names an operand across views: `fact:<key>`, `control:<key>`, `past:<key>` (entered before, on a form that is gone),
`span:<kind>:first|last|<n>` (what the customer wrote; kind `figure`: the first two numbers of a message with several),
`cell:<table>/<header>/<row>`, the same with row `@` (the one row whose id the case speaks of), `sum:<table>/<header>`,
`rows:<table>` and `today`. A text that holds one number, such as '14 days', is also that number, under its slot and a `#`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from policies.proposal import History
from policies.sources import read_spans
from schema_extraction.action import Fill, Select
from schema_extraction.normalise import decimal, value
from schema_extraction.view import Table, Value, View

Type = Literal["number", "date", "text"]
Unit = Literal["", "money", "percent"]

MAX_TEXT = 80
MAX_ROWS = 4
MAX_SPANS = 3
_FIGURE = re.compile(r"[1-9]\d*(?:\.\d+)?")
_ONE_NUMBER = re.compile(r"\D{0,24}?(?P<number>\d[\d,]*(?:\.\d+)?)(?P<percent>\s?%)?\D{0,24}")


@dataclass(frozen=True)
class Operand:
    """One typed value. `label` is what stands beside it, `shown` what the page says, `origin` the element (see `Source`)."""

    slot: str
    label: str
    type: Type
    shown: str
    origin: str = ""
    number: float | None = None
    day: date | None = None
    unit: Unit = ""


Operands = dict[str, Operand]


def operands(view: View, history: History = ()) -> Operands:
    """All operands of a view, by slot: facts first, today last."""
    found = [*_facts(view), *_controls(view), *_past(view, history), *_spans(view)]
    for table in view.tables:
        found += _table(table, _row_spoken_of(table, view, history))
    found.append(Operand("today", "today", "date", view.today.isoformat(), day=view.today))
    first: Operands = {}
    for operand in found:
        first.setdefault(operand.slot, operand)
    return first


def copied(slot: str) -> bool:
    """Whether what stands under a slot is offered as it is (see `sources`); the others are worked out."""
    return slot.startswith(("fact:", "control:", "span:", "cell:")) and not slot.endswith(("#", "/@"))


def _facts(view: View) -> Iterator[Operand]:
    for fact in view.facts:
        yield from _of(fact.value, f"fact:{fact.key}", fact.label, f"fact:{fact.key}")


def _controls(view: View) -> Iterator[Operand]:
    for control in view.controls:
        if control.value is not None and not control.sensitive and not control.part:
            yield from _of(control.value, f"control:{control.key}", control.name, f"control:{control.key}")


def _past(view: View, history: History) -> Iterator[Operand]:
    """The latest entry of every field that is not on the view any more."""
    entered: dict[str, tuple[str, str, bool]] = {}
    for item in history:
        if isinstance(item.action, Fill):
            entered[item.action.target.key] = (item.action.target.name, item.action.value, False)
        elif isinstance(item.action, Select):
            entered[item.action.target.key] = (item.action.target.name, item.action.option, True)
    there = {control.key for control in view.controls}
    for key, (name, text, chosen) in entered.items():
        if key not in there:
            yield from _of(value(text, "choice" if chosen else name), f"past:{key}", name, "")


def _spans(view: View) -> Iterator[Operand]:
    found: dict[str, list[tuple[int, Value]]] = {}
    two: tuple[int, list[str]] | None = None
    for index, message in enumerate(view.messages):
        if message.direction == "inbound":
            spans = read_spans(message.text)
            for _, _, typed in spans:
                found.setdefault(typed.kind, []).append((index, typed))
            figures = [typed.raw for _, _, typed in spans if typed.kind in ("number", "id") and _FIGURE.fullmatch(typed.raw)]
            two = (index, figures) if len(figures) > 1 else two
    if two is not None:
        # Long numbers are read as ids; where a message names two figures they may be readings.
        for place, raw in zip(("first", "second"), two[1], strict=False):
            slot, label = f"span:figure:{place}", f"the customer's {place} figure"
            yield Operand(slot, label, "number", raw, f"message:{two[0]}", number=decimal(raw))
    for kind, items in found.items():
        for place in ("last", "first") if len(items) > 1 else ("last",):
            index, typed = items[-1 if place == "last" else 0]
            label = f"the customer's {kind}" if place == "last" else f"the customer's first {kind}"
            yield from _of(typed, f"span:{kind}:{place}", label, f"message:{index}")
        for number, (index, typed) in enumerate(items[1:-1][:MAX_SPANS], start=1):
            yield from _of(typed, f"span:{kind}:{number}", f"the customer's {kind} {number + 1}", f"message:{index}")


def _table(table: Table, spoken_of: int | None) -> Iterator[Operand]:
    name = table.name or table.section or "the table"
    for number, row in enumerate(table.rows):
        for column, cell in enumerate(row.cells):
            header = table.headers[column] if column < len(table.headers) else str(column)
            origin = f"cell:{table.key}/{number}/{column}"
            if number < MAX_ROWS:
                label = header if len(table.rows) == 1 else f"{header} (row {number + 1})"
                yield from _of(cell, f"cell:{table.key}/{header}/{number}", label, origin)
            if number == spoken_of:
                yield from _of(cell, f"cell:{table.key}/{header}/@", header, origin)
    for column, header in enumerate(table.headers):
        cells = [row.cells[column] for row in table.rows if column < len(row.cells)]
        numbers = [cell.number for cell in cells if cell.number is not None]
        if len(numbers) == len(cells) > 0:
            unit: Unit = "money" if cells[0].kind == "money" else ""
            total = round(sum(numbers), 6)
            yield Operand(f"sum:{table.key}/{header}", f"the sum of {header}", "number", f"{total:g}", number=total, unit=unit)
    if table.rows:
        count = len(table.rows)
        yield Operand(f"rows:{table.key}", f"the rows of {name}", "number", str(count), number=float(count))


def _row_spoken_of(table: Table, view: View, history: History) -> int | None:
    """The one row that holds an id which the fields, the customer or the facts name, in this order."""
    entered = {c.value.raw.casefold() for c in view.controls if c.value and c.value.raw and not c.part}
    entered |= {i.action.value.strip().casefold() for i in history if isinstance(i.action, Fill)}
    said = {
        typed.raw.casefold()
        for message in view.messages
        if message.direction == "inbound"
        for _, _, typed in read_spans(message.text)
        if typed.kind == "id"
    }
    facts = {fact.value.raw.casefold() for fact in view.facts if fact.value.kind == "id"}
    for names in (entered, said, facts):
        rows = [
            number
            for number, row in enumerate(table.rows)
            if any(cell.kind == "id" and cell.raw.casefold() in names for cell in row.cells)
        ]
        if len(rows) == 1:
            return rows[0]
    return None


def _of(typed: Value, slot: str, label: str, origin: str) -> Iterator[Operand]:
    raw = " ".join(typed.raw.split())
    if not 0 < len(raw) <= MAX_TEXT:
        return
    if typed.date is not None:
        yield Operand(slot, label, "date", raw, origin, day=typed.date)
    elif typed.number is not None:
        unit: Unit = "money" if typed.kind == "money" else "percent" if raw.endswith("%") else ""
        yield Operand(slot, label, "number", raw, origin, number=typed.number, unit=unit)
    else:
        # An address in small letters is the same address, and so no work of anybody.
        yield Operand(slot, label, "text", typed.normal if typed.kind == "email" else raw, origin)
        one = _ONE_NUMBER.fullmatch(raw) if typed.kind in ("text", "choice") else None
        number = decimal(one["number"]) if one else None
        if one is not None and number is not None:
            unit = "percent" if one["percent"] else ""
            yield Operand(f"{slot}#", label, "number", raw, origin, number=number, unit=unit)
