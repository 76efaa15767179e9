"""The benchmark of reading for the terminal: a table for each page, one for MiniWoB++ and one for the views after a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from agent.bench.limits import overall
from agent.bench.results import ExtractBench, PageResult, Reading, share

SHARES = ("recall", "precision", "labels", "values", "options", "required", "invalid", "cells")
MEASURES = ("p50 ms", "p95 ms", "characters", "tokens", *SHARES, "password")
STRICT = ("recall", "precision", "values", "options", "states", "facts", "messages", "cells", "notices")


def tables(bench: ExtractBench) -> Iterator[Table]:
    """All tables, in the order to be printed in."""
    for page in bench.pages:
        yield page_table(page)
    if bench.miniwob:
        yield miniwob_table(bench.miniwob)
    yield change_table(bench.pages)


def _table(title: str, caption: str, readers: dict[str, list[str]], none: dict[str, str]) -> Table:
    """One column a reader, so that it fits a terminal of 80 characters. `none`: why there is none of a reader."""
    notes = [caption, *(f"{reader}: {why}" for reader, why in none.items())]
    table = Table(title=title, caption="\n".join(notes), title_justify="left", caption_justify="left")
    table.add_column("")
    for reader in readers:
        table.add_column(reader, justify="right")
    for row in zip(MEASURES, *readers.values(), strict=True):
        if any(row[1:]):
            table.add_row(*row)
    return table


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.4g}%"


def page_table(page: PageResult) -> Table:
    """Shares are of each reader's text and its list of elements; the caption is about casepilot's view itself."""
    strict = ", ".join(f"{name} {_percent(getattr(page.completeness, name))}" for name in STRICT)
    readers: dict[str, list[str]] = {}
    for reading in page.readings:
        if reading.none:
            continue
        late = f"{reading.p95:.1f}" if reading.count > 1 else ""
        shares = [_percent(getattr(reading.shares, name)) if reading.shares else "" for name in SHARES]
        printed = "[red]printed[/]" if reading.leaks_password else ""
        readers[reading.reader] = [
            f"{reading.p50:.1f}", late, f"{reading.characters:,}", f"{reading.tokens:,}", *shares, printed
        ]  # fmt: skip
    return _table(
        f"{page.name}: {page.nodes:,} nodes, {page.true_controls} controls to be told",
        f"casepilot's view: {strict}",
        readers,
        {reading.reader: reading.none for reading in page.readings if reading.none},
    )


def _mean(readings: Sequence[tuple[PageResult, Reading]], name: str) -> float | None:
    known = [
        (value, reading.shares.listed if name == "precision" else page.true_controls)
        for page, reading in readings
        if reading.shares is not None and (value := getattr(reading.shares, name)) is not None
    ]
    return share([(value, float(weight)) for value, weight in known]) if known else None


def miniwob_table(pages: Sequence[PageResult]) -> Table:
    """Over all tasks: mean times and lengths; shares are of all controls of all tasks."""
    recall, precision = overall(pages)
    readers: dict[str, list[str]] = {}
    missing: dict[str, str] = {}
    for name in dict.fromkeys(reading.reader for page in pages for reading in page.readings):
        found = [(page, reading) for page in pages if (reading := page.reading(name)) is not None]
        none = [reading.none for page in pages for reading in page.readings if reading.reader == name and reading.none]
        if none:
            missing[name] = f"none of {len(none)} pages: {none[0]}" if found else none[0]
        if found:
            means = [
                sum(getattr(reading, what) for _, reading in found) / len(found)
                for what in ("p50", "p95", "characters", "tokens")
            ]
            shares = [_percent(_mean(found, what)) for what in SHARES]
            readers[name] = [*(f"{mean:.1f}" for mean in means[:2]), *(f"{mean:,.0f}" for mean in means[2:]), *shares, ""]
    return _table(
        f"MiniWoB++: {len(pages)} pages, {sum(page.true_controls for page in pages)} controls to be told",
        f"Means over the pages. casepilot's view: recall {recall:.1%}, precision {precision:.1%}",
        readers,
        missing,
    )


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
