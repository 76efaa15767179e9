"""A hand-off as an operator reads it: the suggestion, how sure the policy is, where the value came from, what matters."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from agent.console.fields import Entry, entries
from agent.console.queue import Place
from agent.words import anchor, describe
from policies.proposal import Proposal
from schema_extraction.action import Action, Provenance, action_value
from schema_extraction.view import Fact, Frozen, Message, View

MOST_ALTERNATIVES = 4
MESSAGES = 6
"""The newest so many messages are shown at once, the others on demand."""


class Piece(Frozen):
    """Part of a text; `marked` where the suggested value came from."""

    text: str
    marked: bool = False


class MessageShown(Frozen):
    author: str
    direction: str
    time: str
    pieces: tuple[Piece, ...]
    older: bool = False


class FactShown(Frozen):
    """`matters`: the suggested value came from here, or occurs in it."""

    label: str
    value: str
    section: str
    matters: bool = False


class Choice(Frozen):
    """Another proposal of the policy, by its place in the ranking (from 1)."""

    place: int
    words: str
    probability: float


class Card(Frozen):
    """Everything on one card. `confidence`: the policy's own probability, None without a proposal. `ref`: the control that is
    outlined in the picture."""

    id: str
    session: str
    case_id: str
    process: str
    title: str
    opened_at: datetime
    state: str
    operator: str
    critical: bool
    suggestion: str
    action: Action | None
    value: str
    confidence: float | None
    origin: str
    reason: str
    code: str
    alternatives: tuple[Choice, ...]
    entries: tuple[Entry, ...]
    held: tuple[tuple[str, str], ...]
    facts: tuple[FactShown, ...]
    messages: tuple[MessageShown, ...]
    notices: tuple[str, ...]
    missing: tuple[str, ...]
    deadline: str
    days_left: int | None
    risk: str
    risk_why: str
    waited_seconds: float
    picture: bool
    ref: str
    page_url: str
    devtools: str


def card(place: Place, picture: bool) -> Card:
    """The card of a hand-off. `picture`: whether there is one of its page."""
    handoff = place.handoff
    view, proposal = handoff.view, handoff.proposal
    action = proposal.action if proposal else None
    origin = getattr(action, "provenance", None)
    value = (action_value(action) or "") if action else ""
    changed = entries(handoff)
    return Card(
        id=handoff.id,
        session=handoff.session,
        case_id=handoff.case_id,
        process=view.slice,
        title=view.title,
        opened_at=handoff.opened_at,
        state=place.waiting.state,
        operator=place.waiting.operator,
        critical=handoff.critical,
        suggestion=handoff.suggestion,
        action=action,
        value=value,
        confidence=proposal.probability if proposal else None,
        origin=origin_words(view, origin),
        reason=handoff.reason,
        code=handoff.decision.code,
        alternatives=tuple(
            Choice(place=number, words=describe(other.action), probability=other.probability)
            for number, other in enumerate(handoff.ranked[1 : 1 + MOST_ALTERNATIVES], start=1)
        ),
        entries=changed,
        held=tuple((entry.label, entry.value) for entry in changed if entry.key and entry.value),
        facts=tuple(_fact(view, fact, origin, value) for fact in view.facts),
        messages=_messages(view, origin),
        notices=tuple(notice.text for notice in view.notices),
        missing=view.missing,
        deadline=place.deadline.isoformat() if place.deadline else "",
        days_left=place.days_left,
        risk=place.risk,
        risk_why=place.risk_why,
        waited_seconds=place.waited_seconds,
        picture=picture,
        ref=(anchor(view, action) if action else None) or "",
        page_url=handoff.page_url,
        devtools=handoff.devtools,
    )


def origin_words(view: View, origin: Provenance | None) -> str:
    """Where a suggested value came from, as one sentence; empty for an action without a value."""
    if origin is None:
        return ""
    match origin.source:
        case "derived":
            return f"Worked out: {origin.formula}."
        case "fact":
            fact = next((f for f in view.facts if f.key == origin.where), None)
            return f"From the fact {fact.label!r}." if fact else "From a fact on the page."
        case "message":
            message = _message(view, origin)
            return f"From a message of {message.author or message.direction!r}." if message else "From a message."
        case "cell":
            table = next((t for t in view.tables if t.key == origin.where), None)
            return f"From the table {table.name!r}." if table and table.name else "From a table on the page."
        case source:
            return {
                "option": "One of the field's own options.",
                "template": "A wording that operators use, filled in for this case.",
                "constant": "What operators always enter here.",
                "generated": "Written by the language model, of values on the page. Read every word.",
                "operator": "As an operator entered it before.",
            }[source]


def choice(ranked: tuple[Proposal, ...], place: int) -> Action | None:
    """The action at a place of the ranking, as `Card.alternatives` counts it, or None."""
    return ranked[place].action if 1 <= place <= min(MOST_ALTERNATIVES, len(ranked) - 1) else None


def _message(view: View, origin: Provenance | None) -> Message | None:
    if origin is None or origin.source != "message" or not origin.where.isdigit():
        return None
    index = int(origin.where)
    return view.messages[index] if index < len(view.messages) else None


def _messages(view: View, origin: Provenance | None) -> tuple[MessageShown, ...]:
    source = _message(view, origin)
    return tuple(
        MessageShown(
            author=message.author,
            direction=message.direction,
            time=message.time,
            pieces=_pieces(message.text, origin.span if message is source and origin else None),
            older=number < len(view.messages) - MESSAGES and message is not source,
        )
        for number, message in enumerate(view.messages)
    )


def _pieces(text: str, span: tuple[int, int] | None) -> tuple[Piece, ...]:
    if span is None or not 0 <= span[0] < span[1] <= len(text):
        return (Piece(text=text),)
    cuts = (0, *span, len(text))
    return tuple(Piece(text=text[a:b], marked=(a, b) == span) for a, b in pairwise(cuts) if a < b)


def _fact(view: View, fact: Fact, origin: Provenance | None, value: str) -> FactShown:
    own = origin is not None and origin.source == "fact" and origin.where == fact.key
    named = origin is not None and bool(origin.formula) and fact.label in origin.formula
    same = bool(value) and value in (fact.value.raw, fact.value.normal)
    return FactShown(label=fact.label, value=fact.value.raw, section=fact.section, matters=own or named or same)
