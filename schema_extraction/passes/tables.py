"""Tables and grids with rows of the same kind. Tables of labels and values are facts; tables for layout are neither."""

from __future__ import annotations

from schema_extraction.accname import spec_name
from schema_extraction.draft import Draft
from schema_extraction.page import Node, Page
from schema_extraction.roles import OPERATED_ROLES, TABLE_ROLES
from schema_extraction.text import count_of, text_of
from schema_extraction.values import value
from schema_extraction.view import Row, Table, Value

CELLS = frozenset({"cell", "gridcell", "columnheader", "rowheader"})
_LABEL_LIMIT = 40


def for_layout(page: Page, table: Node) -> bool:
    """Whether a table holds another one."""
    return any(page.of[child].tabled for child in table.element if child in page.of)


def _rows(page: Page, box: Node) -> list[Node]:
    found: list[Node] = []
    of = page.of
    for child in box.element:
        node = of.get(child)
        if node is None or node.role in TABLE_ROLES:
            continue
        if node.role == "row":
            found.append(node)
        elif len(child):
            found += _rows(page, node)
    return found


def _cells(page: Page, row: Node) -> list[Node]:
    cells = [n for n in page.within(row.element) if n.role in CELLS]
    return [n for n in cells if n.parent is row or next(a for a in n.ancestors() if a.role == "row") is row]


def rows_of(page: Page, table: Node) -> list[list[Node]]:
    """The cells of each row, without those of tables inside."""
    known = table.remembers()
    if "rows" not in known:
        known["rows"] = rows = []
        for row in _rows(page, table):
            memo = row.remembers()
            if "cells" not in memo:
                memo["cells"] = _cells(page, row)
            if memo["cells"]:
                rows.append(memo["cells"])
    found: list[list[Node]] = known["rows"]
    return found


def pairs_of(page: Page, rows: list[list[Node]]) -> list[tuple[Node, Node]] | None:
    """Label and value cells, when that is what a table consists of; else None.

    Either every row alternates header and data cells, or a table without headers has two columns, short texts first. A row of a
    single cell across all columns (a picture, a title) is passed over.
    """
    pairs: list[tuple[Node, Node]] = []
    for cells in rows:
        if len(cells) == 1 and cells[0].get("colspan") not in (None, "1"):
            continue
        heads = [cell.tag == "th" or cell.role in ("rowheader", "columnheader") for cell in cells]
        alternating = len(cells) % 2 == 0 and all(heads[::2]) and not any(heads[1::2])
        plain = len(cells) == 2 and not any(heads)
        if not alternating and not (plain and len(text_of(cells[0].element)) <= _LABEL_LIMIT):
            return None
        pairs += [(cells[i], cells[i + 1]) for i in range(0, len(cells), 2)]
    return pairs or None


def _cell(page: Page, cell: Node, header: str) -> Value:
    skip = {node.element for node in page.within(cell.element) if node.role in OPERATED_ROLES} if cell.operated else set()
    return value(text_of(cell.element, skip=skip), header)


def _row_of(cell: Node) -> Node:
    row = cell.parent
    while row is not None and row.role != "row":
        row = row.parent
    assert row is not None  # cells are found in rows
    return row


def _row(page: Page, cells: list[Node], headers: tuple[str, ...], lines: int) -> Row:
    row = _row_of(cells[0])
    memo = (row if lines == 1 or _row_of(cells[-1]) is row else row.parent or row).remembers()
    known: tuple[list[Node], tuple[str, ...], Row] | None = memo.get("row")
    if known is not None and (known[0] is cells or known[0] == cells) and known[1] == headers:
        return known[2]
    found = Row(
        cells=tuple(_cell(page, cell, headers[i] if i < len(headers) else "") for i, cell in enumerate(cells)),
        href=_href(cells, page),
    )
    memo["row"] = (cells, headers, found)
    return found


def _href(cells: list[Node], page: Page) -> str:
    for cell in cells:
        for node in page.within(cell.element):
            if node.tag == "a" and (href := node.get("href")):
                return href
    return ""


def _total(table: Node, shown: int, heads: int, lines: int) -> int:
    """Rows in all, of `lines` each: what the table says (aria-rowcount, or the serialiser where it cut), else those shown."""
    counts = [node.get("cp-total") for node in table.element.iter("table", "tbody")] + [table.get("aria-rowcount")]
    numbers = [number // lines - heads for count in counts if (number := count_of(count)) is not None]
    return max([shown, *numbers])


def _first(table: Node) -> int:
    """The place of the first row that is shown."""
    return max(
        (int(first) for box in table.element.iter("tbody") if (first := box.get("cp-first")) and first.isdigit()), default=0
    )


def _lines(rows: list[list[Node]], heads: list[list[Node]], body: list[list[Node]]) -> int:
    """Lines of a record: as many as header rows stand on top, where the rows come in bodies of so many; else 1."""
    lines = len(heads)
    if lines < 2 or rows[:lines] != heads or len(body) % lines or not body:
        return 1
    boxes = [cells[0].parent.parent for cells in body if cells[0].parent is not None]
    groups = [boxes[start : start + lines] for start in range(0, len(boxes), lines)]
    if len(boxes) != len(body) or any(group.count(group[0]) != lines for group in groups):
        return 1
    alone = {group[0]: None for group in groups if group[0] is not None and group[0].tag in ("tbody", "div")}
    same = [[len(cells) for cells in body[start : start + lines]] for start in range(0, len(body), lines)]
    wide = [len(cells) for cells in heads]
    return lines if len(alone) == len(groups) and all(widths == wide for widths in same) else 1


def _joined(
    page: Page, heads: list[list[Node]], body: list[list[Node]], lines: int
) -> tuple[list[list[Node]], list[list[Node]]]:
    """Header rows and the lines of each record one after the other, without columns that are empty in all of them."""
    head = [cell for cells in heads for cell in cells]
    records = [[cell for cells in body[start : start + lines] for cell in cells] for start in range(0, len(body), lines)]
    kept = [
        column
        for column, cell in enumerate(head)
        if text_of(cell.element) or any(text_of(record[column].element) for record in records)
    ]
    return [[head[column] for column in kept]], [[record[column] for column in kept] for record in records]


def read_tables(draft: Draft) -> None:
    """Read every table that holds rows of one kind."""
    page = draft.page
    for table in draft.nodes:
        if table.role not in TABLE_ROLES or draft.is_claimed(table) or for_layout(page, table):
            continue
        rows = rows_of(page, table)
        if pairs_of(page, rows) is not None:
            continue
        heads = [cells for cells in rows if cells[0].role == "columnheader" and all(c.role == "columnheader" for c in cells)]
        body = [cells for cells in rows if cells not in heads]
        if (lines := _lines(rows, heads, body)) > 1:
            heads, body = _joined(page, heads, body, lines)
        if not heads and (not body or max(len(cells) for cells in body) < 2):
            continue
        headers = tuple(text_of(cell.element, naming=True) for cell in heads[-1]) if heads else ()
        read = tuple([_row(page, cells, headers, lines) for cells in body])
        name = spec_name(page, table)
        section = table.section
        draft.tables.append(
            Table(
                key="",
                name=name,
                section=section,
                headers=headers,
                rows=read,
                total=_total(table, len(read), len(heads), lines),
                first=_first(table),
            )
        )
        draft.frames.append(table.frame)
        draft.claim(table.element)
