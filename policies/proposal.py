"""The protocols of decision making: a policy proposes, a critic scores, a gate decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from schema_extraction.action import CLOSING, CRITICAL_TYPES, Action, Click, Fill, Outcome, Select, same_action
from schema_extraction.view import Frozen, View


class Proposal(Frozen):
    """An action with the policy's probability: `probability` = `p_target` x `p_value`. `novelty` in [0, inf): how far the
    view is from the training data, 1.0 at the 99th percentile of held-out training views."""

    action: Action
    probability: float
    p_target: float = 1.0
    p_value: float = 1.0
    novelty: float = 0.0


class HistoryItem(Frozen):
    """One step already taken in this session."""

    action: Action
    actor: Literal["agent", "operator"]
    probability: float | None = None
    novelty: float | None = None
    outcome: Outcome | None = None


History = tuple[HistoryItem, ...]


class Policy(Protocol):
    """Proposes only actions that are valid on the view, most probable first."""

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]: ...


@runtime_checkable
class Concurrent(Protocol):
    """A policy that several threads may ask at once, and its critic with it."""

    concurrent: Literal[True]


class Critic(Protocol):
    """Probability in [0, 1] that an operator would accept the first of `ranked`."""

    def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float: ...


class Decision(Frozen):
    """What the gate decided, and why, in words that an operator can read. `tau` is the threshold it was held against."""

    kind: Literal["execute", "hand_off"]
    code: Literal[
        "reversible",
        "certified",
        "below_threshold",
        "no_certificate",
        "copilot",
        "calibrating",
        "unfamiliar",
        "unread",
        "audit",
        "asked",
        "no_proposal",
        "blocked",
        "loop",
        "limit",
        "takeover",
    ]
    reason: str
    score: float | None = None
    tau: float | None = None
    audit: bool = False
    """True when the action would have been executed but was sent to an operator as a blind audit."""


CRITICAL_CLASSES = ("click", "send_message", "end_case")
"""The classes of critical actions; see `action_class`."""


def is_critical(view: View, action: Action) -> bool:
    """Whether an action leaves the page: composites always, a click when its control is marked critical."""
    if isinstance(action, Click):
        control = view.control(action.target.key)
        return control is None or control.critical
    return action.type in CRITICAL_TYPES


def explained(action: Action, ranked: Sequence[Proposal]) -> Action:
    """What an operator entered, with the formula behind it where the policy knew one: a recorder sees no copy in it."""
    if isinstance(action, Fill | Select):
        for proposal in ranked:
            known = proposal.action
            if isinstance(known, Fill | Select) and known.provenance.formula and same_action(known, action):
                return action.but(provenance=known.provenance)
    return action


def action_class(action: Action) -> str:
    """The class whose threshold gates an action: its type, except that closing a case and handing it to another team are one
    class, since both end the agent's part in it, once a case, and rare transfers would never earn a certificate alone."""
    return "end_case" if action.type in CLOSING else action.type
