"""What the small policy knows beside its network: names and priors, rules over facts, and an ear for the customer's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policies.dataset import Example
from policies.derive.comparisons import Comparison, truths
from policies.derive.operands import operands
from policies.encoder import Vectors
from policies.literals import Names
from policies.proposal import History
from policies.small.hearing import Embed, Hearing, heard, learn_hearing
from policies.small.lexicon import Counts, Lexicon, learn_lexicon, own_counts
from policies.small.rules import Rules, learn_rules, task_name
from policies.small.typed import typed_truths
from schema_extraction.view import View


@dataclass(frozen=True)
class Knowledge:
    """`own`: what a training case itself added to the lexicon's counts, to be taken away for its examples. `comparisons`: what
    rules may ask besides the literals. `typed`: rules over typed literals alone, for a critic that reads no text; None in
    models that were trained without."""

    lexicon: Lexicon
    rules: Rules
    hearing: Hearing
    own: Counts | None = None
    comparisons: tuple[Comparison, ...] = ()
    typed: Rules | None = None

    def without(self, case_id: str, examples: Sequence[Example]) -> Knowledge:
        """The knowledge as it would be had it not seen a training case."""
        return Knowledge(
            self.lexicon, self.rules.fold(case_id), self.hearing.fold(case_id), own_counts(examples), self.comparisons
        )


def learn_knowledge(
    cases: dict[str, list[Example]], embed: Embed, seed: int, comparisons: tuple[Comparison, ...] = ()
) -> Knowledge:
    """From the examples of the training cases, by case id."""
    lexicon = learn_lexicon(cases)
    rules = learn_rules(cases, lexicon, seed, comparisons)
    typed = learn_rules(cases, lexicon, seed, comparisons, read=typed_truths, folds=False)
    return Knowledge(lexicon, rules, learn_hearing(cases, embed, seed), comparisons=comparisons, typed=typed)


@dataclass(frozen=True)
class Opinion:
    """One view as the knowledge looks at it. `true`: literals; `stable`: those that filling the form does not change; `task`:
    see `rules.task_name`; `said` (sentences, d)."""

    true: Names
    stable: Names
    task: str
    said: Vectors

    @classmethod
    def of(cls, view: View, history: History, embed: Embed, comparisons: Sequence[Comparison] = ()) -> Opinion:
        given = operands(view, history) if comparisons else {}
        true = truths(view, history, comparisons, given=given)
        stable = truths(view, history, comparisons, controls=False, given=given)
        return cls(true, stable, task_name(view), embed(heard(view)))
