"""The causal LM as a policy: reads the page as a prompt, and ranks the valid actions by how likely each is as the answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from policies.candidates import Memory
from policies.causal_lm.language import Language
from policies.causal_lm.menu import Entry, Menu, menu
from policies.causal_lm.prompt import Prompt, prompt
from policies.causal_lm.scoring import Answers, Question, Scorer
from policies.causal_lm.trie import Fork, Trie
from policies.errors import ModelError
from policies.novelty import Novelty
from policies.proposal import History, Proposal
from schema_extraction.action import Done
from schema_extraction.view import Frozen, View

REMEMBERED = 64


class Reach(Frozen):
    """`budget`: tokens of a prompt, at the most. Answers are sought until `leaves` are found, or until together they have
    `enough` probability; `top` proposals are given. `temperature` divides log-probabilities; fitted on held-out cases (Guo et
    al. 2017). `spelt`: see `policies.causal_lm.prompt.lines`. `drafted`: tokens of a reply that is drafted, at the most; 0 for
    no drafts; `alike`: how many past replies are shown for it."""

    budget: int = Field(3072, ge=64)
    leaves: int = Field(24, ge=1)
    enough: float = Field(0.995, gt=0, le=1)
    top: int = Field(8, ge=1)
    temperature: float = Field(1.0, gt=0)
    spelt: bool = True
    drafted: int = Field(120, ge=0)
    alike: int = Field(3, ge=0)


@dataclass(frozen=True)
class Reading:
    """What is asked about a view: its valid actions, the prompt, and the trie of answers."""

    menu: Menu
    prompt: Prompt
    trie: Trie
    forks: tuple[Fork, ...]


class CausalPolicy:
    """Deterministic for a model on one machine. May be asked from several threads where its scorer may."""

    concurrent: Literal[True] = True

    def __init__(self, scorer: Scorer, language: Language, memory: Memory, novelty: Novelty, reach: Reach = Reach()) -> None:
        self.scorer = scorer
        self.language = language
        self.memory = memory
        self.novelty = novelty
        self.reach = reach
        self._latest: OrderedDict[tuple[int, int], tuple[View, History, Reading]] = OrderedDict()
        self._lock = threading.Lock()

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        """The likeliest actions, most probable first; none when nothing can be operated, `done` when the case is over.

        Raises:
            ContextError, ModelError, ServerError: see `policies.causal_lm.errors`.
        """
        return self.propose_all([(view, history)])[0]

    def propose_all(self, asked: Sequence[tuple[View, History]]) -> list[tuple[Proposal, ...]]:
        """The same for several sessions at once, in one batch."""
        found: list[tuple[Proposal, ...]] = [() for _ in asked]
        readings: dict[int, Reading] = {}
        for place, (view, history) in enumerate(asked):
            if view.closed:
                found[place] = (Proposal(action=Done(), probability=1.0),)
            elif (reading := self.read(view, history)) is not None:
                readings[place] = reading
        known: dict[int, Answers] = {}
        if not self.scorer.width and readings:
            questions = [Question(reading.prompt.tokens, reading.forks) for reading in readings.values()]
            known = dict(zip(readings, self.scorer.score(questions), strict=True))
        for place, reading in readings.items():
            found[place] = self._ranked(asked[place][0], reading, known.get(place))
        return found

    def read(self, view: View, history: History) -> Reading | None:
        """What is asked about a view, kept for the last few so that a critic need not read again; None without an action."""
        key = (id(view), id(history))
        with self._lock:
            kept = self._latest.get(key)
            if kept is not None and kept[0] is view and kept[1] is history:
                return kept[2]
            offered = menu(view, history, self.memory)
            if not offered.entries:
                return None
            trie = Trie([self.language.answer(entry.text) for entry in offered.entries])
            page = prompt(view, history, offered, self.language, self.reach.budget, self.reach.spelt)
            reading = Reading(offered, page, trie, trie.forks())
            self._latest[key] = (view, history, reading)
            while len(self._latest) > REMEMBERED:
                self._latest.popitem(last=False)
            return reading

    def leaves(self, reading: Reading, known: Answers | None = None) -> list[tuple[Entry, float]]:
        """The likeliest answers with their probabilities. `known`: the answers to all forks, where they were all asked
        about."""
        table = {fork.path: row for fork, row in zip(reading.forks, known, strict=True)} if known is not None else None

        def ask(forks: Sequence[Fork]) -> Answers:
            if table is not None:
                return [table[fork.path] for fork in forks]
            return self.scorer.score([Question(reading.prompt.tokens, tuple(forks))])[0]

        reach = self.reach
        best = reading.trie.best(ask, reach.leaves, reach.enough, max(self.scorer.width, 1), reach.temperature)
        return [(reading.menu.entries[index], p) for index, p in best]

    def _ranked(self, view: View, reading: Reading, known: Answers | None) -> tuple[Proposal, ...]:
        """Answers that do the same as one proposal, in the likeliest of them."""
        leaves = self.leaves(reading, known)
        if any(p != p for _, p in leaves):
            raise ModelError("Expected probabilities, met no number: the model is damaged. Train it again.")
        by_target: dict[tuple[str, str], float] = {}
        by_meaning: dict[tuple[str, str, str], list[tuple[Entry, float]]] = {}
        for entry, p in leaves:
            place = (entry.choice.operation, entry.choice.key)
            by_target[place] = by_target.get(place, 0.0) + p
            by_meaning.setdefault(entry.meaning, []).append((entry, p))
        novelty = self.novelty(view)
        found = []
        for same in by_meaning.values():
            entry = same[0][0]
            p = min(sum(p for _, p in same), 1.0)
            p_target = min(by_target[entry.choice.operation, entry.choice.key], 1.0)
            found.append(
                Proposal(
                    action=entry.action,
                    probability=p,
                    p_target=p_target,
                    p_value=min(p / max(p_target, 1e-12), 1.0),
                    novelty=novelty,
                )
            )
        return tuple(sorted(found, key=lambda one: -one.probability)[: self.reach.top])
