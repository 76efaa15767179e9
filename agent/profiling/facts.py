"""Which facts tell that a case is over, and of what kind it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from agent.profiling.seen import Seen
from agent.profiling.words import KIND, OVER, STATUS
from schema_extraction.profile import ClosedWhen
from schema_extraction.view import Frozen, View

KINDS = 40
"""A fact with more values than so many does not name a kind."""


class ClosedGuess(Frozen):
    """`how`: whether the values were read in the application, made from the words on its buttons, or made up. `now`: what the
    cases that were opened say."""

    closed: ClosedWhen
    how: Literal["met", "buttons", "made up"]
    now: tuple[str, ...]


class KindGuess(Frozen):
    """The fact that names the kind of a case, with the values that were met."""

    fact: str
    values: tuple[str, ...]


def _column(views: Iterable[View], label: str) -> Iterator[str]:
    """The values below a heading, in all tables."""
    for view in views:
        for table in view.tables:
            for place, heading in enumerate(table.headers):
                if heading.casefold() == label.casefold():
                    yield from (row.cells[place].raw for row in table.rows if place < len(row.cells) and row.cells[place].raw)


def _labels(cases: Sequence[Seen]) -> dict[str, list[str]]:
    """Facts of the cases by label, with the value in each case that has one."""
    found: dict[str, list[str]] = {}
    for case in cases:
        for fact in {fact.label: fact for fact in reversed(case.view.facts)}.values():
            met = found.setdefault(fact.label, [])
            if fact.value.raw:
                met.append(fact.value.raw)
    return found


def closed_guess(cases: Sequence[Seen], others: Sequence[View], ends: Sequence[str]) -> ClosedGuess | None:
    """The status-like fact of the case pages and what it says of cases that are over.

    `others`: other pages, whose lists may show more states. `ends`: words on the buttons that end a case, and in the
    dialogs that ask again.
    """
    label = next((label for label in _labels(cases) if STATUS.fullmatch(label)), None)
    if label is None:
        return None
    views = [*(case.view for case in cases), *others]
    met = _labels(cases)[label]
    states = dict.fromkeys([*met, *_column(views, label)])
    for view in views:
        for control in view.controls:
            if control.name.casefold() == label.casefold():
                states |= dict.fromkeys(option.label for option in control.options)
    over = [state for state in states if OVER.search(state) and len(state) <= 40]
    if over:
        return ClosedGuess(closed=ClosedWhen(fact=label, values=tuple(over)), how="met", now=tuple(dict.fromkeys(met)))
    made = tuple(dict.fromkeys(past for end in ends if (past := _past(end))))
    return ClosedGuess(
        closed=ClosedWhen(fact=label, values=made or ("Closed",)),
        how="buttons" if made else "made up",
        now=tuple(dict.fromkeys(met)),
    )


_PAST = {
    "close": "Closed",
    "resolve": "Resolved",
    "solve": "Solved",
    "finish": "Finished",
    "complete": "Completed",
    "end": "Ended",
    "archive": "Archived",
    "transfer": "Transferred",
    "forward": "Forwarded",
    "escalate": "Escalated",
}


def _past(words: str) -> str:
    return next((_PAST[word] for word in words.casefold().split() if word in _PAST), "")


def kind_guess(cases: Sequence[Seen], lists: Sequence[View]) -> KindGuess | None:
    """The fact whose few values come again and again, by its label: Process, Category, Queue, ..."""
    labels = _labels(cases)
    for pattern in KIND:
        for label, met in labels.items():
            if not pattern.search(label):
                continue
            if not met:
                return KindGuess(fact=label, values=())
            values = [*met, *_column(lists, label)]
            distinct = dict.fromkeys(values)
            if len(distinct) <= KINDS and (len(distinct) < len(values) or len(values) == 1):
                return KindGuess(fact=label, values=tuple(distinct))
    return None
