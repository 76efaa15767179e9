"""Dates and times in the form that a native field of that type takes."""

from __future__ import annotations

import re

from schema_extraction.normalise import value as normalised

_TIME = re.compile(r"(?i)(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?(?::(?P<second>\d{2}))?\s*(?P<half>[ap]\.?m\.?)?")
_BOTH = re.compile(r"(?P<date>.*?)[T,\s]\s*(?P<time>\d{1,2}[:.]\d{2}.*|\d{1,2}\s*[ap]m)", re.IGNORECASE | re.DOTALL)


def for_field(type_: str, text: str) -> str | None:
    """`text` as an input of type `type_` takes it, None where it is none for that type; other fields take it as it is."""
    if not text.strip():
        return text
    match type_:
        case "date":
            return _date(text)
        case "time":
            return _time(text)
        case "datetime-local":
            parts = _BOTH.fullmatch(text.strip())
            day, hour = (_date(parts["date"]), _time(parts["time"])) if parts else (None, None)
            return f"{day}T{hour}" if day and hour else None
        case "month":
            if re.fullmatch(r"\d{4}-\d{2}", text.strip()):
                return text.strip()
            day = _date(text) or _date(f"1 {text}")
            return day[:7] if day else None
    return text


def _date(text: str) -> str | None:
    read = normalised(text, "date")
    return read.date.isoformat() if read.date else None


def _time(text: str) -> str | None:
    found = _TIME.fullmatch(text.strip())
    if found is None or not (found["minute"] or found["half"]):
        return None
    hour, half = int(found["hour"]), (found["half"] or "").casefold()[:1]
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour
    if hour > 23 or int(found["minute"] or 0) > 59:
        return None
    return f"{hour:02}:{found['minute'] or '00'}" + (f":{found['second']}" if found["second"] else "")
