"""Gestures in a row, and the one step that they amount to. No browser is needed: the pages are views."""

from __future__ import annotations

from datetime import date

from browser.gestures import Gesture, Gestures
from schema_extraction.action import Action, Check, Click, Fill, Select, Target, action_value
from schema_extraction.normalise import value
from schema_extraction.view import Control, Option, View


def control(name: str, role: str = "textbox", held: str = "", **more: object) -> Control:
    return Control.model_validate(
        {"ref": name, "key": f"//{role}/{name}/0", "role": role, "name": name, "value": value(held), **more}
    )


def button(name: str) -> Control:
    return control(name, "button").model_copy(update={"value": None})


def page(*controls: Control, path: str = "/cases/1") -> View:
    return View(path=path, title="T", today=date(2026, 3, 1), controls=controls)


def pressed(view: View, name: str) -> Gesture:
    found = next(c for c in view.controls if c.name == name)
    return Gesture(view, found, Click(target=Target(key=found.key, role=found.role, name=found.name)))


def entered(view: View, name: str) -> Gesture:
    return Gesture(view, next(c for c in view.controls if c.name == name), None)


def typed(view: View, name: str, text: str) -> Gesture:
    found = next(c for c in view.controls if c.name == name)
    return Gesture(view, found, Fill(target=Target(key=found.key, role=found.role, name=found.name), value=text))


def told(steps: list[Gesture]) -> list[tuple[str, str, str | None]]:
    def one(action: Action | None) -> tuple[str, str, str | None]:
        assert isinstance(action, (Click, Fill, Select, Check))
        return action.type, action.target.name, action_value(action)

    return [one(step.action) for step in steps]


CLOSED = page(control("Due"), button("Calendar"), button("Save"))
OPEN = page(control("Due"), button("Calendar"), button("Save"), button("Next"), button("14"))
CHOSEN = page(control("Due", held="2026-04-14"), button("Calendar"), button("Save"))


def test_a_day_chosen_from_a_calendar_is_one_fill_on_the_page_before_it() -> None:
    gestures = Gestures()
    assert gestures.push(entered(CLOSED, "Due")) == []
    assert gestures.look(OPEN) == [] and gestures.push(pressed(OPEN, "Next")) == []
    assert gestures.look(OPEN, rests=True) == [] and gestures.push(pressed(OPEN, "14")) == []
    steps = gestures.look(CHOSEN, rests=True)
    assert told(steps) == [("fill", "Due", "2026-04-14")]
    assert steps[0].view is CLOSED
    assert gestures.release() == []


def test_the_button_beside_the_field_may_open_it() -> None:
    gestures = Gestures()
    gestures.push(pressed(CLOSED, "Calendar"))
    assert gestures.look(OPEN, rests=True) == []
    gestures.push(pressed(OPEN, "14"))
    assert told(gestures.look(CHOSEN)) == [("fill", "Due", "2026-04-14")]


def test_a_calendar_that_is_left_is_two_clicks_or_none() -> None:
    gestures = Gestures()
    gestures.push(pressed(CLOSED, "Calendar"))
    gestures.push(pressed(OPEN, "Next"))
    assert told(gestures.push(pressed(CLOSED, "Save"))) == [("click", "Calendar", None), ("click", "Next", None)]
    assert told(gestures.look(CLOSED, rests=True)) == [("click", "Save", None)]
    gestures.push(entered(CLOSED, "Due"))
    assert gestures.release() == []


def test_a_button_that_sets_a_field_is_a_click() -> None:
    gestures = Gestures()
    gestures.push(pressed(CLOSED, "Save"))
    assert told(gestures.look(CHOSEN, rests=True)) == [("click", "Save", None)]


def test_what_is_typed_and_completed_by_a_click_is_one_choice() -> None:
    before, listed = page(control("Order")), page(control("Order", held="77"), button("ORD-77 Kettle"))
    gestures = Gestures()
    assert gestures.push(typed(before, "Order", "77")) == []
    assert gestures.look(listed) == [] and gestures.push(pressed(listed, "ORD-77 Kettle")) == []
    steps = gestures.look(page(control("Order", held="ORD-77 Kettle")), rests=True)
    assert told(steps) == [("select", "Order", "ORD-77 Kettle")] and steps[0].view is before


def test_an_entry_of_a_drawn_list_is_a_choice() -> None:
    offered = (Option(label="Card"), Option(label="Voucher"))
    chosen = tuple(o.model_copy(update={"selected": o.label == "Voucher"}) for o in offered)
    before = page(control("Way", "combobox", options=offered))
    gestures = Gestures()
    gestures.push(entered(before, "Way"))
    assert told(gestures.look(page(control("Way", "combobox", "Voucher", options=chosen)), rests=True)) == [
        ("select", "Way", "Voucher")
    ]


def test_keys_that_draw_a_field_anew_make_one_fill() -> None:
    gestures = Gestures()
    for text in ("A", "Ad", "Ada"):
        assert gestures.push(typed(page(control("Name")), "Name", text)) == []
    assert told(gestures.release()) == [("fill", "Name", "Ada")]


def test_two_fields_are_two_fills_in_order() -> None:
    both = page(control("Name"), control("City"))
    gestures = Gestures()
    gestures.push(typed(both, "Name", "Ada"))
    assert told(gestures.push(typed(both, "City", "Ghent"))) == [("fill", "Name", "Ada")]
    assert told(gestures.release()) == [("fill", "City", "Ghent")]


def test_a_page_that_is_left_ends_what_was_begun() -> None:
    gestures = Gestures()
    gestures.push(pressed(CLOSED, "Save"))
    assert told(gestures.look(page(button("Other"), path="/cases/2"))) == [("click", "Save", None)]


def test_a_secret_that_a_press_sets_is_not_told() -> None:
    before, after = page(control("Code", sensitive=True)), page(control("Code", held="x", sensitive=True))
    gestures = Gestures()
    gestures.push(entered(before, "Code"))
    assert gestures.look(after, rests=True) == [] and gestures.release() == []


def test_a_button_that_shows_what_was_chosen_is_one_choice() -> None:
    shut = page(button("Choose").model_copy(update={"ref": "e1"}))
    listed = page(button("Choose").model_copy(update={"ref": "e1"}), button("Late"), button("Damaged"))
    gestures = Gestures()
    gestures.push(pressed(shut, "Choose"))
    assert gestures.look(listed) == [] and gestures.push(pressed(listed, "Late")) == []
    assert told(gestures.look(page(button("Late").model_copy(update={"ref": "e1"})))) == [("select", "Choose", "Late")]


def test_an_event_after_the_page_has_shown_it_is_not_told_twice() -> None:
    gestures = Gestures()
    gestures.push(entered(CLOSED, "Due"))
    assert told(gestures.look(CHOSEN, rests=True)) == [("fill", "Due", "2026-04-14")]
    assert gestures.push(typed(CLOSED, "Due", "2026-04-14")) == [] and gestures.release() == []
    gestures.push(typed(CHOSEN, "Due", "2026-04-15"))
    assert told(gestures.release()) == [("fill", "Due", "2026-04-15")]


def test_a_press_after_which_the_page_goes_on_is_told_at_once() -> None:
    gestures = Gestures()
    gestures.push(pressed(CLOSED, "Save"))
    assert told(gestures.look(page(control("Reason"), button("Next step")), rests=True)) == [("click", "Save", None)]
