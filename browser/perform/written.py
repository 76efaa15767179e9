"""Dates as a text field asks for them: `mm/dd/yyyy` in its placeholder or hint."""

from __future__ import annotations

import re
from datetime import date

_ASKED = re.compile(r"(?<![a-z])([dmy]{1,4})([./ -]{1,2})([dmy]{1,4})\2([dmy]{1,4})(?![a-z])", re.IGNORECASE)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


def as_asked(hint: str, text: str) -> str:
    """An ISO date in the form that `hint` names; all else, and where it names none, as it is."""
    asked = _ASKED.search(hint)
    if asked is None or not _ISO.fullmatch(text.strip()):
        return text
    parts = [part.lower() for part in asked.group(1, 3, 4)]
    if sorted({part[0] for part in parts}) != ["d", "m", "y"] or any(part.strip(part[0]) for part in parts):
        return text
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return text
    return asked.group(2).join(_written(part, day) for part in parts)


def _written(part: str, day: date) -> str:
    """One part: two letters for two digits, one for as few as it takes."""
    if part[0] == "y":
        return f"{day.year:04}"[-2 if len(part) < 4 else 0 :]
    number = day.day if part[0] == "d" else day.month
    return f"{number:02}" if len(part) > 1 else str(number)
