"""A view as a prompt: what seldom changes first, so that the next step of a session shares as many tokens as it can.

The order is facts, tables, messages, what was done so far, the task at hand, the actions. Over the token budget it is trimmed
by rule: oldest messages, then table rows from the last, then facts from the last, then prose and controls that take no action,
then the oldest steps. What an action takes its value from belongs to the actions, and those are never trimmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.causal_lm import brief
from policies.causal_lm.errors import ContextError
from policies.causal_lm.language import Language, Tokens
from policies.causal_lm.line import Kind, Line
from policies.causal_lm.menu import LONGEST_TEXT, Menu, clean
from policies.proposal import History
from schema_extraction.action import Action, Check, Click, Fill, Select, SendMessage, action_value, target_key
from schema_extraction.view import Control, Value, View

TRIMMED: tuple[Kind, ...] = ("message", "row", "fact", "aside", "step")
FROM_THE_END: tuple[Kind, ...] = ("row", "fact", "aside")
WHO = {"inbound": "customer", "outbound": "we", "note": "note"}


@dataclass(frozen=True)
class Prompt:
    """A prompt within its budget. `trimmed`: how many lines were left out."""

    tokens: Tokens
    trimmed: int = 0


def prompt(
    view: View,
    history: History,
    menu: Menu,
    language: Language,
    budget: int,
    spelt: bool = True,
    behind: Sequence[Line] = (),
) -> Prompt:
    """The prompt of a view in at most `budget` tokens, up to where the answer begins. `spelt`: see `lines`. `behind`: more
    lines, after those of the view.

    Raises:
        ContextError: what must not be left out is already more.
    """
    rows = [*lines(view, history, menu, spelt), *behind]
    tokens = [language.encode(line.text + "\n") for line in rows]
    over = len(language.before) + sum(map(len, tokens)) + len(language.after) - budget
    dropped: set[int] = set()
    for kind in TRIMMED:
        places = [i for i, line in enumerate(rows) if line.kind == kind]
        for place in reversed(places) if kind in FROM_THE_END else places:
            if over <= 0:
                break
            over -= len(tokens[place])
            dropped.add(place)
    if over > 0:
        raise ContextError(
            f"Expected the actions of {view.path!r} within {budget} tokens, met {budget + over} with nothing else left to "
            f"leave out. "
            "Take a base model with a longer context, or raise `budget`."
        )
    page = (token for i, line in enumerate(tokens) if i not in dropped for token in line)
    return Prompt((*language.before, *page, *language.after), len(dropped))


def lines(view: View, history: History, menu: Menu, spelt: bool = True) -> Iterator[Line]:
    """Every line of a prompt, in order. `spelt`: all that the page says; for a model that was trained from nothing see
    `policies.causal_lm.brief`."""
    if not spelt:
        yield from brief.lines(view, history, menu)
        return
    head = [clean(view.slice) and f"process {clean(view.slice)}", clean(view.title), f"today {view.today.isoformat()}"]
    yield Line("; ".join(part for part in head if part))
    yield from _facts(view, menu)
    yield from _tables(view, menu)
    yield from (
        Line(f"{WHO[message.direction]}: {clean(message.text, 600)}", "message")
        for message in view.messages
        if message.text.strip()
    )
    yield from _heard(menu)
    for item in history:
        yield Line(f"done: {done(item.action)}", "step")
    yield from _at_hand(view, menu)
    yield from _actions(menu)


def _facts(view: View, menu: Menu) -> Iterator[Line]:
    section = ""
    for fact in view.facts:
        if fact.section != section:
            section = fact.section
            yield Line(f"# {clean(section)}", "aside")
        slot = f"fact:{fact.key}"
        name = menu.names.get(slot, clean(fact.label))
        yield Line(f"{name}: {_value(fact.value, view)}", "kept" if slot in menu.needed else "fact")


def _tables(view: View, menu: Menu) -> Iterator[Line]:
    for table in view.tables:
        if table.rows:
            yield Line(f"table {clean(table.name)}: " + " | ".join(map(clean, table.headers)), "kept")
        for number, row in enumerate(table.rows):
            slots = [
                f"cell:{table.key}/{table.headers[column] if column < len(table.headers) else column}/{number}"
                for column in range(len(row.cells))
            ]
            kept = any(slot in menu.needed for slot in slots)
            yield Line(f"row {number + 1}: " + " | ".join(_value(cell, view) for cell in row.cells), "kept" if kept else "row")


def _heard(menu: Menu) -> Iterator[Line]:
    """What the customer named and what earlier forms held, under the names that actions use for it."""
    shown: set[tuple[str, str]] = set()
    for source in menu.sources:
        slot = source.slot.rpartition("|")[0]
        there = (slot, "") if slot.startswith("past:") else (source.origin, str(source.provenance.span))
        if slot.startswith(("span:", "past:")) and slot in menu.needed and there not in shown:
            shown.add(there)  # what is the last of its kind and the first is told once
            yield Line(f"{menu.names[slot]}: {clean(source.text)}")


def _at_hand(view: View, menu: Menu) -> Iterator[Line]:
    for section in view.sections:
        if section.text.strip():
            yield Line(f"# {clean(section.name)} {clean(section.text, 300)}".rstrip(), "aside")
    operable = {choice.key for _, choice in menu.targets}
    for control in view.controls:
        if control.key not in operable and not control.part and (control.name or control.value):
            yield Line(f"{control.role} {clean(control.name)}{_state(control)}", "aside")
    if view.dialog is not None:
        yield Line(f"dialog {clean(view.dialog.name)}: {clean(view.dialog.text, 300)}")
    for notice in view.notices:
        yield Line(f"{notice.kind}: {clean(notice.text, 300)}")
    for words in view.missing:
        yield Line(f"not read: {clean(words, 200)}")


def _actions(menu: Menu) -> Iterator[Line]:
    yield Line("actions:")
    for name, text in menu.messages.items():
        yield Line(f"{name}: {clean(text, 300)}")
    options: dict[tuple[str, str], list[str]] = {}
    others: set[tuple[str, str]] = set()
    for entry in menu.entries:
        place = (entry.choice.operation, entry.choice.key)
        if entry.candidate is None or entry.choice.operation == "send_message":
            continue
        name = entry.text.partition(" = ")[2]
        if entry.candidate.slot.startswith(("option:", "constant:", "template:", "derived:")):
            options.setdefault(place, []).append(name)
        else:
            others.add(place)
    for head, choice in menu.targets:
        place = (choice.operation, choice.key)
        taken = list(dict.fromkeys(options.get(place, ()))) + (["a value above"] if place in others else [])
        if choice.operation == "send_message" and menu.messages:
            taken = ["a message above"]
        if choice.valued and not taken:
            continue
        state = _state(choice.control) if choice.control is not None and not choice.control.part else ""
        yield Line(head + state + (" = " + " | ".join(taken) if taken else ""))


def done(action: Action) -> str:
    """An action that was taken, in words."""
    match action:
        case Click() | Fill() | Select() | Check():
            name = clean(action.target.name) or action.target.role
            value = action_value(action)
            verb = "uncheck" if isinstance(action, Check) and not action.checked else action.type
            return f"{verb} {name}" + (f" = {clean(value)}" if isinstance(action, Fill | Select) and value is not None else "")
        case SendMessage():
            return "send_message"  # what it says is among the messages
        case _:
            value = action_value(action)
            return target_key(action) + (f" = {clean(value, LONGEST_TEXT)}" if value else "")


def _state(control: Control) -> str:
    """What a control holds and wants now, in brackets."""
    words = []
    if control.value is not None and control.value.raw and not control.sensitive:
        words.append(f"now {clean(control.value.raw)}")
    if control.checked is not None:
        words.append("on" if control.checked else "off")
    words += [name for name in ("required", "disabled", "readonly", "invalid", "critical") if getattr(control, name)]
    if control.message:
        words.append(clean(control.message))
    return f" ({', '.join(words)})" if words else ""


def _value(value: Value, view: View) -> str:
    """A value as it stands, dates also as days from today."""
    text = clean(value.raw, 200)
    if value.kind == "date" and value.date is not None:
        days = (view.today - value.date).days
        return f"{text} ({f'{days} days ago' if days > 0 else f'in {-days} days' if days else 'today'})"
    return text
