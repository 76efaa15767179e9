"""A view in few tokens, for a model that is trained from nothing: it knows words by what they came with, not by what they mean.

What never changes with a name is told by the name alone: options, prose, what we wrote ourselves. What is only ever copied
(ids, e-mail addresses, telephone numbers) is not spelled, since answers name values; that one of them is what the customer said
is told, since to compare them character by character is more than a small model learns. Dates are days from today. So a prompt
has half of the tokens, and training goes over the same cases more than twice as often in the same time.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.causal_lm.line import Line
from policies.causal_lm.menu import Menu, clean
from policies.proposal import History
from policies.templates import fold
from schema_extraction.action import Action, Check, Click, Fill, Select, action_value, target_key
from schema_extraction.view import Control, Value, View

TOLD = frozenset({"number", "money", "date"})
NAVIGATION = frozenset({"tab", "link"})
"""Roles of controls that lead elsewhere, and are there on every page."""
UNTOLD = frozenset({"", "banner"})
LONGEST_WORD = 40


def lines(view: View, history: History, menu: Menu) -> Iterator[Line]:
    """Every line of a brief prompt, in order."""
    heard = _heard(menu)
    yield Line(f"process {clean(view.slice or view.title)}")
    for fact in view.facts:
        if (told := _told(fact.value, view, heard)) and fold(fact.value.raw) != fold(view.slice):
            yield Line(f"{clean(fact.label)}: {told}", "fact")
    for table in view.tables:
        for number, row in enumerate(table.rows):
            cells = [told for cell in row.cells if (told := _told(cell, view, heard))]
            yield Line(f"row {number + 1}: " + " | ".join(cells), "row")
    for message in view.messages:
        if message.direction == "inbound" and message.text.strip():
            yield Line(f"customer: {clean(message.text, 600)}", "message")
    yield from _named(menu)
    yield from (Line(_done(item.action), "step") for item in history)
    for section in view.sections:
        if section.name not in UNTOLD and section.text.strip():
            yield Line(f"# {clean(section.name)}", "aside")
    if view.dialog is not None:
        yield Line(f"dialog {clean(view.dialog.name)}")
    yield from (Line(f"{notice.kind}: {clean(notice.text, 160)}") for notice in view.notices)
    yield from (Line(f"not read: {clean(words, 160)}") for words in view.missing)
    yield Line("now:")
    for head, choice in menu.targets:
        if choice.control is not None and not choice.control.part and choice.control.role not in NAVIGATION:
            yield Line(head + _state(choice.control))


def _heard(menu: Menu) -> dict[str, str]:
    """What the customer said as it was written, folded, by the name that actions use for it."""
    found: dict[str, str] = {}
    for source in menu.sources:
        if source.slot.startswith("span:") and source.kind not in TOLD:
            found.setdefault(fold(source.text), menu.names[source.slot.rpartition("|")[0]])
    return found


def _named(menu: Menu) -> Iterator[Line]:
    """The names under which actions can take what the customer said and what earlier forms held."""
    shown: set[str] = set()
    for source in menu.sources:
        slot = source.slot.rpartition("|")[0]
        if slot.startswith(("span:", "past:")) and slot in menu.needed and slot not in shown:
            shown.add(slot)
            yield Line(menu.names[slot] + (f": {clean(source.text)}" if source.kind in TOLD else ""))


def _told(value: Value, view: View, heard: dict[str, str]) -> str:
    """A value as far as it can matter; empty for one that can only be copied."""
    if fold(value.raw) in heard:
        return heard[fold(value.raw)]
    if value.kind == "date" and value.date is not None:
        days = (view.today - value.date).days
        return f"{days} days ago" if days > 0 else f"in {-days} days" if days else "today"
    if value.kind in TOLD:
        return clean(value.raw)
    if value.kind not in ("text", "choice") or any(map(str.isdigit, value.raw)) or len(value.raw) > LONGEST_WORD:
        return ""
    return clean(value.raw)


def _done(action: Action) -> str:
    """An action that was taken: what was chosen belongs to it, what was typed does not."""
    match action:
        case Click() | Fill() | Select() | Check():
            verb = "uncheck" if isinstance(action, Check) and not action.checked else action.type
            chosen = f" = {clean(action.option)}" if isinstance(action, Select) else ""
            return f"{verb} {clean(action.target.name) or action.target.role}{chosen}"
        case _:
            value = action_value(action) if action.type != "send_message" else None
            return target_key(action) + (f" = {clean(value)}" if value else "")


def _state(control: Control) -> str:
    """What a control holds now, in brackets; of what was typed, only that there is something."""
    words = []
    if control.value is not None and control.value.raw and not control.sensitive:
        words.append(f"now {clean(control.value.raw)}" if control.options else "filled")
    if control.checked is not None:
        words.append("on" if control.checked else "off")
    if control.invalid:
        words.append(f"invalid {clean(control.message)}".rstrip())
    return f" ({', '.join(words)})" if words else ""
