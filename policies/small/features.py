"""A view as arrays: one row an element, one row a candidate value. Texts are referred to by index and embedded later."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from policies.candidates import Candidate, Choice
from policies.encoder import mask
from policies.literals import chosen, literal
from policies.proposal import History, is_critical
from policies.small.knowledge import Knowledge, Opinion
from policies.small.lexicon import Lexicon, value_word
from policies.sources import read_spans, sentences
from policies.templates import fold
from schema_extraction.action import Check, Select, action_value, target_key
from schema_extraction.view import Control, Value, View

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

KINDS = (
    *("view", "click", "fill", "select", "check", "send_message", "close_case", "transfer_case"),
    *("fact", "message", "cell", "section", "notice", "dialog", "held", "past"),
)
ROLES = (
    *("", "button", "link", "tab", "menuitem", "textbox", "searchbox", "spinbutton", "combobox", "listbox", "radiogroup"),
    *("checkbox", "switch", "radio"),
)
SOURCES = ("message", "fact", "cell", "option", "template", "constant", "derived", "generated", "operator")
FORMS = ("", "raw", "normal", "first", "last", "0", "0.00")
IDS = ("kind", "role", "word", "literal", "label", "value", "section")
FLAGS = (
    *("filled", "required", "invalid", "checked", "critical", "expanded", "options", "next", "acted", "again"),
    *("latest", "before_latest", "inbound", "outbound", "note", "last_message", "last_inbound", "busy", "dialog"),
    *("some_required_empty", "some_empty", "some_invalid", "place", "age", "steps", "since_critical", "sent"),
    *("uptake", "has_uptake"),
)
HISTORY_FLAGS = ("acted", "again", "latest", "before_latest", "steps", "since_critical", "sent")
VALUE_IDS = ("text", "label", "source", "form", "word", "origin")
VALUE_FLAGS = (
    *(
        "prior",
        "seen",
        "shape",
        "rule",
        "has_rule",
        "heard",
        "has_heard",
        "same_as_fact",
        "label_chosen",
        "mentioned",
        "mentioned_last",
        "row_mentioned",
        "long",
    ),
)

_FLAG = {name: index for index, name in enumerate(FLAGS)}
_KIND = {name: index for index, name in enumerate(KINDS)}
_ROLE = {name: index for index, name in enumerate(ROLES)}
_SOURCE = {name: index for index, name in enumerate(SOURCES)}
_FORM = {name: index for index, name in enumerate(FORMS)}
_WORD = re.compile(r"[\w-]{2,}")

MAX_SENTENCES = 20
MAX_CELLS = 24
MAX_PAST = 8


class Texts:
    """Gives every distinct text an index; 0 is the empty text."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {"": 0}

    def __call__(self, text: str) -> int:
        return self.index.setdefault(text, len(self.index))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def all(self) -> list[str]:
        return list(self.index)


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


@dataclass(frozen=True)
class Values:
    """The candidates of one target: `ids` (n, len(VALUE_IDS)), `numbers` (n, 2), `flags` (n, len(VALUE_FLAGS))."""

    ids: Ints
    numbers: Floats
    flags: Floats


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
            role=control.role,
            word=control.key,
            literal=literal(control.key, control.value),
            label=control.name,
            value=_shown(control.value),
            section=control.section,
            typed=control.value,
            origin=f"control:{control.key}",
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
            rows.add(
                "held",
                role=control.role,
                word=control.key,
                literal=literal(control.key, control.value),
                label=control.name,
                value=_shown(control.value),
                section=control.section,
                typed=control.value,
                origin=f"control:{control.key}",
            )


def _logit(p: float) -> float:
    p = min(max(p, 0.01), 0.99)
    return math.log(p / (1 - p))


def _log(odds: Mapping[str, float], name: str) -> float:
    return math.log(max(odds.get(name, 0.0), 0.005)) / 4 if odds else 0.0


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


def values(
    view: View,
    choice: Choice,
    candidates: Sequence[Candidate],
    origins: dict[str, int],
    history: History,
    known: Knowledge,
    opinion: Opinion,
    texts: Texts,
) -> Values:
    """The rows of the candidates of one target."""
    selected = {fold(c.value.raw).casefold() for c in view.controls if c.value and c.options and not c.part}
    selected |= {fold(value).casefold() for value in chosen(history).values()}
    rule = by_meaning(candidates, known.rules.value(choice.key, opinion.true))
    ear = by_meaning(candidates, known.hearing.value(choice, opinion.said))
    mentions = _row_mentions(view)
    inbound = [m.text.casefold() for m in view.messages if m.direction == "inbound"]
    facts = {fold(fact.value.raw).casefold(): f"fact:{fact.key}" for fact in reversed(view.facts)}
    ids, numbers, flags = [], [], []
    for candidate in candidates:
        source = candidate.provenance.source
        copied = source in ("fact", "message", "cell", "derived")
        folded = fold(candidate.text).casefold()
        origin = candidate.origin or facts.get(folded, "")
        prior, seen = known.lexicon.prior(choice.key, candidate.slot, known.own)
        shown = "" if copied else (candidate.label if source == "template" else mask(candidate.text))
        ids.append(
            (
                texts(shown),
                texts(mask(candidate.label) if copied else ""),
                _SOURCE[source],
                _FORM.get(candidate.form, 0),
                known.lexicon.word(value_word(choice.key, candidate.slot)),
                origins.get(origin, -1),
            )
        )
        day = float((view.today - candidate.day).days) if candidate.day else math.nan
        numbers.append((candidate.number if candidate.number is not None else math.nan, day))
        short = 3 <= len(folded) <= 60 and not copied
        flags.append(
            (
                math.log(prior) / 4,
                math.log1p(seen) / 4,
                math.log(known.lexicon.fit(choice.key, candidate.text, known.own)) / 4 if copied else 0.0,
                _log(rule, meaning_of(candidate)),
                bool(rule),
                _log(ear, meaning_of(candidate)),
                bool(ear),
                not copied and folded in facts,
                copied and fold(candidate.label).casefold() in selected,
                short and any(folded in text for text in inbound),
                short and bool(inbound) and folded in inbound[-1],
                mentions.get(candidate.origin.rsplit("/", 1)[0], 0.0) if source == "cell" else 0.0,
                len(candidate.text) > 80,
            )
        )
    return Values(
        np.array(ids, np.int32).reshape(-1, len(VALUE_IDS)),
        np.array(numbers, np.float32).reshape(-1, 2),
        np.array(flags, np.float32).reshape(-1, len(VALUE_FLAGS)),
    )


def meaning_of(candidate: Candidate) -> str:
    """What a candidate says, whatever its wording or source."""
    return candidate.meaning or fold(candidate.text)


def by_meaning(candidates: Sequence[Candidate], odds: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of slots as those of what the candidates with these slots say; empty stays empty."""
    found: dict[str, float] = {}
    for slot, meaning in {(c.slot, meaning_of(c)) for c in candidates} if odds else ():
        found[meaning] = found.get(meaning, 0.0) + odds.get(slot, 0.0)
    return found


def _row_mentions(view: View) -> dict[str, float]:
    """For every table row (`cell:<table>/<number>`): how much of what one of its cells says the customer has said, 0 to 1."""
    said = set(_WORD.findall(" ".join(m.text for m in view.messages if m.direction == "inbound").casefold()))
    found: dict[str, float] = {}
    for table in view.tables:
        for number, row in enumerate(table.rows):
            shares = [0.0]
            for value in row.cells:
                words = set(_WORD.findall(value.raw.casefold())) if value.kind in ("text", "id", "choice") else set()
                shares.append(len(words & said) / len(words) if words else 0.0)
            found[f"cell:{table.key}/{number}"] = max(shares)
    return found
