"""In which order hand-offs wait: by how long they have waited, when the customer must have an answer, and what is at risk."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Literal

from agent.console.floor import Waiting
from agent.handoff import Handoff
from schema_extraction.action import CLOSING, action_value
from schema_extraction.view import Frozen

Order = Literal["urgency", "waiting", "deadline", "risk"]
Risk = Literal["high", "medium", "low"]

DEADLINE = re.compile(r"(?i)\b(due|deadline|sla|respond by|reply by|answer by|promised)\b")
"""Labels of the fact that says when the customer must have an answer."""
DEADLINE_MINUTES, RISK_MINUTES = 60.0, 30.0
"""A deadline that is reached counts as so many minutes of waiting, one a day away as none; the highest risk as so many."""
LARGE = 500.0
"""An amount of money at which the risk is as high as it gets."""


class Place(Frozen):
    """Where a hand-off stands. `urgency` is in minutes: those it has waited and what deadline and risk add to them."""

    waiting: Waiting
    waited_seconds: float
    deadline: date | None
    days_left: int | None
    risk: Risk
    risk_share: float
    risk_why: str
    urgency: float
    snoozed: bool = False

    @property
    def handoff(self) -> Handoff:
        return self.waiting.handoff


def placed(waiting: Waiting, moment: datetime | None = None) -> Place:
    """One hand-off, measured at `moment` (default: now)."""
    handoff = waiting.handoff
    waited = ((moment or datetime.now(UTC)) - handoff.opened_at).total_seconds()
    due = deadline(handoff)
    days = (due - handoff.view.today).days if due else None
    share, why = risk(handoff)
    pressure = 0.0 if days is None else DEADLINE_MINUTES * min(1.0, max(0.0, 1.0 - days))
    return Place(
        waiting=waiting,
        waited_seconds=max(0.0, waited),
        deadline=due,
        days_left=days,
        risk="high" if share >= 0.66 else "medium" if share >= 0.33 else "low",
        risk_share=share,
        risk_why=why,
        urgency=max(0.0, waited) / 60.0 + pressure + RISK_MINUTES * share,
    )


def ordered(waiting: list[Waiting], order: Order = "urgency", snoozed: frozenset[str] = frozenset()) -> list[Place]:
    """The queue, first the one to take next; what the operator has put off stands at the end."""
    moment = datetime.now(UTC)
    places = [placed(one, moment) for one in waiting]
    places = [place.but(snoozed=True) if place.handoff.id in snoozed else place for place in places]

    def key(place: Place) -> tuple[bool, float, float]:
        by = {
            "urgency": -place.urgency,
            "waiting": -place.waited_seconds,
            "deadline": math.inf if place.days_left is None else float(place.days_left),
            "risk": -place.risk_share,
        }[order]
        return place.snoozed, by, -place.waited_seconds

    return sorted(places, key=key)


def deadline(handoff: Handoff) -> date | None:
    """The day on which the customer must have an answer: the first fact with a date whose label says so."""
    return next((f.value.date for f in handoff.view.facts if f.value.date and DEADLINE.search(f.label)), None)


def risk(handoff: Handoff) -> tuple[float, str]:
    """How much a wrong step would cost, in [0, 1], and why in words: what cannot be undone, large amounts, strange pages."""
    parts: list[tuple[float, str]] = []
    proposal = handoff.proposal
    if handoff.decision.code in ("blocked", "loop", "limit"):
        parts.append((0.7, "the agent is stuck"))
    if handoff.decision.code in ("unfamiliar", "unread"):
        parts.append((0.6, "the page is unfamiliar or could not be read whole"))
    if proposal is not None and proposal.action.type in CLOSING:
        parts.append((0.7, "it ends the case"))
    elif proposal is not None and proposal.action.type == "send_message":
        parts.append((0.5, "the customer will read it"))
    elif handoff.critical:
        parts.append((0.35, "it leaves the page"))
    if (amount := _amount(handoff)) is not None:
        parts.append((min(1.0, amount[0] / LARGE), f"{amount[1]}"))
    if proposal is not None and proposal.probability < 0.5:
        parts.append((0.66, f"the policy itself gives it {proposal.probability:.0%}"))
    return max(parts, default=(0.1, "it can be taken back"))


def _amount(handoff: Handoff) -> tuple[float, str] | None:
    """The largest amount of money that is entered on the page or would be."""
    entered = [c for c in handoff.view.controls if c.value and c.value.kind == "money" and c.value.number]
    found = [(abs(c.value.number), f"{c.name} {c.value.raw}") for c in entered if c.value and c.value.number]
    if handoff.proposal is not None:
        value = action_value(handoff.proposal.action) or ""
        if match := re.search(r"[$€£]\s?(\d[\d,]*\.?\d*)", value):
            found.append((float(match[1].replace(",", "")), match[0]))
    return max(found, default=None)
