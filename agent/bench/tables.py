"""The benchmark of reading for the terminal: a table for each page, one for MiniWoB++ and one for the views after a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from agent.bench.judge import Shares
from agent.bench.limits import overall
from agent.bench.results import ExtractBench, PageResult, Reading, share

HEADINGS = ("p50 ms", "p95 ms", "chars", "tokens", "recall", "precision")
SHARES = ("labels", "values", "options", "required", "invalid", "cells")
STRICT = ("recall", "precision", "values", "options", "states", "facts", "messages", "cells", "notices")
_WORDS = 60


def tables(bench: ExtractBench) -> Iterator[Table]:
    """All tables, in the order to be printed in."""
    for page in bench.pages:
        yield page_table(page)
    if bench.miniwob:
        yield miniwob_table(bench.miniwob)
    yield change_table(bench.pages)


def _head(title: str, caption: str = "") -> Table:
    table = Table(title=title, caption=caption or None, title_justify="left", caption_justify="left")
    table.add_column("reader")
    for heading in (*HEADINGS, *SHARES, "password"):
        table.add_column(heading, justify="right")
    return table


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.4g}%"


def _cells(shares: Shares | None) -> list[str]:
    return [_percent(getattr(shares, name)) if shares else "" for name in ("recall", "precision", *SHARES)]


def page_table(page: PageResult) -> Table:
    """One row a reader. Shares are of its text and its list of elements; the caption is about casepilot's view itself."""
    strict = ", ".join(f"{name} {_percent(getattr(page.completeness, name))}" for name in STRICT)
    table = _head(f"{page.name}: {page.nodes:,} nodes, {page.true_controls} controls to be told", f"casepilot's view: {strict}")
    for reading in page.readings:
        if reading.none:
            table.add_row(f"{reading.reader}: [dim]{_brief(reading.none)}[/]")
            continue
        late = f"{reading.p95:.1f}" if reading.count > 1 else ""
        figures = (f"{reading.p50:.1f}", late, f"{reading.characters:,}", f"{reading.tokens:,}")
        table.add_row(reading.reader, *figures, *_cells(reading.shares), "[red]printed[/]" if reading.leaks_password else "")
    return table


def _brief(none: str) -> str:
    return none if len(none) <= _WORDS else none[: _WORDS - 1] + "…"


def _mean(readings: Sequence[tuple[PageResult, Reading]], name: str) -> float | None:
    known = [
        (value, reading.shares.listed if name == "precision" else page.true_controls)
        for page, reading in readings
        if reading.shares is not None and (value := getattr(reading.shares, name)) is not None
    ]
    return share([(value, float(weight)) for value, weight in known]) if known else None


def miniwob_table(pages: Sequence[PageResult]) -> Table:
    """One row a reader, over all tasks: mean times and lengths; shares are of all controls of all tasks."""
    recall, precision = overall(pages)
    table = _head(
        f"MiniWoB++: {len(pages)} pages, {sum(page.true_controls for page in pages)} controls to be told",
        f"Means over the pages. casepilot's view: recall {recall:.1%}, precision {precision:.1%}",
    )
    for name in dict.fromkeys(reading.reader for page in pages for reading in page.readings):
        found = [(page, reading) for page in pages if (reading := page.reading(name)) is not None]
        none = [reading.none for page in pages for reading in page.readings if reading.reader == name and reading.none]
        if not found:
            table.add_row(f"{name}: [dim]{_brief(none[0])}[/]")
            continue
        sums = [sum(getattr(reading, what) for _, reading in found) for what in ("p50", "p95", "characters", "tokens")]
        figures = [f"{sums[0] / len(found):.1f}", f"{sums[1] / len(found):.1f}", *(f"{s / len(found):,.0f}" for s in sums[2:])]
        shown = name if not none else f"{name} [yellow]({len(none)} pages without)[/]"
        table.add_row(shown, *figures, *(_percent(_mean(found, what)) for what in ("recall", "precision", *SHARES)))
    return table


def change_table(pages: Sequence[PageResult]) -> Table:
    """One row a kind of change: milliseconds to the next view on each page."""
    changed = [page for page in pages if page.changes]
    table = Table(title="The next view after one change that is drawn: p50 / p95 ms", title_justify="left")
    table.add_column("change")
    for page in changed:
        table.add_column(page.name, justify="right")
    for kind in dict.fromkeys(change.kind for page in changed for change in page.changes):
        cells = []
        for page in changed:
            change = next((change for change in page.changes if change.kind == kind), None)
            missed = f" [red]{1 - change.seen:.0%} not seen[/]" if change and change.seen < 1.0 else ""
            cells.append(f"{change.p50:.1f} / {change.p95:.1f}{missed}" if change else "")
        table.add_row(kind, *cells)
    return table
