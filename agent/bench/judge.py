"""What a reader tells of a page, held against the ground truth in the same way for all readers.

Peers name controls by other roles than casepilot and put values where they like, so this is generous: a control is named when
an operable element with its name is listed, and its value is there when it stands in that element's lines.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fixtures.pages.truth import PageTruth, TrueControl
from schema_extraction.accname import tidy
from schema_extraction.roles import CONTROL_ROLES
from schema_extraction.text import squash
from schema_extraction.view import Control, Frozen, View

# Beside the ARIA roles, those that Chromium's accessibility tree has for inputs of HTML, and Stagehand's names of them.
DATES = frozenset({"Date", "DateTime", "InputTime"})
OPERABLE = CONTROL_ROLES | DATES | frozenset("radiogroup select ColorWell DisclosureTriangle".split())
# Listed by some so that it can be scrolled or named, not operated.
_BESIDE = frozenset({"label", "LabelText", "option", "Iframe"})
_PRESSED = frozenset("button link menuitem tab treeitem DisclosureTriangle generic img".split())
_REQUIRED = re.compile(r"\brequired\b(?!\s*[=:]\s*['\"]?false)", re.IGNORECASE)
_INVALID = re.compile(r"\binvalid\b(?!\s*[=:]\s*['\"]?false)", re.IGNORECASE)
_CHECKED = re.compile(r"\b(?:checked|selected)\b(?!\s*[=:]\s*['\"]?false)", re.IGNORECASE)


class Item(NamedTuple):
    """One operable element that a reader lists: `text` is all that it tells of it."""

    role: str
    name: str
    text: str


class Shares(Frozen):
    """`recall`: share of the true controls that are listed with their name; `precision`: share of the `listed` elements that
    are true controls; `labels`, `cells`: shares of the names and table cells that stand anywhere in the text; the others: of
    the controls that have a value, options, a required or an invalid mark, the share whose element tells it. None: there are
    none."""

    recall: float
    precision: float | None
    listed: int
    labels: float | None = None
    values: float | None = None
    options: float | None = None
    required: float | None = None
    invalid: float | None = None
    cells: float | None = None


_ARIA = re.compile(r"""^(\s*)- '?([A-Za-z]+)(?: ("(?:[^"\\]|\\.)*"))?(?=[\s:'\[]|$)""")
_BROWSERGYM = re.compile(r"""^(\t*)(?:\[\w+\] )?([A-Za-z]+) ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_STAGEHAND = re.compile(r"^(\s*)\[[\d-]+\] (?:scrollable, )?([A-Za-z]+)(?:: (.*?))?(?: \[[a-z]+\])*$")


def _json(text: str) -> str:
    try:
        return str(json.loads(text.replace("''", "'")))
    except ValueError:
        return text.strip('"')


def _repr(text: str) -> str:
    return str(ast.literal_eval(text))


FORMS: Mapping[str, tuple[re.Pattern[str], Callable[[str], str]]] = {
    "aria": (_ARIA, _json),
    "browsergym": (_BROWSERGYM, _repr),
    "stagehand": (_STAGEHAND, str),
}
"""How the trees of the peers write an element: indentation, role and name."""


def items_of(text: str, form: str) -> tuple[Item, ...]:
    """The operable elements that a tree of this form names, each with the lines below it. The spin buttons that Chromium makes
    a date field of count as one with it."""
    pattern, read = FORMS[form]
    lines = text.splitlines()
    depths = [len(line) - len(line.lstrip()) for line in lines]
    found: list[Item] = []
    inside = 0  # lines up to here are parts of a date field
    for number, line in enumerate(lines):
        match = pattern.match(line)
        if match is None or match[2] not in OPERABLE or number < inside:
            continue
        end = number + 1
        while end < len(lines) and depths[end] > depths[number]:
            end += 1
        found.append(Item(match[2], read(match[3]) if match[3] else "", "\n".join(lines[number:end])))
        if match[2] in DATES:
            inside = end
    return tuple(found)


def items_of_view(view: View) -> tuple[Item, ...]:
    """casepilot's own controls."""
    return tuple(Item(control.role, control.name, " ".join(_told(control))) for control in view.controls)


def _told(control: Control) -> Iterator[str]:
    if control.value is not None:
        yield control.value.raw
    yield from (option.label for option in control.options)
    yield from (mark for mark in ("required", "invalid") if getattr(control, mark))


def _flat(text: str) -> str:
    """Without white space: trees put blanks and line breaks between the parts of a text."""
    return "".join(text.split())


def _key(name: str) -> str:
    return tidy(name).casefold()


def _share(there: Iterable[bool]) -> float | None:
    marks = list(there)
    return sum(marks) / len(marks) if marks else None


class _Pool:
    """The listed elements, each of which stands for one control at the most."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.free = set(range(len(items)))
        self.by_name: dict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(items):
            self.by_name[_key(item.name)].append(number)

    def take(self, true: TrueControl) -> Item | None:
        """The element that names a control; of several, one of its role. A control without a label may be called anything."""
        if true.role == "radiogroup" and (radios := self._radios(true)):
            return radios
        named = [n for n in self.by_name[_key(true.name)] if n in self.free] if true.name else sorted(self.free)
        same = [n for n in named if _kin(self.items[n].role, true.role)]
        if not true.name:
            named = same
        if not named:
            return None
        best = (same or named)[0]
        self.free.discard(best)
        return self.items[best]

    def _radios(self, true: TrueControl) -> Item | None:
        """A group of radios told one by one."""
        numbers: list[int] = []
        for label in true.options:
            one = next((n for n in self.by_name[_key(label)] if n in self.free and self.items[n].role == "radio"), None)
            if one is None:
                return None
            numbers.append(one)
        self.free.difference_update(numbers)
        group = next((n for n in self.by_name[_key(true.name)] if n in self.free and self.items[n].role == "radiogroup"), None)
        self.free.discard(-1 if group is None else group)
        texts = [self.items[n].text for n in numbers]
        chosen = [label for label, text in zip(true.options, texts, strict=True) if _CHECKED.search(text)]
        marks = self.items[group].text.splitlines()[0] if group is not None else ""
        return Item("radiogroup", true.name, " ".join((marks, *true.options, *(label for label in chosen))))


def _kin(role: str, true: str) -> bool:
    if true in _PRESSED:
        return role in _PRESSED
    if true in ("textbox", "searchbox"):
        return role in ("textbox", "searchbox", "input") or role in DATES
    return role == true or (true in ("combobox", "listbox") and role in ("combobox", "listbox", "select"))


def judge(truth: PageTruth, items: Sequence[Item], text: str, beyond: Sequence[TrueControl] = ()) -> Shares:
    """How much of the truth a reader tells. `beyond` are controls that may be told too."""
    pool = _Pool([item for item in items if item.role not in _BESIDE])
    named = sorted(truth.controls, key=lambda true: not true.name)  # what has no label takes from what the others leave
    met = [(true, pool.take(true)) for true in named]
    right = sum(item is not None for _, item in met)
    spare = Counter(_key(true.name) for true in beyond)
    wrong = 0
    for number in pool.free:
        if spare[_key(pool.items[number].name)] > 0:
            spare[_key(pool.items[number].name)] -= 1
        else:
            wrong += 1
    flat = _flat(text)
    lines = [(true, _flat(item.text) if item else "", item.text if item else "") for true, item in met]
    cells = [cell for table in truth.tables for row in (table.headers, *table.rows) for cell in row]
    return Shares(
        recall=right / len(met) if met else 1.0,
        precision=1.0 - wrong / len(pool.items) if pool.items else None,
        listed=len(pool.items),
        labels=_share(_flat(squash(true.name)) in flat for true in truth.controls if true.name),
        values=_share(_holds(true, block) for true, block, _ in lines if true.value),
        options=_share(all(_flat(label) in block for label in true.options) for true, block, _ in lines if true.options),
        required=_share(bool(_REQUIRED.search(raw)) for true, _, raw in lines if true.required),
        invalid=_share(bool(_INVALID.search(raw)) for true, _, raw in lines if true.invalid),
        cells=_share(_flat(cell) in flat for cell in cells),
    )


def _holds(true: TrueControl, block: str) -> bool:
    """Whether a value is told; of a chooser of several, each choice."""
    if true.role == "listbox":
        return all(_flat(part) in block for part in true.value.split(", "))
    if true.role == "radiogroup":
        return block.count(_flat(true.value)) > 1 if true.value in true.options else _flat(true.value) in block
    return _flat(true.value) in block
