"""The words for what has changed from one view to the next."""

from __future__ import annotations

from datetime import date

from schema_extraction.diff import differences
from schema_extraction.view import Control, Dialog, Fact, Message, Notice, Option, Table, Value, View

AMOUNT = Control(ref="e1", key="amount", role="textbox", name="Amount", value=Value(raw="25.50"))
SECRET = Control(ref="e2", key="pin", role="textbox", name="PIN", value=Value(raw="1"), sensitive=True)
METHOD = Control(
    ref="e3", key="method", role="combobox", name="Method", options=(Option(label="Card", selected=True), Option(label="Bank"))
)
SUBMIT = Control(ref="e4", key="submit", role="button", name="Submit")
BEFORE = View(
    path="/cases/1",
    case_id="1",
    today=date(2026, 1, 5),
    controls=(AMOUNT, SECRET, METHOD, SUBMIT),
    facts=(Fact(key="status", label="Status", value=Value(raw="Open")),),
    messages=(Message(author="Ann", direction="inbound", text="I want 25.50 back."),),
    tables=(Table(key="items", name="Items", total=3),),
)


def test_nothing_changed() -> None:
    assert differences(BEFORE, BEFORE) == ()


def test_each_kind_of_change_is_told_and_secrets_are_not() -> None:
    chosen = (Option(label="Card"), Option(label="Bank", selected=True))
    after = BEFORE.model_copy(
        update={
            "controls": (
                AMOUNT.model_copy(update={"value": Value(raw="")}),
                SECRET.model_copy(update={"value": Value(raw="2")}),
                METHOD.model_copy(update={"options": chosen}),
                Control(ref="e9", key="close", role="button", name="Close case"),
            ),
            "facts": (Fact(key="status", label="Status", value=Value(raw="Closed")),),
            "messages": (*BEFORE.messages, Message(author="Kim", direction="outbound", text="Done.")),
            "notices": (Notice(kind="status", text="Saved."),),
            "tables": (Table(key="items", name="Items", total=2),),
            "dialog": Dialog(name="Sure?"),
            "closed": True,
        }
    )
    assert differences(BEFORE, after) == (
        "The case is closed.",
        "A dialog is open: 'Sure?'.",
        "Status is 'Closed'; it was 'Open'.",
        "Sent to the customer: 'Done.'",
        "'Amount' holds empty; it held '25.50'.",
        "'Method' holds 'Bank'; it held 'Card'.",
        "The page says: 'Saved.'",
        "Items has 2 rows; it had 3.",
        "New: button 'Close case'.",
        "Gone: button 'Submit'.",
    )


def test_another_page_and_many_changes_are_told_in_short() -> None:
    facts = tuple(Fact(key=f"f{n}", label=f"F{n}", value=Value(raw="x" * 200)) for n in range(30))
    told = differences(BEFORE, BEFORE.model_copy(update={"case_id": None, "path": "/login", "facts": facts}), most=5)
    assert told[0] == "The page shows no case in place of case '1'."
    assert told[-1] == "27 more changes." and len(told) == 6
    assert all(len(words) < 120 for words in told)
