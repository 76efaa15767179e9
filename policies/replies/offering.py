"""A policy that, when it would write to the customer, also offers what operators wrote in such situations, and what a language
model drafts from that."""

from __future__ import annotations

from typing import Literal

from policies.proposal import Concurrent, History, Policy, Proposal
from policies.replies.drafting import Drafted, Drafter
from policies.replies.replies import Replies, Suggestion
from policies.replies.situation import Embed
from policies.templates import fold
from schema_extraction.action import SendMessage
from schema_extraction.view import View

OFFERED = 4


class OfferingPolicy:
    """Proposes what `policy` does. Where that is a message, retrieved replies come in after it, in the wording of `operator`
    first, and what `drafter` writes, if anything; the message that the policy thinks best, by whatever means it was made, stays
    the first, since a critic scores it. May be asked from several threads where the policy may."""

    concurrent: Literal[True]

    def __init__(
        self, policy: Policy, replies: Replies, embed: Embed, operator: str = "", drafter: Drafter | None = None
    ) -> None:
        self.policy = policy
        self.replies = replies
        self.embed = embed
        self.operator = operator
        self.drafter = drafter
        if isinstance(policy, Concurrent):
            self.concurrent = True

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        ranked = self.policy.propose(view, history)
        if not ranked or not isinstance(ranked[0].action, SendMessage):
            return ranked
        first, *others = ranked
        written = {fold(p.action.text) for p in ranked if isinstance(p.action, SendMessage)}
        alike = self.replies.suggest(view, history, self.embed, self.operator, OFFERED)
        drafted = self.drafter.draft(view, history, alike, self.replies) if self.drafter is not None else None
        offered: list[Suggestion | Drafted] = [*alike, drafted] if drafted is not None else [*alike]
        least = min((reply.probability for reply in offered), default=0.0)
        for reply in offered:
            if fold(reply.text) not in written:
                written.add(fold(reply.text))
                # How sure a model is of its wording says little of whether an operator sends that: a draft comes last.
                p_value = min(least if reply is drafted else reply.probability, first.p_value)
                probability = min(first.p_target * p_value, first.probability)
                others.append(first.but(action=reply.action, probability=probability, p_value=p_value))
        return (first, *sorted(others, key=lambda proposal: -proposal.probability))
