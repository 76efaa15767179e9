"""A control is found again by its key, else by a scored match that is sure enough, else not at all."""

from __future__ import annotations

import pytest

from schema_extraction.action import Click, Fill, Select, Target
from schema_extraction.likeness import kin
from schema_extraction.match import Match, NoMatch, Weights, match, remembered, shipped
from schema_extraction.traits import traits_of
from schema_extraction.view import Control, View
from tests.schema_extraction.pages import view_of

FORM = """<section aria-label="Return"><label>Order number <input pattern="O-[0-9]+"></label>
<label>Reason for return <select><option>Damaged<option>Wrong size<option>Too late</select></label>
<label>Refund amount <input type=number min=0></label><button type=button>Save draft</button></section>"""
ROWS = """<section aria-label="Lines"><table><tr><th>Order<th>Article<th></tr>{rows}</table></section>"""


def target(view: View, name: str, number: int = 0) -> Target:
    control = [control for control in view.controls if control.name == name][number]
    action = remembered(view, Click(target=Target(key=control.key, role=control.role, name=control.name)))
    assert isinstance(action, Click)
    return action.target


def row(order: str) -> str:
    return f"<tr><td>{order}<td>Kettle<td><button type=button>Remove</button></tr>"


def found(answer: Match | NoMatch) -> Control:
    assert isinstance(answer, Match), answer
    return answer.control


def test_a_key_that_is_there_is_trusted() -> None:
    view = view_of(FORM)
    answer = match(target(view, "Refund amount"), view_of(FORM.replace("Order number", "Purchase")))
    assert isinstance(answer, Match) and answer.exact and answer.score == 1.0


def test_a_reworded_label_is_matched_and_scored() -> None:
    answer = match(target(view_of(FORM), "Refund amount"), view_of(FORM.replace("Refund amount", "Refund amount (EUR)")))
    assert found(answer).name == "Refund amount (EUR)"
    assert isinstance(answer, Match) and not answer.exact and answer.score >= (shipped().tau or 1.0)


def test_a_control_that_is_gone_is_not_replaced_by_its_neighbour() -> None:
    before = view_of(FORM)
    after = view_of(FORM.replace("<label>Refund amount <input type=number min=0></label>", ""))
    answer = match(target(before, "Refund amount"), after)
    assert isinstance(answer, NoMatch)
    assert "Refund amount" in answer.reason and "no longer on the page" in answer.reason


def test_another_field_at_the_same_place_is_not_taken_for_it() -> None:
    other = (
        FORM.replace("Reason for return", "Delivery service").replace("Damaged", "Express").replace("Wrong size", "Standard")
    )
    answer = match(target(view_of(FORM), "Reason for return"), view_of(other.replace("Too late", "Overnight")))
    assert isinstance(answer, NoMatch)
    assert "at least" in answer.reason and answer.ranked[0].control.name == "Delivery service"


def test_the_row_tells_which_of_many_buttons_is_meant() -> None:
    before = view_of(ROWS.format(rows=row("O-100001") + row("O-100002")))
    second = target(before, "Remove", 1)
    after = view_of(ROWS.format(rows=row("O-100009") + row("O-100001") + row("O-100002")))
    assert found(match(second, after)).key.endswith("/remove/2")
    gone = match(second, view_of(ROWS.format(rows=row("O-100009") + row("O-100001"))))
    assert isinstance(gone, NoMatch) and "nothing tells them apart" in gone.reason


def test_the_same_page_again_needs_no_more_than_the_place() -> None:
    page = "<h2>Lines</h2><ul><li>Kettle <button>Remove</button><li>Shelf <button>Remove</button></ul>"
    second = target(view_of(page), "Remove", 1)
    assert found(match(second, view_of(page))).key.endswith("/remove/1")
    turned = "<h2>Lines</h2><ul><li>Shelf <button>Remove</button><li>Kettle <button>Remove</button></ul>"
    assert isinstance(match(second, view_of(turned)), NoMatch)


def test_one_of_two_streets_is_looked_for_in_its_own_section_only() -> None:
    both = "".join(f"<section aria-label={part}><label>Street <input></label></section>" for part in ("Billing", "Delivery"))
    street = target(view_of(both), "Street")
    reworded = both.replace("Street", "Street:x")
    assert found(match(street, view_of(reworded))).section == "Billing"
    other = view_of(reworded.replace("Billing", "Invoice"))
    assert isinstance(match(street, other), NoMatch)


def test_what_was_harmless_never_becomes_a_critical_press() -> None:
    before = view_of(FORM)
    draft = target(before, "Save draft")
    renamed = FORM.replace("Save draft", "Save the draft")
    assert found(match(draft, view_of(renamed))).name == "Save the draft"
    sends = view_of(f"<form method=post>{renamed.replace('type=button', '')}</form>")
    assert next(c for c in sends.controls if c.name == "Save the draft").critical
    assert isinstance(match(draft, sends), NoMatch)


def test_a_button_is_no_field() -> None:
    assert kin("combobox", "radiogroup") and kin("button", "link") and not kin("button", "textbox")
    before = view_of("<label>Approve <input></label>")
    assert isinstance(match(target(before, "Approve"), view_of("<button>Approve it</button>")), NoMatch)


def test_without_a_threshold_nothing_but_the_key_counts() -> None:
    untested = Weights(weights=shipped().weights, constant=shipped().constant, tau=None)
    before = target(view_of(FORM), "Refund amount")
    assert isinstance(match(before, view_of(FORM.replace("Refund amount", "Refund amount:x")), untested), NoMatch)
    assert isinstance(match(before, view_of(FORM), untested), Match)


def test_an_old_target_without_traits_is_found_by_its_key_alone() -> None:
    view = view_of(FORM)
    old = Target.model_validate({"key": "/return/spinbutton/refund-amount/0", "role": "spinbutton", "name": "Refund amount"})
    assert found(match(old, view)).name == "Refund amount"
    assert isinstance(match(old, view_of(FORM.replace("Refund amount", "Amount"))), NoMatch)


def test_traits_go_to_json_and_back() -> None:
    view = view_of(FORM)
    control = view.controls[1]
    action = remembered(view, Select(target=Target(key=control.key), option="Damaged"))
    again = Select.model_validate_json(action.model_dump_json())
    assert again == action and again.target.traits == traits_of(view)[control.key]
    assert again.target.traits is not None and again.target.traits.options == ("Damaged", "Wrong size", "Too late")


@pytest.mark.parametrize("name", ["Order number", "Reason for return", "Refund amount", "Save draft"])
def test_a_match_does_not_depend_on_what_was_typed(name: str) -> None:
    before = view_of(FORM)
    typed = view_of(FORM.replace("<input pattern", "<input value=O-1 pattern").replace("Return", "Returned goods"))
    first, again = match(target(before, name), typed), match(target(before, name), typed)
    assert first == again and isinstance(first, Match) and first.control.name == name


def test_a_numbered_field_keeps_its_key_when_the_one_before_it_goes() -> None:
    both = view_of("<label>Address line 1 <input></label><label>Address line 2 <input></label>")
    one = view_of("<label>Address line 2 <input></label>")
    assert both.controls[1].key == one.controls[0].key != both.controls[0].key
    fill = remembered(both, Fill(target=Target(key=both.controls[0].key, role="textbox", name="Address line 1"), value="x"))
    assert isinstance(fill, Fill) and isinstance(match(fill.target, one), NoMatch)


def test_counts_are_no_part_of_a_key() -> None:
    few, many = (
        view_of("<button>Notes (3)</button><button>Inbox 4</button>"),
        view_of("<button>Notes (12)</button><button>Inbox 5</button>"),
    )
    assert [c.key for c in few.controls] == [c.key for c in many.controls]
    assert view_of("<label>Pieces (3) <input></label>").controls[0].key.endswith("/textbox/pieces/0")
