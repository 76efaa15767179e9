"""Every action family on every widget, and on widgets that do not do what they are told: never a false 'done'."""

from __future__ import annotations

from contextlib import suppress

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Route

from browser.page import PageSettings
from browser.perform.ground import HandSettings
from browser.settle import SettleSettings
from schema_extraction.action import Check, Click, CloseCase, Fill, Select, SendMessage, Target, TransferCase
from tests.browser.conftest import OpenCase

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("name", "typed", "held"),
    [
        ("Order number", "ORD-7731", "ORD-7731"),
        ("Amount", "1,200.50", "1,200.50"),
        ("Date of purchase", "March 3, 2026", "2026-03-03"),
        ("Date of purchase", "2026-03-03", "2026-03-03"),
        ("Note", "two\nlines", "two\nlines"),
        ("Discount code", "X1", "X1"),
        ("Search", "refund policy", "refund policy"),
        ("Reply", "Hello Ada,\nwe are on it.", "Hello Ada,\nwe are on it."),
    ],
)
def test_fill_puts_the_value_into_every_kind_of_field(open_case: OpenCase, name: str, typed: str, held: str) -> None:
    driver = open_case()
    assert driver.perform(Fill(target=driver.target(name), value=typed)).result == "done"
    assert driver.value(name) == held


def test_fill_replaces_what_the_field_held(open_case: OpenCase) -> None:
    driver = open_case()
    for name in ("Order number", "Reply"):
        driver.perform(Fill(target=driver.target(name), value="first"))
        assert driver.perform(Fill(target=driver.target(name), value="second")).result == "done"
        assert driver.value(name) == "second"
        assert driver.perform(Fill(target=driver.target(name), value="")).result == "done"
        assert driver.value(name) == ""


def test_fill_accepts_the_fields_own_formatting(open_case: OpenCase) -> None:
    driver = open_case("mask")
    assert driver.perform(Fill(target=driver.target("Order number"), value="5550102030")).result == "done"
    assert driver.value("Order number") == "(555) 010-2030"


def test_fill_types_where_a_field_listens_to_keys_alone(open_case: OpenCase) -> None:
    driver = open_case("keys-only")
    assert driver.perform(Fill(target=driver.target("Note"), value="typed")).result == "done"
    assert driver.value("Note") == "typed"


@pytest.mark.parametrize("name", ["Order number", "Note", "Reply"])
def test_a_fill_that_the_page_takes_back_is_no_success(open_case: OpenCase, name: str) -> None:
    driver = open_case("revert")
    outcome = driver.perform(Fill(target=driver.target(name), value="ORD-7731"))
    assert outcome.result == "no_effect"
    assert "ORD-7731" in outcome.message


def test_a_value_that_a_field_cannot_take_is_not_sent(open_case: OpenCase) -> None:
    driver = open_case()
    outcome = driver.perform(Fill(target=driver.target("Date of purchase"), value="next week"))
    assert outcome.result == "not_sent"
    assert driver.value("Date of purchase") == ""


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("Reason", "Late"),
        ("Refund to", "Store credit"),
        ("Carrier", "Blue Parcel"),
        ("Priority", "High"),
    ],
)
def test_select_chooses_by_label_in_every_kind_of_list(open_case: OpenCase, name: str, option: str) -> None:
    driver = open_case()
    assert driver.perform(Select(target=driver.target(name), option=option)).result == "done"
    assert driver.value(name) == option
    assert driver.control(name).expanded is not True


@pytest.mark.parametrize("name", ["Reason", "Refund to", "Carrier", "Priority"])
def test_an_option_that_is_not_there_is_not_sent_and_leaves_no_trace(open_case: OpenCase, name: str) -> None:
    driver = open_case()
    outcome = driver.perform(Select(target=driver.target(name), option="Gold"))
    assert outcome.result == "not_sent"
    assert "Gold" in outcome.message
    assert driver.value(name) == ""
    assert driver.control(name).expanded is not True


def test_a_disabled_option_is_not_sent(open_case: OpenCase) -> None:
    driver = open_case()
    assert "disabled" in driver.perform(Select(target=driver.target("Reason"), option="Legacy")).message
    assert driver.value("Reason") == ""


@pytest.mark.parametrize(
    ("sabotage", "name", "option"),
    [
        ("revert", "Reason", "Late"),
        ("revert", "Carrier", "Blue Parcel"),
        ("revert", "Priority", "High"),
        ("radio-revert", "Refund to", "Card"),
    ],
)
def test_a_choice_that_the_page_takes_back_is_no_success(open_case: OpenCase, sabotage: str, name: str, option: str) -> None:
    driver = open_case(sabotage)
    assert driver.perform(Select(target=driver.target(name), option=option)).result == "no_effect"


@pytest.mark.parametrize("name", ["Notify customer", "Gift"])
def test_check_brings_a_box_to_the_wanted_state_and_not_further(open_case: OpenCase, name: str) -> None:
    driver = open_case()
    for wanted in (True, True, False):
        assert driver.perform(Check(target=driver.target(name), checked=wanted)).result == "done"
        assert driver.control(name).checked is wanted


@pytest.mark.parametrize("name", ["Notify customer", "Gift"])
def test_a_box_that_does_not_stay_checked_is_no_success(open_case: OpenCase, name: str) -> None:
    driver = open_case("revert")
    assert driver.perform(Check(target=driver.target(name))).result == "no_effect"


@pytest.mark.parametrize("name", ["History", "Look up", "Show policy", "Close case"])
def test_a_click_with_an_effect_is_done(open_case: OpenCase, name: str) -> None:
    driver = open_case()
    assert driver.perform(Click(target=driver.target(name))).result == "done"


@pytest.mark.parametrize("sabotage", ["", "rival"])
def test_a_click_that_nothing_came_of_is_no_effect_even_when_a_message_arrives_meanwhile(
    open_case: OpenCase, sabotage: str
) -> None:
    driver = open_case(sabotage)
    assert driver.perform(Click(target=driver.target("Dead"))).result == "no_effect"


def test_a_covered_button_is_not_sent(open_case: OpenCase) -> None:
    driver = open_case("cover")
    outcome = driver.perform(Click(target=driver.target("Look up")))
    assert (outcome.result, "covered" in outcome.message) == ("not_sent", True)


def test_controls_disabled_by_script_are_not_sent(open_case: OpenCase) -> None:
    driver = open_case("disabled")
    assert "disabled" in driver.perform(Click(target=driver.target("Submit task"))).message
    assert "disabled" in driver.perform(Fill(target=driver.target("Order number"), value="x")).message
    assert driver.sent == []


def test_a_control_disabled_after_the_view_was_taken_is_not_sent(open_case: OpenCase) -> None:
    driver = open_case()
    view, target = driver.view(), driver.target("Look up")
    driver.script("document.getElementById('lookup').disabled = true")
    assert driver.perform(Click(target=target), view).result == "not_sent"


def test_a_target_drawn_anew_is_found_by_its_key_and_a_vanished_one_is_not_sent(open_case: OpenCase) -> None:
    driver = open_case()
    view, target = driver.view(), driver.target("Look up")
    driver.script(
        "(b => b.replaceWith(Object.assign(b.cloneNode(true), {onclick: b.onclick})))(document.getElementById('lookup'))"
    )
    assert driver.perform(Click(target=target), view).result == "done"
    driver.script("document.getElementById('lookup').remove()")
    outcome = driver.perform(Click(target=target), view)
    assert (outcome.result, "stale" in outcome.message) == ("not_sent", True)


def test_a_button_that_became_another_is_not_pressed(open_case: OpenCase) -> None:
    driver = open_case()
    view, target = driver.view(), driver.target("Look up")
    driver.script("document.getElementById('lookup').textContent = 'Delete everything'")
    assert driver.perform(Click(target=target), view).result == "not_sent"


def test_a_button_whose_label_was_reworded_meanwhile_is_pressed(open_case: OpenCase) -> None:
    driver = open_case()
    view, target = driver.view(), driver.target("Look up")
    driver.script("document.getElementById('lookup').textContent = 'Look it up'")
    outcome = driver.perform(Click(target=target), view)
    assert outcome.result == "done", outcome


def test_of_two_buttons_of_one_name_none_is_pressed(open_case: OpenCase) -> None:
    driver = open_case()
    view, target = driver.view(), driver.target("Look up")
    driver.script("(b => b.before(b.cloneNode(true)))(document.getElementById('lookup'))")
    outcome = driver.perform(Click(target=target), view)
    assert outcome.result == "not_sent" and "nothing tells them apart" in outcome.message


def test_an_alert_of_the_browser_is_told(open_case: OpenCase) -> None:
    driver = open_case("alert")
    outcome = driver.perform(Click(target=driver.target("Look up")))
    assert "Order system is down" in outcome.message


def test_submitting_an_incomplete_form_is_refused_in_the_browsers_words(open_case: OpenCase) -> None:
    driver = open_case()
    outcome = driver.perform(Click(target=driver.target("Submit task")))
    assert outcome.result == "refused"
    assert outcome.message.startswith("Order number:")
    assert driver.sent == []


def test_submitting_what_the_application_does_not_take_is_refused_in_its_words(open_case: OpenCase) -> None:
    driver = open_case()
    driver.perform(Fill(target=driver.target("Order number"), value="bad"))
    outcome = driver.perform(Click(target=driver.target("Submit task")))
    assert (outcome.result, outcome.message) == ("refused", "Order number is not known.")


def test_submitting_a_good_form_is_done_once(open_case: OpenCase) -> None:
    driver = open_case()
    driver.perform(Fill(target=driver.target("Order number"), value="ORD-7731"))
    assert driver.perform(Click(target=driver.target("Submit task"))).result == "done"
    assert [name for name, _ in driver.sent] == ["task"]


def test_a_slow_answer_is_waited_for(open_case: OpenCase) -> None:
    driver = open_case("slow")
    driver.perform(Fill(target=driver.target("Order number"), value="ORD-7731"))
    outcome = driver.perform(Click(target=driver.target("Submit task")))
    assert outcome.result == "done", outcome
    assert outcome.seconds > 2.9


def test_an_answer_that_does_not_come_is_unknown(open_case: OpenCase) -> None:
    driver = open_case("slow", settings=PageSettings(settle=SettleSettings(limit=0.5), hands=HandSettings(answer=0.5)))
    outcome = driver.perform(SendMessage(text="We are on it."))
    assert outcome.result == "unknown"
    assert driver.sent == [("message", {"text": "We are on it."})]


@pytest.mark.parametrize("sabotage", ["", "late"])
def test_send_message_is_done_when_the_message_stands_in_the_conversation(open_case: OpenCase, sabotage: str) -> None:
    driver = open_case(sabotage)
    assert driver.perform(SendMessage(text="We are on it.\nSincerely")).result == "done"
    assert driver.sent == [("message", {"text": "We are on it.\nSincerely"})]
    assert driver.view().messages[-1].direction == "outbound"


@pytest.mark.parametrize(
    ("sabotage", "result", "words"),
    [
        ("swallow-send", "no_effect", "does not appear"),
        ("confirm-send", "refused", "Really send?"),
        ("reject", "refused", "Not allowed in this state."),
        ("fail", "unknown", "500"),
        ("hang-up", "unknown", "failed"),
    ],
)
def test_send_message_that_did_not_arrive_is_never_done(open_case: OpenCase, sabotage: str, result: str, words: str) -> None:
    driver = open_case(sabotage)
    outcome = driver.perform(SendMessage(text="We are on it."))
    assert outcome.result == result
    assert words in outcome.message
    assert len(driver.sent) <= 1


def test_close_case_goes_through_the_pages_own_dialog(open_case: OpenCase) -> None:
    driver = open_case()
    assert driver.perform(CloseCase(resolution="Refunded")).result == "done"
    assert driver.view().closed
    assert driver.sent == [("close", {"resolution": "Refunded"})]


@pytest.mark.parametrize(
    ("sabotage", "result", "sent"),
    [("no-dialog", "no_effect", 0), ("ignore-close", "unknown", 1), ("reject", "refused", 1), ("fail", "unknown", 1)],
)
def test_close_case_that_did_not_close_is_never_done(open_case: OpenCase, sabotage: str, result: str, sent: int) -> None:
    driver = open_case(sabotage)
    outcome = driver.perform(CloseCase(resolution="Refunded"))
    assert outcome.result == result, outcome
    assert len(driver.sent) == sent


def test_close_case_with_an_unknown_resolution_presses_nothing(open_case: OpenCase) -> None:
    driver = open_case()
    assert driver.perform(CloseCase(resolution="Exploded")).result == "not_sent"
    assert driver.view().dialog is None


def test_transfer_case_is_done_when_the_page_leaves_the_case(open_case: OpenCase) -> None:
    driver = open_case()
    assert driver.perform(TransferCase(team="Fraud")).result == "done"
    assert driver.case.team == "Fraud"


def test_a_composite_off_a_case_page_is_not_sent(open_case: OpenCase) -> None:
    driver = open_case()
    driver.portal.call(driver.page.goto, "/cases")
    assert driver.perform(CloseCase(resolution="Refunded")).result == "not_sent"


def test_a_page_that_is_gone_makes_the_outcome_unknown(open_case: OpenCase) -> None:
    driver = open_case()
    view = driver.view()
    driver.portal.call(driver.page.page.close)
    assert driver.perform(Click(target=Target(key=view.controls[0].key)), view).result == "unknown"


def test_a_page_that_crashes_after_the_click_makes_the_outcome_unknown(open_case: OpenCase) -> None:
    driver = open_case()

    async def crash_on_send() -> None:
        devtools = await driver.page.page.context.new_cdp_session(driver.page.page)

        async def crash(route: Route) -> None:
            with suppress(PlaywrightError):
                await devtools.send("Page.crash")

        await driver.page.page.route("**/message", crash)

    driver.portal.call(crash_on_send)
    assert driver.perform(SendMessage(text="We are on it.")).result == "unknown"
