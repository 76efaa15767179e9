"""Past messages by situation: the nearest ones, weighed, filled on the present view.

Likeness is a cosine over what is true of the page, each name weighed by how much it tells which message was written (mutual
information; Debole and Sebastiani 2003) and how rare it is, and in a measure that is fitted a cosine over what the customer
said. The `NEAREST` past messages that can be filled vote for what they mean; within one meaning, an operator's own wording
comes before that of others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from policies.proposal import History
from policies.replies.grounding import words
from policies.replies.situation import Embed, Situation, situation
from policies.sources import Source, sources
from policies.templates import Template, fold
from schema_extraction.action import Provenance, SendMessage
from schema_extraction.view import Frozen, View

NEAREST = 10
SHARPNESS = 4
"""The power of a likeness that is its vote."""
OWN = 1.0
"""How many messages of an operator's own the wording of all operators is worth."""


class Slot(Frozen):
    """One place of a reply that the page filled."""

    text: str
    label: str
    provenance: Provenance


class Suggestion(Frozen):
    """A reply for the present page. `probability`: the share of the votes for it; `slots`: where its particulars come from;
    `template`, `meaning`: ids, see `policies.templates.Template`."""

    text: str
    probability: float
    template: str
    meaning: str
    slots: tuple[Slot, ...] = ()

    @property
    def action(self) -> SendMessage:
        return SendMessage(text=self.text, provenance=Provenance(source="template", where=self.template))


@dataclass(frozen=True)
class Past:
    """n messages that operators sent. `template` (n,): index of each among the templates; `operator` (n,): of who sent it among
    the operators; `true` (n, names): which names held, by row; `said` (n, 384): see `Situation`."""

    template: npt.NDArray[np.int32]
    operator: npt.NDArray[np.int32]
    true: csr_array
    said: npt.NDArray[np.float16]


class Replies:
    """What was learned of an organisation's messages. `names` with `weights` (names,): what likeness is made of; `hearing`: the
    part that the customer's words have in it, 0 to 1."""

    def __init__(
        self,
        templates: tuple[Template, ...],
        operators: tuple[str, ...],
        names: tuple[str, ...],
        weights: npt.NDArray[np.float64],
        past: Past,
        hearing: float,
    ) -> None:
        self.templates = templates
        self.operators = operators
        self.names = names
        self.weights = weights
        self.past = past
        self.hearing = hearing
        self._place = {name: place for place, name in enumerate(names)}
        self._rows = unit_rows(past.true, weights)
        self._said = unit(past.said.astype(np.float64))

    def suggest(self, view: View, history: History, embed: Embed, operator: str = "", most: int = 3) -> tuple[Suggestion, ...]:
        """The likeliest replies that this view can fill, likeliest first, each text once. `operator`: who will send it.

        Args:
            embed: sentences to unit vectors (n, 384), as `policies.encoder.TextEncoder.embed`.
        """
        found = {source.slot: source for source in reversed(sources(view, history))}
        texts = {slot: source.text for slot, source in found.items()}
        filled = {i: text for i, template in enumerate(self.templates) if (text := template.fill(texts)) is not None}
        odds = self.odds(situation(view, history, embed), filled, operator)
        offered: dict[str, Suggestion] = {}
        for place, share in sorted(odds.items(), key=lambda item: (-item[1], item[0])):
            template, text = self.templates[place], filled[place]
            if fold(text) not in offered and len(offered) < most:
                slots = tuple(_slot(found[slot]) for slot in template.slots)
                offered[fold(text)] = Suggestion(
                    text=text, probability=share, template=template.id, meaning=template.meaning, slots=slots
                )
        return tuple(offered.values())

    def odds(self, now: Situation, possible: Mapping[int, str], operator: str = "") -> dict[int, float]:
        """The probability of every one of the `possible` templates (by index) that a near message had the meaning of."""
        usable = np.isin(self.past.template, list(possible))
        likeness = np.where(usable, self.likeness(now), 0.0)
        nearest = np.argsort(-likeness, kind="stable")[:NEAREST]
        votes: dict[str, float] = defaultdict(float)
        for place in nearest:
            votes[self._meaning(int(self.past.template[place]))] += float(likeness[place]) ** SHARPNESS
        total = sum(votes.values())
        odds: dict[int, float] = {}
        for meaning, vote in votes.items():
            if vote > 0:
                wordings = [place for place in self._wordings[meaning] if place in possible]
                for place, share in self._shares(wordings, likeness, operator).items():
                    odds[place] = round(vote / total * share, 9)
        return odds

    def likeness(self, now: Situation) -> npt.NDArray[np.float64]:
        """(n,) how like each past situation is to this one, 0 to 1."""
        query = np.zeros(len(self.names))
        places = [self._place[name] for name in sorted(now.true) if name in self._place]
        query[places] = self.weights[places]
        state = self._rows @ unit(query[None])[0]
        heard = np.clip(self._said @ unit(now.said[None].astype(np.float64))[0], 0.0, 1.0)
        found: npt.NDArray[np.float64] = np.round((1 - self.hearing) * state + self.hearing * heard, 9)
        return found

    def _meaning(self, place: int) -> str:
        return self.templates[place].meaning or self.templates[place].id

    def template(self, name: str) -> Template:
        """The template with this id, of those that were suggested."""
        return self._by_id[name]

    @cached_property
    def _by_id(self) -> dict[str, Template]:
        return {template.id: template for template in self.templates}

    @cached_property
    def wording(self) -> frozenset[str]:
        """The words that the organisation itself writes, without those of customers."""
        return words(piece for template in self.templates for piece in template.pieces)

    @cached_property
    def _wordings(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for place in sorted(set(self.past.template.tolist())):
            found[self._meaning(place)].append(place)
        return found

    @cached_property
    def _sent(self) -> Counter[tuple[int, int]]:
        """How often each operator sent each template."""
        return Counter(zip(self.past.template.tolist(), self.past.operator.tolist(), strict=True))

    def _shares(self, wordings: list[int], likeness: npt.NDArray[np.float64], operator: str) -> dict[int, float]:
        """How likely each wording of one meaning is: by how often the operator sent it, and by the most like situation that it
        was sent in, since what only the customer's words tell apart is one meaning (see `policies.wordings`)."""
        by = self.operators.index(operator) if operator in self.operators else -1
        everybody = {place: sum(self._sent[place, one] for one in range(len(self.operators))) for place in wordings}
        total = sum(everybody.values())
        weights = {
            place: (self._sent[place, by] + OWN * everybody[place] / total)
            * float(likeness[self.past.template == place].max()) ** SHARPNESS
            for place in wordings
        }
        whole = sum(weights.values())
        return {place: weight / whole for place, weight in weights.items()} if whole else {}


def _slot(source: Source) -> Slot:
    return Slot(text=source.text, label=source.label, provenance=source.provenance)


def unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rows (n, d) of length 1; rows of nought stay so."""
    length = np.sqrt((rows * rows).sum(-1, keepdims=True))
    return rows / np.where(length > 0, length, 1.0)


def unit_rows(true: csr_array, weights: npt.NDArray[np.float64]) -> csr_array:
    """Which names held (n, names), weighed, as rows of length 1."""
    weighed = csr_array(true.multiply(weights[None]))
    length = np.sqrt(weighed.multiply(weighed).sum(axis=1))
    return csr_array(weighed.multiply(1.0 / np.where(length > 0, length, 1.0)[:, None]))
