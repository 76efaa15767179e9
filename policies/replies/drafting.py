"""A reply that a language model drafts, beside those that were written before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from policies.proposal import History
from policies.replies.replies import Replies, Suggestion
from schema_extraction.action import Provenance, SendMessage
from schema_extraction.view import Frozen, View


class Drafted(Frozen):
    """A reply for the present page. `probability`: the geometric mean of those of its tokens, as the model gave them: how
    sure the model is of its wording, and not how likely an operator sends this text."""

    text: str
    probability: float

    @property
    def action(self) -> SendMessage:
        return SendMessage(text=self.text, provenance=Provenance(source="generated"))


class Drafter(Protocol):
    """Drafts only what the view bears out, or nothing. `alike`: past replies of like situations, filled for this view, most
    like first; `replies`: where they are from."""

    def draft(self, view: View, history: History, alike: Sequence[Suggestion], replies: Replies) -> Drafted | None: ...
