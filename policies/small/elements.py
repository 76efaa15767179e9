"""A view as arrays: one row an element. Texts are referred to by index and embedded later."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from policies.candidates import Choice
from policies.encoder import mask
from policies.literals import literal
from policies.proposal import History, is_critical
from policies.small.columns import FLAGS, KINDS, ROLES, Floats, Ints, Texts
from policies.small.knowledge import Knowledge, Opinion
from policies.small.lexicon import Lexicon
from policies.sources import read_spans, sentences
from policies.templates import fold
from schema_extraction.action import Check, Select, action_value, target_key
from schema_extraction.view import Control, Value, View

_FLAG = {name: index for index, name in enumerate(FLAGS)}
_KIND = {name: index for index, name in enumerate(KINDS)}
_ROLE = {name: index for index, name in enumerate(ROLES)}

MAX_SENTENCES = 20
MAX_CELLS = 24
MAX_PAST = 8


@dataclass(frozen=True)
class Elements:
    """The rows of a view: first the view itself, then its targets in the order of the choices, then the rest.

    `ids` (n, len(IDS)); `numbers` (n, 2): a number and days from today, NaN where there is none; `flags` (n, len(FLAGS)).
    `own` = 1 + number of targets. `origins`: element name (see `Source.origin`) to row.
    """

    ids: Ints
    numbers: Floats
    flags: Floats
    own: int
    origins: dict[str, int]


class _Rows:
    def __init__(self, view: View, lexicon: Lexicon, texts: Texts) -> None:
        self.view, self.lexicon, self.texts = view, lexicon, texts
        self.ids: list[tuple[int, ...]] = []
        self.numbers: list[tuple[float, float]] = []
        self.flags: list[Floats] = []
        self.origins: dict[str, int] = {}

    def add(
        self,
        kind: str,
        *,
        role: str = "",
        word: str = "",
        literal: str = "",
        label: str = "",
        value: str = "",
        section: str = "",
        typed: Value | None = None,
        origin: str = "",
        **flags: float,
    ) -> None:
        if origin:
            self.origins.setdefault(origin, len(self.ids))
        texts = self.texts
        self.ids.append(
            (
                _KIND[kind],
                _ROLE.get(role, 0),
                self.lexicon.word(word),
                self.lexicon.word(literal),
                texts(mask(label)),
                texts(mask(value)),
                texts(mask(section)),
            )
        )
        self.numbers.append(_numbers(typed, self.view.today))
        row = np.zeros(len(FLAGS), np.float32)
        for name, flag in flags.items():
            row[_FLAG[name]] = flag
        self.flags.append(row)


def _numbers(value: Value | None, today: date) -> tuple[float, float]:
    if value is None:
        return math.nan, math.nan
    number = value.number if value.number is not None else math.nan
    return number, float((today - value.date).days) if value.date else math.nan


def _shown(value: Value | None) -> str:
    """The text of a value as it is embedded: itself where words matter, else the name of its kind."""
    if value is None or not value.raw:
        return ""
    return value.raw if value.kind in ("text", "choice") else value.kind


def elements(
    view: View, history: History, choices: Sequence[Choice], known: Knowledge, opinion: Opinion, texts: Texts
) -> Elements:
    """The rows of a view."""
    rows = _Rows(view, known.lexicon, texts)
    _add_view(rows, history)
    _add_targets(rows, history, choices, {c.key: known.rules.uptake(c.key, opinion.stable, opinion.task) for c in choices})
    own = len(rows.ids)
    _add_held(rows, choices)
    _add_past(rows, history)
    for fact in view.facts:
        rows.add(
            "fact",
            word=fact.key,
            literal=literal(fact.key, fact.value),
            label=fact.label,
            value=_shown(fact.value),
            section=fact.section,
            typed=fact.value,
            origin=f"fact:{fact.key}",
        )
    _add_messages(rows)
    _add_cells(rows)
    for section in view.sections:
        rows.add("section", word=f"section:{mask(section.name)}", label=section.name, value=section.text)
    for notice in view.notices:
        rows.add("notice", role=notice.kind, value=notice.text, word=notice.control)
    if view.dialog:
        rows.add("dialog", label=view.dialog.name, value=view.dialog.text)
    return Elements(np.array(rows.ids, np.int32), np.array(rows.numbers, np.float32), np.stack(rows.flags), own, rows.origins)


def _filled(control: Control) -> bool:
    return bool(control.checked) or (control.value is not None and control.value.raw != "")


def _add_view(rows: _Rows, history: History) -> None:
    view = rows.view
    fields = [c for c in view.operable() if not c.part and c.role not in ("button", "link", "tab", "menuitem")]
    since = next((n for n, item in enumerate(reversed(history)) if is_critical(view, item.action)), len(history))
    rows.add(
        "view",
        word=f"slice:{view.slice}",
        literal=target_key(history[-1].action) if history else "",
        label=view.title,
        busy=view.busy,
        dialog=view.dialog is not None,
        some_required_empty=any(c.required and not _filled(c) for c in fields),
        some_empty=any(not _filled(c) for c in fields if c.role != "checkbox"),
        some_invalid=any(c.invalid for c in view.controls),
        steps=math.log1p(len(history)) / 3,
        since_critical=math.log1p(since) / 3,
        sent=min(sum(item.action.type == "send_message" for item in history), 4) / 4,
    )


def _of(control: Control) -> dict[str, Any]:
    """What every row of a control says."""
    return {
        "role": control.role,
        "word": control.key,
        "literal": literal(control.key, control.value),
        "label": control.name,
        "value": _shown(control.value),
        "section": control.section,
        "typed": control.value,
        "origin": f"control:{control.key}",
    }


def _add_targets(rows: _Rows, history: History, choices: Sequence[Choice], uptakes: dict[str, float | None]) -> None:
    acted = Counter(target_key(item.action) for item in history)
    recent = [target_key(item.action) for item in history[-2:]][::-1]
    first_empty = next(
        (c.key for c in choices if c.valued and c.control and not c.control.part and not _filled(c.control)), None
    )
    for place, choice in enumerate(choices):
        control = choice.control
        uptake = uptakes[choice.key]
        common: dict[str, Any] = {
            "uptake": _logit(uptake) / 4 if uptake is not None else 0.0,
            "has_uptake": uptake is not None,
            "acted": acted[choice.key] > 0,
            "again": acted[choice.key] > 1,
            "latest": recent[:1] == [choice.key],
            "before_latest": recent[1:2] == [choice.key],
            "place": place / 32,
        }
        if control is None or control.part:
            rows.add(choice.operation, word=choice.key, label=choice.key.replace("_", " "), **common)
            continue
        rows.add(
            choice.operation,
            **_of(control),
            filled=_filled(control),
            required=control.required,
            invalid=control.invalid,
            checked=bool(control.checked),
            critical=control.critical,
            expanded=bool(control.expanded),
            options=bool(control.options),
            next=choice.key == first_empty,
            **common,
        )


def _add_held(rows: _Rows, choices: Sequence[Choice]) -> None:
    """Controls that show a value but take no action now."""
    targets = {choice.key for choice in choices}
    for control in rows.view.controls:
        if control.key not in targets and not control.part and control.value and control.value.raw and not control.sensitive:
            rows.add("held", **_of(control))


def _logit(p: float) -> float:
    p = min(max(p, 0.01), 0.99)
    return math.log(p / (1 - p))


def _add_past(rows: _Rows, history: History) -> None:
    """What was chosen before, latest first: on later pages it may no longer show."""
    chosen = [item.action for item in history if item.action.type in ("select", "check", "close_case", "transfer_case")]
    for age, action in enumerate(reversed(chosen[-MAX_PAST:])):
        value = action_value(action) or ""
        word = f"{target_key(action)}={fold(value).casefold()}"
        name = action.target.name if isinstance(action, Select | Check) else action.type
        rows.add("past", word=target_key(action), literal=word, label=name, value=value, age=age / 8)


def _add_messages(rows: _Rows) -> None:
    """One row a sentence of what the customer wrote, one row a message of ours; the latest ones where there are too many."""
    messages = rows.view.messages
    inbound = [i for i, m in enumerate(messages) if m.direction == "inbound"]
    pieces: list[tuple[int, str]] = []
    for index, message in enumerate(messages):
        parts = sentences(message.text) if message.direction == "inbound" else [message.text[:400]]
        pieces += [(index, part) for part in parts]
    for index, text in pieces[:2] + pieces[2:][-MAX_SENTENCES:]:
        message = messages[index]
        typed = next((value for _, _, value in read_spans(text) if value.kind in ("money", "number", "date")), None)
        rows.add(
            "message",
            value=text,
            typed=typed if message.direction == "inbound" else None,
            origin=f"message:{index}",
            inbound=message.direction == "inbound",
            outbound=message.direction == "outbound",
            note=message.direction == "note",
            last_message=index == len(messages) - 1,
            last_inbound=bool(inbound) and index == inbound[-1],
            age=min(len(messages) - 1 - index, 16) / 8,
        )


def _add_cells(rows: _Rows) -> None:
    for origin, word, label, value in list(_cells(rows.view))[:MAX_CELLS]:
        shown = _shown(value)
        rows.add(
            "cell",
            word=word,
            literal=literal(word, value),
            label=label,
            value=shown,
            typed=value,
            origin=origin,
            place=int(origin.split("/")[-2]) / 8,
        )


def _cells(view: View) -> Iterator[tuple[str, str, str, Value]]:
    for table in view.tables:
        for number, row in enumerate(table.rows):
            for column, value in enumerate(row.cells):
                header = table.headers[column] if column < len(table.headers) else str(column)
                if value.raw:
                    origin = f"cell:{table.key}/{number}/{column}"
                    yield origin, f"{table.key}/{header}", f"{table.name} {header}".strip(), value
