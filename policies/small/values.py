"""Candidate values as arrays: one row a candidate of one target."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from policies.candidates import Candidate, Choice
from policies.encoder import mask
from policies.literals import chosen
from policies.proposal import History
from policies.small.columns import FORMS, SOURCES, VALUE_FLAGS, VALUE_IDS, Floats, Ints, Texts
from policies.small.knowledge import Knowledge, Opinion
from policies.small.lexicon import value_word
from policies.templates import fold
from schema_extraction.view import View

_SOURCE = {name: index for index, name in enumerate(SOURCES)}
_FORM = {name: index for index, name in enumerate(FORMS)}
_WORD = re.compile(r"[\w-]{2,}")


@dataclass(frozen=True)
class Values:
    """The candidates of one target: `ids` (n, len(VALUE_IDS)), `numbers` (n, 2), `flags` (n, len(VALUE_FLAGS))."""

    ids: Ints
    numbers: Floats
    flags: Floats


def values(
    view: View,
    choice: Choice,
    candidates: Sequence[Candidate],
    origins: dict[str, int],
    history: History,
    known: Knowledge,
    opinion: Opinion,
    texts: Texts,
) -> Values:
    """The rows of the candidates of one target."""
    selected = {fold(c.value.raw).casefold() for c in view.controls if c.value and c.options and not c.part}
    selected |= {fold(value).casefold() for value in chosen(history).values()}
    rule = by_meaning(candidates, known.rules.value(choice.key, opinion.true))
    ear = by_meaning(candidates, known.hearing.value(choice, opinion.said))
    mentions = _row_mentions(view)
    inbound = [m.text.casefold() for m in view.messages if m.direction == "inbound"]
    facts = {fold(fact.value.raw).casefold(): f"fact:{fact.key}" for fact in reversed(view.facts)}
    ids, numbers, flags = [], [], []
    for candidate in candidates:
        source = candidate.provenance.source
        copied = source in ("fact", "message", "cell", "derived")
        folded = fold(candidate.text).casefold()
        origin = candidate.origin or facts.get(folded, "")
        prior, seen = known.lexicon.prior(choice.key, candidate.slot, known.own)
        shown = "" if copied else (candidate.label if source == "template" else mask(candidate.text))
        ids.append(
            (
                texts(shown),
                texts(mask(candidate.label) if copied else ""),
                _SOURCE[source],
                _FORM.get(candidate.form, 0),
                known.lexicon.word(value_word(choice.key, candidate.slot)),
                origins.get(origin, -1),
            )
        )
        day = float((view.today - candidate.day).days) if candidate.day else math.nan
        numbers.append((candidate.number if candidate.number is not None else math.nan, day))
        short = 3 <= len(folded) <= 60 and not copied
        flags.append(
            (
                math.log(prior) / 4,
                math.log1p(seen) / 4,
                math.log(known.lexicon.fit(choice.key, candidate.text, known.own)) / 4 if copied else 0.0,
                _log(rule, meaning_of(candidate)),
                bool(rule),
                _log(ear, meaning_of(candidate)),
                bool(ear),
                not copied and folded in facts,
                copied and fold(candidate.label).casefold() in selected,
                short and any(folded in text for text in inbound),
                short and bool(inbound) and folded in inbound[-1],
                mentions.get(candidate.origin.rsplit("/", 1)[0], 0.0) if source == "cell" else 0.0,
                len(candidate.text) > 80,
            )
        )
    return Values(
        np.array(ids, np.int32).reshape(-1, len(VALUE_IDS)),
        np.array(numbers, np.float32).reshape(-1, 2),
        np.array(flags, np.float32).reshape(-1, len(VALUE_FLAGS)),
    )


def meaning_of(candidate: Candidate) -> str:
    """What a candidate says, whatever its wording or source."""
    return candidate.meaning or fold(candidate.text)


def by_meaning(candidates: Sequence[Candidate], odds: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of slots as those of what the candidates with these slots say; empty stays empty."""
    found: dict[str, float] = {}
    for slot, meaning in {(c.slot, meaning_of(c)) for c in candidates} if odds else ():
        found[meaning] = found.get(meaning, 0.0) + odds.get(slot, 0.0)
    return found


def _row_mentions(view: View) -> dict[str, float]:
    """For every table row (`cell:<table>/<number>`): how much of what one of its cells says the customer has said, 0 to 1."""
    said = set(_WORD.findall(" ".join(m.text for m in view.messages if m.direction == "inbound").casefold()))
    found: dict[str, float] = {}
    for table in view.tables:
        for number, row in enumerate(table.rows):
            shares = [0.0]
            for value in row.cells:
                words = set(_WORD.findall(value.raw.casefold())) if value.kind in ("text", "id", "choice") else set()
                shares.append(len(words & said) / len(words) if words else 0.0)
            found[f"cell:{table.key}/{number}"] = max(shares)
    return found


def _log(odds: Mapping[str, float], name: str) -> float:
    return math.log(max(odds.get(name, 0.0), 0.005)) / 4 if odds else 0.0
