"""Whether what a field holds is what was typed, white space and the field's own formatting aside."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[^\d\s.,+-]{0,3}\s*([+-]?\d[\d,]*(?:\.\d+)?)\s*[^\d\s.,+-]{0,3}")
MASK = re.compile(r"[\s()/-]+")


def fold(text: str) -> str:
    """White space folded."""
    return " ".join(text.replace("\u200b", "").split())


def number(text: str) -> float | None:
    """The number that a text is, thousands separators and a currency sign aside, or None."""
    found = NUMBER.fullmatch(text.strip())
    return float(found.group(1).replace(",", "")) if found else None


def same_value(typed: str, held: str) -> bool:
    """Equal as text, as numbers (`1,200.50` and `1200.5`), or apart from a mask (`(555) 010-2030` and `5550102030`)."""
    a, b = fold(typed), fold(held)
    if a == b:
        return True
    left, right = number(a), number(b)
    if left is not None and right is not None:
        return left == right
    masked = bool(MASK.search(b)) and not re.search(r"[.,]", a + b)
    return masked and a != "" and MASK.sub("", a).casefold() == MASK.sub("", b).casefold()
