"""Every valid action of a view as one line of text, values by reference: what a language model may answer here.

    click Complete task                 fill Amount = Amount due 0.00        send_message m3
    select Card = New card              check I agree                        close_case = Resolved

What is typed is never spelled: the answer names where it stands on the page (a fact, a table cell, what the customer said, a
formula) and in which form. Each text stands for one action. A value that stands in several places can be named by each of them;
wordings of a message which mean the same are one, sent in the most common of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from policies.candidates import Candidate, Choice, Memory, Offer, choices
from policies.proposal import History
from policies.sources import Source
from policies.templates import fold
from schema_extraction.action import Action, same_action
from schema_extraction.view import View

LONGEST_NAME = 60
LONGEST_TEXT = 160
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True)
class Entry:
    """One valid action: its `text`, the target, and the value it takes (None for clicks and checks)."""

    text: str
    choice: Choice
    candidate: Candidate | None = None

    @property
    def action(self) -> Action:
        return self.choice.action(self.candidate)

    @property
    def meaning(self) -> tuple[str, str, str]:
        """What is done, whatever the source of the value or the wording."""
        said = (self.candidate.meaning or fold(self.candidate.text)) if self.candidate else ""
        return self.choice.operation, self.choice.key, said


@dataclass(frozen=True)
class Menu:
    """The valid actions of a view. `targets`: each target with the beginning of its text. `needed`: slots, without form, that
    some action takes its value from; `messages`: the messages that can be sent, by the number that names them."""

    entries: tuple[Entry, ...]
    targets: tuple[tuple[str, Choice], ...]
    needed: frozenset[str]
    messages: dict[str, str]
    sources: tuple[Source, ...]
    names: dict[str, str]

    def find(self, action: Action) -> Entry | None:
        """The entry that does what `action` does: the same, or a message that means the same; None where it is not offered."""
        return next((entry for entry in self.entries if same_action(entry.action, action)), None)


def menu(view: View, history: History, memory: Memory) -> Menu:
    """The valid actions of `view`, targets in page order."""
    offer = Offer(view, memory, history)
    names = source_names(offer.sources)
    numbers = message_numbers(memory)
    offered = choices(view, memory)
    targets: list[tuple[str, Choice]] = []
    entries: list[Entry] = []
    messages: dict[str, str] = {}
    called = _distinct(f"{verb(choice)} {target_name(choice)}" for choice in offered)
    for head, choice in zip(called, offered, strict=True):
        targets.append((head, choice))
        if not choice.valued:
            entries.append(Entry(head, choice))
            continue
        seen: set[tuple[str, str]] = set()
        for candidate in offer.candidates(choice):
            if choice.operation == "send_message":
                name = numbers.get(candidate.meaning or candidate.slot.removeprefix("template:"), "")
                if not name or name in messages:
                    continue  # another wording of what is listed already
                messages[name] = candidate.text
                text = f"{head} {name}"
            else:
                name = value_name(candidate, names)
                text = f"{head} = {name}"
            if (name, candidate.text) not in seen:
                seen.add((name, candidate.text))
                entries.append(Entry(text, choice, candidate))
    texts = _distinct(entry.text for entry in entries)
    entries = [Entry(text, entry.choice, entry.candidate) for entry, text in zip(entries, texts, strict=True)]
    needed = frozenset(entry.candidate.slot.rpartition("|")[0] for entry in entries if entry.candidate)
    return Menu(tuple(entries), tuple(targets), needed - {""}, messages, offer.sources, names)


def verb(choice: Choice) -> str:
    """What is done to a target."""
    return (
        "uncheck" if choice.operation == "check" and choice.control is not None and choice.control.checked else choice.operation
    )


def target_name(choice: Choice) -> str:
    """What a target is called; composites are called by their operation alone."""
    if choice.control is None or choice.operation == choice.key:
        return ""
    return clean(choice.control.name) or choice.control.role


def value_name(candidate: Candidate, names: dict[str, str]) -> str:
    """What a value is called: its label for options, else where it comes from and in which form."""
    kind, _, rest = candidate.slot.partition(":")
    match kind:
        case "option":
            return clean(rest)
        case "constant":
            return f'"{clean(rest)}"'
        case "template":
            return f"wording {clean(candidate.label)}"
        case "derived":
            return f"formula {clean(candidate.label)}"
    slot, _, form = candidate.slot.rpartition("|")
    name = names.get(slot, clean(candidate.label))
    return name if form in ("", "raw") else f"{name} {form}"


def source_names(sources: tuple[Source, ...]) -> dict[str, str]:
    """What the sources of a view are called, by slot without form."""
    called: dict[str, str] = {}
    for source in sources:
        slot = source.slot.rpartition("|")[0]
        if slot not in called:
            called[slot] = _source_name(source, slot)
    return dict(zip(called, _distinct(called.values()), strict=True))


def _source_name(source: Source, slot: str) -> str:
    kind, _, rest = slot.partition(":")
    match kind:
        case "span":
            sort, _, place = rest.partition(":")
            return f"said {sort} {place}"
        case "cell":
            return f"{clean(source.label)} row {int(rest.rpartition('/')[2]) + 1}"
        case "control":
            return f"field {clean(source.label)}"
        case "past":
            return f"earlier {clean(source.label)}"
    return clean(source.label)


def message_numbers(memory: Memory) -> dict[str, str]:
    """The name, `m1` and so on, of every message that operators send, by its meaning or template: the same on every view."""
    meanings = dict.fromkeys(t.meaning or t.id for t in memory.templates.get("send_message", ()))
    numbers = {meaning: f"m{n}" for n, meaning in enumerate(meanings, start=1)}
    alone = {t.id: numbers[t.meaning or t.id] for t in memory.templates.get("send_message", ())}
    return numbers | alone


def clean(text: str, longest: int = LONGEST_NAME) -> str:
    """A text on one line, without control characters, cut where it is long."""
    folded = fold(_ODD.sub(" ", text))
    return folded if len(folded) <= longest else folded[: longest - 1].rstrip() + "…"


def _distinct(texts: Iterable[str]) -> list[str]:
    """The texts, a later one that was there already with its number."""
    counts: Counter[str] = Counter()
    given: set[str] = set()
    found = []
    for text in (clean(text, LONGEST_TEXT) for text in texts):
        counts[text] += 1
        name = text
        while name in given:
            name = f"{text} #{counts[text]}"
            counts[text] += name in given
        given.add(name)
        found.append(name)
    return found
