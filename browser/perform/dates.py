"""Dates and times in the form that a native field of that type takes."""

from __future__ import annotations

from schema_extraction.normalise import value as normalised


def for_field(type_: str, text: str) -> str:
    """`text` as an input of type `type_` takes it; anything but a date field takes it as it is."""
    if type_ != "date":
        return text
    read = normalised(text, "date")
    return read.date.isoformat() if read.date else text
