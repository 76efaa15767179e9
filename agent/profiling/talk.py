"""The conversation: its region, and what tells the customer's entries from ours."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.profiling.seen import Seen, literal
from agent.profiling.words import INBOUND, OPPOSITE, OUTBOUND
from schema_extraction.profile import ControlPattern, MessageRegion
from schema_extraction.view import Frozen


class TalkGuess(Frozen):
    """`messages` is None where the conversation is found without being named. `entries`: how many were met. `missing`: the
    directions of which no entry was met, so that their words are made up."""

    messages: MessageRegion | None
    entries: int
    missing: tuple[str, ...] = ()


def _word(marks: Sequence[str], words: Sequence[str]) -> str:
    """The first of the words that stands in any of the marks."""
    return next((word for word in words if any(re.search(rf"\b{word}\b", mark, re.IGNORECASE) for mark in marks)), "")


def talk_guess(cases: Sequence[Seen]) -> TalkGuess | None:
    """The conversation of these cases; None where none of them has one."""
    talks = [case.talk for case in cases if case.talk is not None]
    if not talks:
        return None
    entries = sum(len(talk.entries) for talk in talks)
    first = next((talk for talk in talks if not talk.history and talk.role), None)
    if first is None:
        return TalkGuess(messages=None, entries=entries)
    marks = [entry.marks for talk in talks for entry in talk.entries]
    inbound, outbound = _word(marks, INBOUND), _word(marks, OUTBOUND)
    missing = tuple(name for name, word in (("inbound", inbound), ("outbound", outbound)) if not word)
    if not inbound:
        inbound = next((word for word, other in OPPOSITE.items() if other == outbound), "inbound|customer|client|visitor")
    outbound = outbound or OPPOSITE.get(inbound, "outbound|agent|operator")
    region = ControlPattern(role=first.role, name=literal(first.name))
    return TalkGuess(
        messages=MessageRegion(region=region, inbound=inbound, outbound=outbound), entries=entries, missing=missing
    )
