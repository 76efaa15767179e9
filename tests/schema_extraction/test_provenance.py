"""Where an entered value came from."""

from __future__ import annotations

from datetime import date

import pytest

from schema_extraction.action import Provenance
from schema_extraction.normalise import value
from schema_extraction.provenance import infer
from schema_extraction.view import Control, Fact, Message, Option, Row, Table, View

VIEW = View(
    path="/cases/1",
    today=date(2026, 3, 5),
    facts=(
        Fact(key="f/order", label="Order", value=value("ORD-7731", "Order")),
        Fact(key="f/bought", label="Bought", value=value("3 Mar 2026", "date")),
        Fact(key="f/paid", label="Paid", value=value("$1,200.50")),
    ),
    messages=(
        Message(author="Ada", direction="inbound", text="My e-mail is ada@example.com, I paid 50 for it."),
        Message(author="Agent", direction="outbound", text="Thank you, Ada. Is it TRK-99?"),
        Message(author="Ada", direction="inbound", text="Yes, ada@example.com, it is TRK-99."),
    ),
    tables=(Table(key="t", headers=("Order",), rows=(Row(cells=(value("O-1"), value("Blue kettle"))),)),),
    controls=(Control(ref="e1", key="c", role="combobox", options=(Option(label="Store credit"),)),),
)


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        ("ORD-7731", Provenance(source="fact", where="f/order")),
        ("2026-03-03", Provenance(source="fact", where="f/bought")),
        ("ada@example.com", Provenance(source="message", where="2", span=(5, 20))),
        ("TRK-99", Provenance(source="message", where="2", span=(28, 34))),
        ("50", Provenance(source="message", where="0", span=(37, 39))),
        ("Blue kettle", Provenance(source="cell", where="t[0,1]")),
        ("store credit", Provenance(source="option", where="c")),
        ("Sorry to hear that.", Provenance(source="constant")),
        ("ORD", Provenance(source="constant")),
        ("", Provenance(source="constant")),
    ],
)
def test_the_nearest_source_is_named(entered: str, expected: Provenance) -> None:
    assert infer(VIEW, entered) == expected
