"""Suggestions that are wrong on purpose, shown now and then to see whether operators still look. Nothing of them is ever
carried out: whatever the operator says, the hand-off stays and shows the policy's own suggestion afterwards.

Vigilance decrement under automation, and threat image projection as a remedy: Parasuraman & Manzey, Human Factors 52(3), 2010;
Hofer & Schwaninger, WIT Trans. Built Environment 82, 2005.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from agent.handoff import Handoff
from agent.words import describe
from policies.gate import describe as in_words
from schema_extraction.action import (
    Action,
    Click,
    CloseCase,
    Fill,
    Select,
    SendMessage,
    Target,
    TransferCase,
    same_action,
)
from schema_extraction.view import View


class Seeds:
    """`rate`: the share of hand-offs with a proposal that get a wrong one. The same seed draws the same hand-offs, also after a
    restart."""

    def __init__(self, rate: float, seed: int = 0) -> None:
        self.rate = rate
        self.seed = seed

    def wrong(self, handoff: Handoff) -> Handoff | None:
        """The hand-off with a wrong suggestion, or None when it is not drawn, or nothing that is surely wrong is at hand."""
        if self.rate <= 0.0 or handoff.proposal is None or self._draw(handoff.id, "rate") >= self.rate:
            return None
        others = [a for a in wrong_actions(handoff.view, handoff.proposal.action) if not _ranked(handoff, a)]
        if not others:
            return None
        action = others[int(self._draw(handoff.id, "which") * len(others))]
        proposal = handoff.proposal.model_copy(update={"action": action})
        decision = handoff.decision.model_copy(update={"reason": f"Please check before I {in_words(action)}."})
        ranked = (proposal, *handoff.ranked[1:])
        step = handoff.step.model_copy(update={"ranked": ranked, "decision": decision})
        return handoff.model_copy(update={"step": step, "suggestion": describe(action)})

    def _draw(self, id: str, what: str) -> float:
        """A number in [0, 1) that is the same whenever it is asked for."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}|{what}|{id}".encode(), digest_size=8).digest(), "big") / 2**64


def _ranked(handoff: Handoff, action: Action) -> bool:
    """Whether the policy itself thinks of it: then it may well be right."""
    return any(same_action(proposal.action, action) for proposal in handoff.ranked)


def wrong_actions(view: View, action: Action) -> Iterator[Action]:
    """What could be suggested in place of `action` that is valid on the page and does something else.

    A value is replaced by another of the real options; a message by an earlier one to the customer; a number by ten times it; a
    press by another critical one. Where the value came from stays as it was: it must not tell the wrong ones from the others.
    """
    match action:
        case Select():
            yield from (action.but(option=label) for label in _options(view, action.target.key) if label != action.option)
        case CloseCase() | TransferCase():
            name = "resolution" if isinstance(action, CloseCase) else "team"
            part = view.part(action.type, name)
            labels = _options(view, part.key) if part else []
            yield from (action.but(**{name: label}) for label in labels if label != getattr(action, name))
        case Fill():
            plain = action.value.replace(",", "").lstrip("$€£ ")
            if re.fullmatch(r"\d+(\.\d+)?", plain):
                yield action.but(value=f"{10 * float(plain):.2f}" if "." in plain else plain + "0")
        case SendMessage():
            yield from (
                action.but(text=message.text)
                for message in view.messages
                if message.direction == "outbound" and message.text != action.text
            )
        case Click():
            yield from (
                Click(target=Target(key=c.key, role=c.role, name=c.name, ref=c.ref))
                for c in view.operable()
                if c.critical and c.key != action.target.key
            )
        case _:
            return


def _options(view: View, key: str) -> list[str]:
    control = view.control(key)
    return [o.label for o in control.options if o.label and not o.disabled and o.value] if control else []
