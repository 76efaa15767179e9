"""The figures that casepilot has to reach, and what falls short of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.bench.readers import AI_SNAPSHOT, CASEPILOT
from agent.bench.results import PageResult, share

SMALL_TIME, LARGE_TIME = 0.35, 0.2
"""Of the time of Playwright's AI snapshot: on the support case, and on that with a large table."""
SMALL_TEXT, LARGE_TEXT = 0.4, 25_000
"""Of its characters on the support case; characters with a large table."""
AFTER_CHANGE = 4.0
"""Milliseconds to the next view, at the median."""
PRECISION = 0.98
MINIWOB_RECALL, MINIWOB_PRECISION = 0.98, 0.95
WHOLE = ("recall", "values", "options", "states", "facts", "messages", "cells", "notices")


def ratio(page: PageResult) -> float | None:
    """casepilot's time over that of Playwright's AI snapshot on a page, or None where one of them read nothing."""
    mine, peer = page.reading(CASEPILOT), page.reading(AI_SNAPSHOT)
    return mine.p50 / peer.p50 if mine and peer and peer.p50 else None


def shortfalls(pages: Sequence[PageResult], miniwob: Sequence[PageResult], sized: Sequence[str]) -> tuple[str, ...]:
    """What falls short, in words. `sized`: the pages that time and size are limited on."""
    found = [words for page in pages for words in _of_page(page)]
    found += [words for page in pages if page.name in sized for words in (*_of_size(page), *_of_changes(page))]
    if miniwob:
        recall, precision = overall(miniwob)
        if recall < MINIWOB_RECALL:
            found.append(f"MiniWoB++: control recall {recall:.1%}, at least {MINIWOB_RECALL:.0%} wanted")
        if precision < MINIWOB_PRECISION:
            found.append(f"MiniWoB++: control precision {precision:.1%}, at least {MINIWOB_PRECISION:.0%} wanted")
    return tuple(found)


def overall(miniwob: Sequence[PageResult]) -> tuple[float, float]:
    """casepilot's recall and precision over all controls of all tasks."""
    recall = share([(page.completeness.recall, page.true_controls) for page in miniwob])
    precision = share([(page.completeness.precision, page.own_controls) for page in miniwob])
    return recall, precision


def _of_page(page: PageResult) -> Iterator[str]:
    seen = page.completeness
    for name in WHOLE:
        if (value := getattr(seen, name)) < 1.0:
            yield f"{page.name}: {'control recall' if name == 'recall' else name} {value:.1%}, 100% wanted"
    if seen.precision < PRECISION:
        yield f"{page.name}: control precision {seen.precision:.1%}, at least {PRECISION:.0%} wanted"
    mine = page.reading(CASEPILOT)
    if mine is None:
        yield f"{page.name}: casepilot read nothing"
    elif mine.leaks_password:
        yield f"{page.name}: the text holds a password"


def _of_size(page: PageResult) -> Iterator[str]:
    mine, peer = page.reading(CASEPILOT), page.reading(AI_SNAPSHOT)
    times = ratio(page)
    if mine is None or peer is None or times is None:
        yield f"{page.name}: no reading to hold against {AI_SNAPSHOT}"
        return
    most = LARGE_TIME if page.table_rows else SMALL_TIME
    if times > most:
        yield f"{page.name}: {times:.2f}x the time of {AI_SNAPSHOT}, at most {most}x wanted"
    characters = LARGE_TEXT if page.table_rows else SMALL_TEXT * peer.characters
    if mine.characters > characters:
        yield f"{page.name}: {mine.characters:,} characters, at most {characters:,.0f} wanted"


def _of_changes(page: PageResult) -> Iterator[str]:
    for change in page.changes:
        if change.seen < 1.0:
            yield f"{page.name}, {change.kind}: {change.seen:.0%} of the changes are in the next view, 100% wanted"
        if not change.same:
            yield f"{page.name}, {change.kind}: the next view is not that of the whole page"
        if change.p50 > AFTER_CHANGE:
            yield f"{page.name}, {change.kind}: {change.p50:.1f} ms to the next view, at most {AFTER_CHANGE:g} ms wanted"
