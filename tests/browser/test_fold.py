"""Low-level steps folded into composite actions, without a browser."""

from __future__ import annotations

from datetime import date

from browser.fold import Folder
from schema_extraction.action import Action, Click, CloseCase, Fill, Select, SendMessage, Target
from schema_extraction.view import Control, Dialog, Message, Value, View
from tests.browser.desk import PROFILE

CONTROLS = {
    "text": Control(ref="e1", key="reply", role="textbox", name="Reply", part="send_message.text"),
    "send": Control(ref="e2", key="send", role="button", name="Send", part="send_message.submit"),
    "resolution": Control(ref="e3", key="resolution", role="combobox", name="Resolution", part="close_case.resolution"),
    "close": Control(ref="e4", key="close", role="button", name="Close case", part="close_case.submit"),
    "yes": Control(ref="e5", key="yes", role="button", name="Yes, close it", part="close_case.confirm"),
    "no": Control(ref="e6", key="no", role="button", name="Keep open"),
    "order": Control(ref="e7", key="order", role="textbox", name="Order"),
}


def view(title: str = "", dialog: bool = False, closed: bool = False, case_id: str = "c1", **values: str) -> View:
    controls = tuple(
        control.model_copy(update={"value": Value(raw=values[name])}) if name in values else control
        for name, control in CONTROLS.items()
    )
    return View(
        path=f"/cases/{case_id}",
        title=title,
        case_id=case_id,
        today=date(2026, 3, 3),
        controls=controls,
        messages=(Message(author="Ada", direction="inbound", text="It is ORD-7."),),
        dialog=Dialog(name="Close?") if dialog else None,
        closed=closed,
    )


def target(name: str) -> Target:
    return Target(key=CONTROLS[name].key)


def run(*steps: tuple[View, str, str | None]) -> list[tuple[str, Action]]:
    """Each step is (view, control, value); a click has no value. Back: (title of the view, action)."""
    folder, told = Folder(PROFILE), []
    for seen, name, value in steps:
        action: Action = Click(target=target(name))
        if value is not None:
            combo = CONTROLS[name].role == "combobox"
            action = Select(target=target(name), option=value) if combo else Fill(target=target(name), value=value)
        told += folder.push(seen, CONTROLS[name], action)
    return [(before.title, action) for before, action in told]


def test_parts_become_one_action_with_the_view_before_the_first() -> None:
    told = run((view("first"), "text", "Hello"), (view("second"), "send", None))
    assert [(title, type(action)) for title, action in told] == [("first", SendMessage)]


def test_what_comes_between_is_told_first_and_moves_the_view() -> None:
    told = run((view("a"), "text", "Hello"), (view("b"), "order", "ORD-7"), (view("c"), "send", None))
    assert [(title, action.type) for title, action in told] == [("b", "fill"), ("c", "send_message")]
    assert told[1][1] == SendMessage(text="Hello", provenance=told[1][1].provenance)  # type: ignore[union-attr]


def test_a_value_that_stood_there_already_is_taken_from_the_view() -> None:
    told = run((view("a", resolution="Refunded"), "close", None), (view("b", dialog=True), "yes", None))
    assert [(title, action.type, getattr(action, "resolution", "")) for title, action in told] == [
        ("a", "close_case", "Refunded")
    ]


def test_a_cancelled_dialog_is_nothing_and_the_next_attempt_counts() -> None:
    told = run(
        (view("a"), "resolution", "Refunded"),
        (view("b"), "close", None),
        (view("c", dialog=True), "no", None),
        (view("d", resolution="Refunded"), "close", None),
        (view("e", dialog=True), "yes", None),
    )
    assert [(title, type(action)) for title, action in told] == [("d", CloseCase)]


def test_a_case_that_closed_without_a_confirmation_is_told_when_that_shows() -> None:
    told = run((view("a"), "resolution", "Refunded"), (view("b"), "close", None), (view("c", closed=True), "order", "x"))
    assert [(title, action.type) for title, action in told] == [("a", "close_case"), ("c", "fill")]


def test_nothing_is_carried_from_one_case_to_the_next() -> None:
    told = run((view("a"), "text", "Hello"), (view("b", case_id="c2", text=""), "send", None))
    assert told == []
