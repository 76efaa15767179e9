"""The causal LM as a critic: behind the page come the proposal and a question, and the answer is `accept` or `reject`.

The score is the softmax of these two tokens' logits (arXiv 2604.23855, section 3). What comes behind the page:

    fill Amount = Amount due 0.00
    that is 177.65; sure 5
    verdict: accept

`sure` is the policy's own confidence: the bits that it is short of certainty, 9 at the most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from policies.causal_lm.language import Language, Tokens
from policies.causal_lm.menu import LONGEST_TEXT, Menu, clean
from policies.causal_lm.policy import CausalPolicy, Reading
from policies.causal_lm.scoring import Question
from policies.causal_lm.trie import Fork, normalised
from policies.proposal import History, Proposal
from schema_extraction.action import action_value
from schema_extraction.view import View

SUREST = 9


class CausalCritic:
    """Asks about the pages that `policy` reads. `shared`: it goes on from what the policy read, instead of reading it
    itself."""

    def __init__(self, policy: CausalPolicy, shared: bool) -> None:
        self.policy = policy
        self.shared = shared

    def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float:
        """Probability in [0, 1] that an operator accepts `ranked[0]`; 0 for what the policy could not propose here.

        Raises:
            ContextError, ModelError, ServerError: see `policies.causal_lm.errors`.
        """
        return self.score_all([(view, history, ranked)])[0]

    def score_all(self, asked: Sequence[tuple[View, History, tuple[Proposal, ...]]]) -> list[float]:
        """The same for several sessions at once, in one batch."""
        scores = [0.0] * len(asked)
        questions: dict[int, Question] = {}
        for place, (view, history, ranked) in enumerate(asked):
            reading = self.policy.read(view, history) if ranked else None
            if reading is not None and (made := question(reading, ranked[0], self.policy.language, self.shared)) is not None:
                questions[place] = made
        for place, answers in zip(questions, self.policy.scorer.score([*questions.values()]) if questions else (), strict=True):
            scores[place] = math.exp(normalised(answers[0])[0])
        return scores


def question(reading: Reading, proposal: Proposal, language: Language, shared: bool) -> Question | None:
    """What the critic is asked about a proposal; None where that is no valid action."""
    behind = asked(reading.menu, proposal, language)
    if behind is None:
        return None
    page = reading.prompt.tokens
    fork = Fork((), (language.accept, language.reject))
    return Question((*page, *behind), (fork,), "critic", len(page) if shared else 0)


def asked(menu: Menu, proposal: Proposal, language: Language) -> Tokens | None:
    """The tokens behind the page, up to the verdict."""
    entry = menu.find(proposal.action)
    if entry is None:
        return None
    value = action_value(proposal.action)
    said = f"that is {clean(value, LONGEST_TEXT)}; " if value and entry.candidate is not None else ""
    return (
        *language.encode(f"{entry.text}\n"),
        *language.encode(f"{said}sure {sure(proposal.probability)}\n"),
        *language.encode("verdict:"),
    )


def sure(probability: float) -> int:
    """How many bits a probability is short of 1, from 0 to `SUREST`."""
    return min(int(-math.log2(max(1.0 - probability, 2.0**-SUREST))), SUREST)
