"""The small policy: reads a view, points at a target and at a value, and ranks what it would do."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor

from policies.candidates import Candidate, Choice, Memory, Offer, choices
from policies.encoder import TextEncoder
from policies.novelty import Novelty
from policies.proposal import History, Proposal
from policies.small.collate import pad_values, pad_views
from policies.small.columns import VALUE_FLAGS, Texts
from policies.small.elements import elements
from policies.small.knowledge import Knowledge, Opinion
from policies.small.model import PolicyNet
from policies.small.values import Values, meaning_of, values
from schema_extraction.action import Done
from schema_extraction.view import Frozen, View

ENOUGH = 0.995
MAX_TARGETS = 6
REMEMBERED = 8


class Temperatures(Frozen):
    """Divide the logits of the two pointers; fitted on held-out cases (Guo et al. 2017)."""

    target: float = 1.0
    value: float = 1.0


@dataclass(frozen=True)
class Ranked:
    """One way to act: a choice, a candidate (None for clicks and checks), their probabilities and vectors (d,).

    `margin`: by how much the value's probability exceeds the next one's. `sources`: how many candidates say it. `rule`,
    `heard`: its probability by the rules and by the ear alone, None where they say nothing.
    """

    choice: Choice
    candidate: Candidate | None
    p_target: float
    p_value: float
    margin: float
    sources: int
    target_vector: Tensor
    value_vector: Tensor | None
    rule: float | None = None
    heard: float | None = None


@dataclass(frozen=True)
class Reading:
    """What the policy makes of a view: its ranked actions, and the vector of the view as a whole (d,)."""

    proposals: tuple[Proposal, ...]
    ranked: tuple[Ranked, ...]
    p_targets: tuple[float, ...]
    view_vector: Tensor
    opinion: Opinion


class SmallPolicy:
    """See the package. Deterministic: the same view, history and model folder give the same proposals, bit for bit, on every
    processor. What was learned in float32 is computed in float64 and rounded to float32 again (docs/decisions/0020)."""

    def __init__(
        self,
        net: PolicyNet,
        memory: Memory,
        known: Knowledge,
        encoder: TextEncoder,
        novelty: Novelty,
        temperatures: Temperatures = Temperatures(),
        top: int = 8,
    ) -> None:
        self.net = net.eval()
        self._exact = copy.deepcopy(self.net).double()
        self.memory = memory
        self.known = known
        self.encoder = encoder
        self.novelty = novelty
        self.temperatures = temperatures
        self.top = top
        self._latest: OrderedDict[tuple[int, int], tuple[View, History, Reading]] = OrderedDict()

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        """The likeliest actions, most probable first; none when nothing can be operated, `done` when the case is over."""
        if view.closed:
            return (Proposal(action=Done(), probability=1.0),)
        reading = self.read(view, history)
        return reading.proposals if reading else ()

    def read(self, view: View, history: History) -> Reading | None:
        """The reading behind `propose`, kept for the last few views so that a critic need not read again."""
        key = (id(view), id(history))
        kept = self._latest.get(key)
        if kept is not None and kept[0] is view and kept[1] is history:
            return kept[2]
        reading = self._read(view, history)
        if reading is not None:
            self._latest[key] = (view, history, reading)
            while len(self._latest) > REMEMBERED:
                self._latest.popitem(last=False)
        return reading

    def _read(self, view: View, history: History) -> Reading | None:
        offered = choices(view, self.memory)
        if not offered:
            return None
        texts = Texts()
        opinion = Opinion.of(view, history, self.encoder.embed, self.known.comparisons)
        rows = elements(view, history, offered, self.known, opinion, texts)
        with torch.inference_mode():
            batch = pad_views([rows])
            batch.texts = torch.from_numpy(self.encoder.embed(texts.all))
            batch = batch.double()
            x, rest = self._exact.read(batch)
            p_targets = torch.softmax(self._exact.targets(x, batch)[0] / self.temperatures.target, -1).float().tolist()
            likely = _likely(p_targets)
            offer = Offer(view, self.memory, history)
            found = {place: offer.candidates(offered[place]) for place in likely if offered[place].valued}
            found = {place: group for place, group in found.items() if group}
            of = [
                (0, 1 + place, values(view, offered[place], group, rows.origins, history, self.known, opinion, texts))
                for place, group in found.items()
            ]
            batch.texts = torch.from_numpy(self.encoder.embed(texts.all)).double()
            logits, vectors = self._exact.values(x, rest, batch, pad_values(of, [rows]).double())
            p_values = torch.softmax(logits / self.temperatures.value, -1).float()
            x, vectors = x.float(), vectors.float()
        ranked: list[Ranked] = []
        for place in likely:
            choice, p_target, vector = offered[place], p_targets[place], x[0, 1 + place]
            if not choice.valued:
                ranked.append(Ranked(choice, None, p_target, 1.0, 1.0, 1, vector, None))
            elif place in found:
                row = list(found).index(place)
                ranked += _merged(choice, p_target, found[place], of[row][2], p_values[row], vector, vectors[row])
        ranked.sort(key=lambda r: -r.p_target * r.p_value)
        ranked = ranked[: self.top]
        novelty = self.novelty(view)
        proposals = tuple(
            Proposal(
                action=r.choice.action(r.candidate),
                probability=r.p_target * r.p_value,
                p_target=r.p_target,
                p_value=r.p_value,
                novelty=novelty,
            )
            for r in ranked
        )
        return Reading(proposals, tuple(ranked), tuple(p_targets), x[0, 0], opinion)


def _likely(p_targets: list[float]) -> list[int]:
    """Targets from the likeliest down until together they are `ENOUGH`."""
    order = sorted(range(len(p_targets)), key=lambda place: -p_targets[place])
    total, count = 0.0, 0
    while count < min(len(order), MAX_TARGETS) and total < ENOUGH:
        total += p_targets[order[count]]
        count += 1
    return order[:count]


def _merged(
    choice: Choice,
    p_target: float,
    found: tuple[Candidate, ...],
    rows: Values,
    p_values: Tensor,
    vector: Tensor,
    vectors: Tensor,
) -> list[Ranked]:
    """Candidates that say the same as one, in the likeliest wording and from the likeliest source."""
    groups: dict[str, list[int]] = {}
    for index, candidate in enumerate(found):
        groups.setdefault(meaning_of(candidate), []).append(index)
    p = p_values[: len(found)].tolist()
    sums = {meaning: sum(p[i] for i in places) for meaning, places in groups.items()}
    order = sorted(groups, key=lambda meaning: -sums[meaning])
    merged = []
    for rank, meaning in enumerate(order):
        best = max(groups[meaning], key=lambda i: p[i])
        others = sums[order[0 if rank else 1]] if len(order) > 1 else 0.0
        merged.append(
            Ranked(
                *(choice, found[best], p_target, sums[meaning], sums[meaning] - others, len(groups[meaning])),
                *(vector, vectors[best], _said(rows, best, "rule"), _said(rows, best, "heard")),
            )
        )
    return merged


def _said(rows: Values, index: int, by: str) -> float | None:
    """The probability that the rules or the ear gave a candidate, back from its flag."""
    flags = rows.flags[index]
    return math.exp(4 * flags[VALUE_FLAGS.index(by)]) if flags[VALUE_FLAGS.index(f"has_{by}")] else None
