"""How a result is written into a field: the form that the recorded values have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from policies.derive.expressions import Result
from schema_extraction.normalise import plain


def _rounded(number: float, places: int) -> Decimal:
    # What floats add far behind the point is taken away first, so that 2.675 rounds as it reads.
    return Decimal(f"{number:.8f}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


# Programs round what a float holds, people what it reads; where a sum ends in half a cent the two differ.
NUMBERS: dict[str, Callable[[float], str]] = {
    "0.00": lambda n: f"{_rounded(n, 2):.2f}",
    "0": lambda n: f"{_rounded(n, 0):.0f}",
    "0.00 as floats round": lambda n: f"{n:.2f}",
    "plain": lambda n: plain(float(_rounded(n, 2))) or "0",
    "1,234.00": lambda n: f"{_rounded(n, 2):,.2f}",
    "1,234": lambda n: f"{_rounded(n, 0):,.0f}",
    "0.0": lambda n: f"{_rounded(n, 1):.1f}",
    "$0.00": lambda n: f"${_rounded(n, 2):.2f}",
    "$1,234.00": lambda n: f"${_rounded(n, 2):,.2f}",
    "€1,234.00": lambda n: f"€{_rounded(n, 2):,.2f}",
    "£1,234.00": lambda n: f"£{_rounded(n, 2):,.2f}",
    "0.00 EUR": lambda n: f"{_rounded(n, 2):.2f} EUR",
    "0 %": lambda n: f"{plain(float(_rounded(n, 2))) or '0'} %",
    "0%": lambda n: f"{plain(float(_rounded(n, 2))) or '0'}%",
}
DATES: dict[str, Callable[[date], str]] = {
    "iso": lambda d: d.isoformat(),
    "day month year": lambda d: f"{d.day} {d:%B} {d.year}",
    "day mon year": lambda d: f"{d.day} {d:%b} {d.year}",
    "dd mon year": lambda d: f"{d:%d %b %Y}",
    "month day, year": lambda d: f"{d:%B} {d.day}, {d.year}",
    "dd/mm/yyyy": lambda d: f"{d:%d/%m/%Y}",
    "mm/dd/yyyy": lambda d: f"{d:%m/%d/%Y}",
    "dd.mm.yyyy": lambda d: f"{d:%d.%m.%Y}",
}


def write(result: Result, form: str) -> str | None:
    """`result` in a form, or None when it has no such form."""
    if isinstance(result, str):
        return result
    if isinstance(result, date):
        return DATES[form](result) if form in DATES else None
    return NUMBERS[form](result) if form in NUMBERS else None


def form_of(pairs: Iterable[tuple[Result, str]]) -> str:
    """The form in which most results are written as their text says; empty where none is."""
    votes: Counter[str] = Counter()
    for result, text in pairs:
        if isinstance(result, str):
            continue
        forms = DATES if isinstance(result, date) else NUMBERS
        votes.update(form for form in forms if write(result, form) == text.strip())
    order = [*NUMBERS, *DATES]
    return min(votes, key=lambda form: (-votes[form], order.index(form))) if votes else ""


def places(texts: Iterable[str]) -> int:
    """How many decimals most of the numbers have that have any; 0 where fewer than one in ten has."""
    counts: Counter[int] = Counter()
    total = 0
    for text in texts:
        total += 1
        found = re.search(r"[.,](\d{1,2})(?!\d)", text)
        if found:
            counts[len(found[1])] += 1
    return counts.most_common(1)[0][0] if counts and counts.total() >= max(1, total / 10) else 0
