"""A policy that, when it would write to the customer, also offers what operators wrote in such situations."""

from __future__ import annotations

from policies.proposal import History, Policy, Proposal
from policies.replies.replies import Replies
from policies.replies.situation import Embed
from policies.templates import fold
from schema_extraction.action import SendMessage
from schema_extraction.view import View

OFFERED = 4


class OfferingPolicy:
    """Proposes what `policy` does. Where that is a message, retrieved replies come in after it, in the wording of `operator`
    first; the message that the policy thinks best, by whatever means it was made, stays the first, since a critic scores it."""

    def __init__(self, policy: Policy, replies: Replies, embed: Embed, operator: str = "") -> None:
        self.policy = policy
        self.replies = replies
        self.embed = embed
        self.operator = operator

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        ranked = self.policy.propose(view, history)
        if not ranked or not isinstance(ranked[0].action, SendMessage):
            return ranked
        first, *others = ranked
        written = {fold(p.action.text) for p in ranked if isinstance(p.action, SendMessage)}
        for reply in self.replies.suggest(view, history, self.embed, self.operator, OFFERED):
            if fold(reply.text) not in written:
                p_value = min(reply.probability, first.p_value)
                probability = min(first.p_target * p_value, first.probability)
                others.append(first.but(action=reply.action, probability=probability, p_value=p_value))
        return (first, *sorted(others, key=lambda proposal: -proposal.probability))
