from __future__ import annotations

from tests.schema_extraction.pages import view_of


def test_headers_rows_links_and_total() -> None:
    view = view_of(
        """<h2>History</h2><table aria-rowcount=41><caption>Orders</caption><thead><tr><th>Order ID<th>Date<th>Total</thead>
        <tbody><tr><td><a href=/o/1>ORD-1</a><td>May 3, 2024<td>$5.00<tr><td>ORD-2<td>2024-01-03<td>6</tbody></table>"""
    )
    (table,) = view.tables
    assert (table.name, table.section, table.headers, table.total) == ("Orders", "History", ("Order ID", "Date", "Total"), 40)
    assert table.key == "/history/table/orders/0"
    first, second = table.rows
    assert [cell.kind for cell in first.cells] == ["id", "date", "money"]
    assert (first.href, second.href) == ("/o/1", "")
    assert second.cells[2].kind == "money"
    assert [control.role for control in view.controls] == ["link"]


def test_aria_grids() -> None:
    view = view_of(
        """<div role=grid aria-label=Tasks><div role=row>
        <span role=columnheader>Task</span><span role=columnheader>Due</span></div>
        <div role=row><span role=gridcell>Call</span><span role=gridcell>2024-01-03</span></div></div>"""
    )
    assert view.tables[0].headers == ("Task", "Due")
    assert [cell.raw for cell in view.tables[0].rows[0].cells] == ["Call", "2024-01-03"]


def test_layout_tables_are_not_tables() -> None:
    view = view_of("<table><tr><td><table><tr><td>Status</td><td>Open</td></tr></table></td></tr></table>")
    assert view.tables == ()
    assert view.facts[0].label == "Status"


def test_buttons_in_cells_are_controls_not_cell_text() -> None:
    view = view_of("<table><tr><th>Item<th>Do<tr><td>Shoes<td><button>Remove</button></table>")
    assert [cell.raw for cell in view.tables[0].rows[0].cells] == ["Shoes", ""]
    assert view.controls[0].name == "Remove"


def test_records_of_two_lines_are_one_row_each() -> None:
    view = view_of(
        """<table><tbody><tr><th>#<th>Subject</tr><tr><th>&nbsp;<th>Requestor</tr></tbody>
        <tbody><tr><td>1<td>Charged twice</tr><tr><td>&nbsp;<td>anna</tr></tbody>
        <tbody><tr><td>2<td>Wrong name</tr><tr><td>&nbsp;<td>bob</tr></tbody></table>"""
    )
    (table,) = view.tables
    assert (table.headers, table.total) == (("#", "Subject", "Requestor"), 2)
    assert [[cell.raw for cell in row.cells] for row in table.rows] == [
        ["1", "Charged twice", "anna"],
        ["2", "Wrong name", "bob"],
    ]


def test_two_header_rows_over_single_rows_are_not_records_of_two_lines() -> None:
    view = view_of(
        """<table><thead><tr><th colspan=2>Order</tr><tr><th>Number<th>Total</tr></thead>
        <tbody><tr><td>ORD-1<td>19.90</tr><tr><td>ORD-2<td>5.00</tr></tbody></table>"""
    )
    assert (view.tables[0].headers, view.tables[0].total) == (("Number", "Total"), 2)


def test_a_row_count_that_is_none_says_nothing() -> None:
    for count in ("²", "9" * 5000, "-1"):
        view = view_of(f"<table aria-rowcount='{count}'><tr><th>Item<th>Left<tr><td>Lamp<td>4</table>")
        assert view.tables[0].total == 1
