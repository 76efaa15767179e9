"""Dates and times in the form that a native field of that type takes."""

from __future__ import annotations

from schema_extraction.normalise import value as normalised


def for_field(type_: str, text: str) -> str | None:
    """`text` as an input of type `type_` takes it, None where it is no date for a date field; other fields take it as it is."""
    if type_ != "date" or not text.strip():
        return text
    read = normalised(text, "date")
    return read.date.isoformat() if read.date else None
