"""Where a value that somebody entered most likely came from, judged by what the view showed."""

from __future__ import annotations

from schema_extraction.action import Provenance
from schema_extraction.normalise import value as normalised
from schema_extraction.view import Value, View

SHORT = 2
"""A value of fewer characters is not looked for inside messages, for it is found everywhere."""


def infer(view: View, entered: str) -> Provenance:
    """The provenance of `entered`: a fact with exactly this value, else a span of a message (the latest first, the customer's
    before ours), else a table cell, else an option on offer, else a constant."""
    text = " ".join(entered.split())
    if not text:
        return Provenance(source="constant")
    sought = normalised(text)
    for fact in view.facts:
        if _same(fact.value, text, sought):
            return Provenance(source="fact", where=fact.key)
    if found := _spoken(view, text):
        return found
    for table in view.tables:
        for index, row in enumerate(table.rows):
            for column, cell in enumerate(row.cells):
                if _same(cell, text, sought):
                    return Provenance(source="cell", where=f"{table.key}[{index},{column}]")
    for control in view.controls:
        if any(_fold(option.label) == text.casefold() for option in control.options):
            return Provenance(source="option", where=control.key)
    return Provenance(source="constant")


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _same(held: Value, text: str, sought: Value) -> bool:
    if _fold(held.raw) == text.casefold():
        return True
    # Different spellings of one date, sum or number; plain text must be the same text.
    return held.kind == sought.kind and held.kind != "text" and bool(held.normal) and held.normal == sought.normal


def _spoken(view: View, text: str) -> Provenance | None:
    if len(text) < SHORT:
        return None
    ordered = [(i, m) for i, m in enumerate(view.messages) if m.direction == "inbound"][::-1]
    ordered += [(i, m) for i, m in enumerate(view.messages) if m.direction != "inbound"][::-1]
    for index, message in ordered:
        start = _find_word(message.text, text)
        if start >= 0:
            return Provenance(source="message", where=str(index), span=(start, start + len(text)))
    return None


def _find_word(haystack: str, needle: str) -> int:
    """Where `needle` stands in `haystack` as whole words, in any letter case; -1 if nowhere."""
    low, sought = haystack.lower(), needle.lower()
    start = low.find(sought)
    while start >= 0:
        end = start + len(sought)
        left = start == 0 or not (low[start - 1].isalnum() and sought[0].isalnum())
        right = end == len(low) or not (low[end].isalnum() and sought[-1].isalnum())
        if left and right:
            return start
        start = low.find(sought, start + 1)
    return -1
