"""How much operators change the messages that are proposed to them: the edit distance from proposal to what was sent.

Levenshtein (1966), over characters with white space folded; `share` is the distance over the length of the longer text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rapidfuzz.distance import Levenshtein

from policies.templates import fold
from policies.trace import Step
from schema_extraction.action import SendMessage
from schema_extraction.view import Frozen


class Edit(Frozen):
    """One proposed message and what the operator sent in its place; the same text where it was accepted."""

    case_id: str
    operator: str
    proposed: str
    sent: str

    @property
    def distance(self) -> int:
        return distance(self.proposed, self.sent)

    @property
    def share(self) -> float:
        return share(self.proposed, self.sent)


def distance(a: str, b: str) -> int:
    """Characters to insert, delete or replace to make one text of the other."""
    return int(Levenshtein.distance(fold(a), fold(b)))


def share(a: str, b: str) -> float:
    """The distance over the length of the longer text, 0 to 1."""
    return float(Levenshtein.normalized_distance(fold(a), fold(b)))


def edits(steps: Iterable[Step]) -> Iterator[Edit]:
    """Every proposed message that an operator judged and for which a message went out."""
    for step in steps:
        if step.verdict is None or not step.ranked or not isinstance(step.ranked[0].action, SendMessage):
            continue
        proposed = step.ranked[0].action
        verdict = step.verdict
        sent = proposed if verdict.kind == "accept" else verdict.edited if verdict.kind == "edit" else step.action
        if isinstance(sent, SendMessage):
            yield Edit(case_id=step.case_id, operator=verdict.operator, proposed=proposed.text, sent=sent.text)
