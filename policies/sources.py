"""Where on a view a value can be taken from: facts, typed spans of messages, table cells and filled controls.

One source gives one value in several forms: a date as written and as ISO, a sum with and without its currency, a person's
first and last name. Candidates for filling and the slots of templates are both made from these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from policies.encoder import mask
from policies.proposal import History
from schema_extraction.action import Fill, Provenance
from schema_extraction.normalise import spans
from schema_extraction.normalise import value as normalised
from schema_extraction.view import Value, ValueKind, View

MAX_FACT = 200
MAX_ROWS = 8
read_spans = lru_cache(maxsize=8192)(spans)
"""Typed spans of a text, remembered: the same messages are read again at every step of a case."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_NAME = re.compile(r"[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*){1,3}")


@dataclass(frozen=True)
class Source:
    """One text that the view offers. `slot` names it across views, e.g. `fact:Customer/Full name|first`; `origin` names the
    element it came from on this view (`fact:<key>`, `message:<index>`, `table:<key>`, `control:<key>`); `label` is what
    stands beside it and is what a model reads to tell sources apart."""

    text: str
    slot: str
    form: str
    label: str
    origin: str
    kind: ValueKind
    provenance: Provenance
    number: float | None = None
    day: date | None = None


def sources(view: View, history: History = ()) -> tuple[Source, ...]:
    """All sources of a view, each text and slot once, facts first. With `history` also what was filled in before, on forms that
    are gone, where it shows nowhere else."""
    found = [*_facts(view), *_spans(view), *_cells(view), *_controls(view)]
    if history:
        shown = {source.text for source in found}
        found += [source for source in _past(view, history) if source.text not in shown]
    return tuple({(s.slot, s.text): s for s in reversed(found)}.values())[::-1]


def sentences(text: str) -> list[str]:
    """The sentences of a message, very short ones joined to the one before."""
    found: list[str] = []
    for piece in _SENTENCE.split(text):
        if found and len(piece) < 12:
            found[-1] += " " + piece
        elif piece.strip():
            found.append(piece.strip())
    return found


def forms(value: Value) -> dict[str, str]:
    """The texts that one value may be written as, by the name of the form."""
    raw = value.raw.strip()
    written = {"raw": raw}
    if value.normal and value.kind not in ("text", "money"):
        written["normal"] = value.normal
    if value.kind == "date" and value.date:
        day = value.date
        written |= {
            "day month year": f"{day.day} {day:%B} {day.year}",
            "month day, year": f"{day:%B} {day.day}, {day.year}",
            "dd/mm/yyyy": f"{day:%d/%m/%Y}",
            "mm/dd/yyyy": f"{day:%m/%d/%Y}",
        }
    elif value.kind == "money" and value.number is not None:
        written["0.00"] = f"{value.number:.2f}"
        if value.number == int(value.number):
            written["0"] = f"{value.number:.0f}"
    elif value.kind in ("text", "choice") and _NAME.fullmatch(raw):
        words = raw.split()
        written |= {"first": words[0], "last": words[-1]}
    distinct: dict[str, str] = {}
    for form, text in written.items():
        if text and text not in distinct.values():
            distinct[form] = text
    return distinct


def _of(value: Value, slot: str, label: str, origin: str, provenance: Provenance) -> Iterator[Source]:
    for form, text in forms(value).items():
        yield Source(text, f"{slot}|{form}", form, label, origin, value.kind, provenance, value.number, value.date)


def _facts(view: View) -> Iterator[Source]:
    for fact in view.facts:
        if 0 < len(fact.value.raw) <= MAX_FACT:
            where = Provenance(source="fact", where=fact.key)
            yield from _of(fact.value, f"fact:{fact.key}", fact.label, f"fact:{fact.key}", where)


def _spans(view: View) -> Iterator[Source]:
    """Typed spans of what the customer wrote. A slot says kind and whether first or last of its kind, so that the same
    slot means the same in another conversation."""
    found: dict[str, list[tuple[int, int, int, Value]]] = {}
    for index, message in enumerate(view.messages):
        if message.direction == "inbound":
            for start, end, value in read_spans(message.text):
                found.setdefault(value.kind, []).append((index, start, end, value))
    for kind, items in found.items():
        for place in ("last", "first"):
            index, start, end, value = items[-1 if place == "last" else 0]
            yield from _span(view, index, start, end, value, f"span:{kind}:{place}")
        for number, (index, start, end, value) in enumerate(items[1:-1], start=1):
            yield from _span(view, index, start, end, value, f"span:{kind}:{number}")


def _span(view: View, index: int, start: int, end: int, value: Value, slot: str) -> Iterator[Source]:
    text = view.messages[index].text
    before = text[max(0, start - 40) : start].split(" ", 1)[-1] if start > 40 else text[:start]
    label = f"{value.kind}: {mask(before)} [{value.kind}] {mask(text[end : end + 15])}"
    where = Provenance(source="message", where=str(index), span=(start, end))
    yield from _of(value, slot, " ".join(label.split()), f"message:{index}", where)


def _cells(view: View) -> Iterator[Source]:
    for table in view.tables:
        where = Provenance(source="cell", where=table.key)
        for number, row in enumerate(table.rows[:MAX_ROWS]):
            for column, value in enumerate(row.cells):
                header = table.headers[column] if column < len(table.headers) else str(column)
                if 0 < len(value.raw) <= MAX_FACT:
                    slot = f"cell:{table.key}/{header}/{number}"
                    yield from _of(value, slot, f"{table.name} {header}".strip(), f"cell:{table.key}/{number}/{column}", where)


def _controls(view: View) -> Iterator[Source]:
    for control in view.controls:
        if control.value and control.value.raw and not control.sensitive and not control.part:
            where = Provenance(source="derived", where=control.key)
            origin = f"control:{control.key}"
            yield from _of(control.value, origin, control.name, origin, where)


def _past(view: View, history: History) -> Iterator[Source]:
    there = {control.key for control in view.controls}
    filled = {item.action.target.key: item.action for item in history if isinstance(item.action, Fill)}
    for key, action in filled.items():
        if key not in there and len(action.value) <= MAX_FACT:
            where = Provenance(source="derived", where=key)
            yield from _of(normalised(action.value, action.target.name), f"past:{key}", action.target.name, "", where)
