"""From what operators sent to `Replies`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from policies.dataset import Sample
from policies.replies.replies import NEAREST, SHARPNESS, Past, Replies, Suggestion, unit, unit_rows
from policies.replies.situation import Embed, Situation, situation
from policies.sources import sources
from policies.templates import Template, fold, values
from schema_extraction.action import SendMessage

HEARINGS = (0.0, 0.1, 0.25, 0.5)
"""Parts that the customer's words may have in the likeness; the one is taken that foretells held-out messages best."""
MIN_CASES = 3
"""A name that held in fewer cases is not kept, so that nothing of a single customer stays."""
MAX_SPREAD = 24
"""A fact with more distinct values tells customers apart: its values are not kept."""
MOST = 4000
"""Only so many messages are kept, the latest."""
FOLDS = 4
"""A message is foretold by three quarters of the other cases."""
FITTED = 1000
"""On so many of these, the latest, the part of the customer's words is fitted."""


@dataclass(frozen=True)
class Sent:
    """One message: its case, who sent it, the index of its template, and the situation."""

    case_id: str
    operator: str
    template: int
    now: Situation


@dataclass(frozen=True)
class Foretold:
    """A message, the template that gives it, and what the messages of other cases suggest in its place."""

    sample: Sample
    template: Template
    others: tuple[Suggestion, ...]


def learn_replies(found: Iterable[Sample], templates: Sequence[Template], embed: Embed) -> Replies | None:
    """Replies from all messages among `found` that one of `templates` gives; None where there are none.

    `templates` are those of `policies.candidates.Memory` for `send_message`: nothing of a single customer is in them.
    """
    return _replies([one for _, one in _sent(found, templates, embed)], templates)


def foretold(found: Iterable[Sample], templates: Sequence[Template], embed: Embed, most: int) -> Iterator[Foretold]:
    """Every message among `found` that one of `templates` gives, with at most `most` suggestions for it: as on a new case,
    whose own messages nobody knows yet. The cases are split into `FOLDS`."""
    sent = _sent(found, templates, embed)
    place = {case_id: number % FOLDS for number, case_id in enumerate(sorted({one.case_id for _, one in sent}))}
    for fold_number in range(FOLDS):
        replies = _replies([one for _, one in sent if place[one.case_id] != fold_number], templates)
        for sample, one in sent:
            if place[one.case_id] == fold_number:
                others = replies.suggest(sample.view, sample.history, embed, one.operator, most) if replies else ()
                yield Foretold(sample, templates[one.template], others)


def _sent(found: Iterable[Sample], templates: Sequence[Template], embed: Embed) -> list[tuple[Sample, Sent]]:
    """The latest messages that one of `templates` gives."""
    sent = []
    for sample in found:
        if isinstance(sample.action, SendMessage):
            place = _template(sample, templates)
            if place is not None:
                now = situation(sample.view, sample.history, embed)
                sent.append((sample, Sent(sample.case_id, sample.user, place, now)))
    return sent[-MOST:]


def _replies(sent: Sequence[Sent], templates: Sequence[Template]) -> Replies | None:
    if not sent:
        return None
    names = _names(sent)
    index = {name: place for place, name in enumerate(names)}
    rows = [sorted(index[name] for name in one.now.true if name in index) for one in sent]
    pointers = np.cumsum([0, *map(len, rows)])
    columns = np.array([place for row in rows for place in row], np.int32)
    true = csr_array((np.ones(len(columns)), columns, pointers), shape=(len(sent), len(names)))
    said = np.stack([one.now.said for one in sent]).astype(np.float16)
    meanings = [templates[one.template].meaning or templates[one.template].id for one in sent]
    weights = _weights(true, meanings)
    operators = tuple(sorted({one.operator for one in sent}))
    past = Past(
        np.array([one.template for one in sent], np.int32),
        np.array([operators.index(one.operator) for one in sent], np.int32),
        true,
        said,
    )
    hearing = _hearing(unit_rows(true, weights), unit(said.astype(np.float64)), sent)
    return Replies(tuple(templates), operators, names, weights, past, hearing)


def _template(sample: Sample, templates: Sequence[Template]) -> int | None:
    """The template that gives the message back."""
    assert isinstance(sample.action, SendMessage)
    text, slots = fold(sample.action.text), values(sources(sample.view, sample.history))
    return next((place for place, one in enumerate(templates) if fold(one.fill(slots) or "") == text), None)


def _names(sent: Sequence[Sent]) -> tuple[str, ...]:
    """Names that enough cases share, without values that tell customers apart."""
    cases: dict[str, set[str]] = defaultdict(set)
    spread: dict[str, set[str]] = defaultdict(set)
    for one in sent:
        for name in one.now.true:
            cases[name].add(one.case_id)
            spread[name.split("=", 1)[0]].add(name)
    free = ("slice", "section")
    return tuple(
        name
        for name in sorted(cases)
        if len(cases[name]) >= MIN_CASES and ((key := name.split("=", 1)[0]) in free or len(spread[key]) <= MAX_SPREAD)
    )


def _weights(true: csr_array, meanings: Sequence[str]) -> npt.NDArray[np.float64]:
    """(names,) mutual information with what was meant, in nats, times the inverse document frequency."""
    if not true.shape[1] or len(set(meanings)) < 2:
        return np.ones(true.shape[1])
    from sklearn.metrics import mutual_info_score

    columns = true.toarray().T > 0
    told = np.array([mutual_info_score(meanings, column) for column in columns])
    weights: npt.NDArray[np.float64] = np.round(told * np.log(len(meanings) / columns.sum(1)), 9)
    return weights


def _hearing(rows: csr_array, said: npt.NDArray[np.float64], sent: Sequence[Sent]) -> float:
    """The part of the customer's words with which each message is foretold best by those of other cases."""
    rows, said = rows[-FITTED:], said[-FITTED:]
    state, heard = (rows @ rows.T).toarray(), np.clip(said @ said.T, 0.0, 1.0)
    case = np.unique([one.case_id for one in sent[-FITTED:]], return_inverse=True)[1]
    kinds = np.array([one.template for one in sent[-FITTED:]])
    other = case[:, None] != case[None]

    def loss(hearing: float) -> float:
        likeness = np.where(other, (1 - hearing) * state + hearing * heard, 0.0)
        total = 0.0
        for place, row in enumerate(likeness):
            nearest = np.argsort(-row, kind="stable")[:NEAREST]
            votes = row[nearest] ** SHARPNESS
            right = votes[kinds[nearest] == kinds[place]].sum()
            total -= math.log(max(right / max(votes.sum(), 1e-12), 0.01))
        return total

    return min(HEARINGS, key=loss)
