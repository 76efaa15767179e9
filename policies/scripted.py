"""Shipped doubles: a policy that follows a script and a critic that always says the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from policies.proposal import History, Proposal
from schema_extraction.action import Action, AskOperator
from schema_extraction.view import View


class ScriptedPolicy:
    """Proposes the action at the place in `script` that the history has reached; asks the operator after its end.

    Instead of a list, `script` may be a function of view and history that gives the action, or None to propose nothing.
    """

    def __init__(
        self,
        script: Sequence[Action] | Callable[[View, History], Action | None],
        *,
        probability: float = 1.0,
        novelty: float = 0.0,
    ) -> None:
        self.script = script
        self.probability = probability
        self.novelty = novelty

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        if callable(self.script):
            action = self.script(view, history)
        else:
            action = (
                self.script[len(history)] if len(history) < len(self.script) else AskOperator(question="The script is over.")
            )
        if action is None:
            return ()
        return (Proposal(action=action, probability=self.probability, p_target=self.probability, novelty=self.novelty),)


class FixedCritic:
    """Gives every action `score`, or the score of its type where `by_type` has one."""

    def __init__(self, score: float = 1.0, by_type: Mapping[str, float] | None = None) -> None:
        self.fixed = score
        self.by_type = dict(by_type or {})

    def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float:
        return self.by_type.get(ranked[0].action.type, self.fixed)
