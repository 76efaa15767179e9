"""The hand-off card: seen by the person, unseen by capture and recorder, and its verdicts."""

from __future__ import annotations

from functools import partial

import pytest

from schema_extraction.action import Action, Click
from schema_extraction.view import View
from tests.browser.conftest import Driver, OpenCase

pytestmark = pytest.mark.browser
Verdicts = list[tuple[str, str | None]]


def show(driver: Driver, name: str = "Reason", alternatives: tuple[str, ...] = ("Choose Late",)) -> Verdicts:
    got: Verdicts = []
    ref = driver.control(name).ref
    found = driver.portal.call(
        driver.page.overlay.show,
        ref,
        "Choose Damaged in Reason",
        "Not sure enough.",
        alternatives,
        lambda k, r: got.append((k, r)),
    )
    assert found
    return got


def press(driver: Driver, key: str) -> None:
    driver.portal.call(driver.page.page.keyboard.press, key)
    driver.script("0")  # what the page sent before this answer has arrived


def boxes(driver: Driver) -> object:
    return driver.script("JSON.stringify([...document.querySelectorAll('main *')].map(e => e.getBoundingClientRect().width))")


def test_the_card_changes_neither_the_view_nor_the_layout(open_case: OpenCase) -> None:
    driver = open_case()
    view, layout = driver.view(), boxes(driver)
    show(driver)
    assert driver.view() == view
    assert boxes(driver) == layout
    assert driver.script("document.querySelector('casepilot-overlay').shadowRoot") is None
    driver.portal.call(driver.page.overlay.hide)
    assert driver.script("document.querySelector('casepilot-overlay')") is None
    assert driver.view() == view


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [
        (["Alt+a"], ("accept", None)),
        (["Alt+r", "2"], ("reject", "wrong_value")),
        (["Alt+r", "Alt+r"], ("reject", None)),
    ],
)
def test_keys_give_the_verdict_once_and_the_card_goes(
    open_case: OpenCase, keys: list[str], verdict: tuple[str, str | None]
) -> None:
    driver = open_case()
    got = show(driver)
    for key in [*keys, "Alt+a"]:
        press(driver, key)
    assert got == [verdict]
    assert driver.script("document.querySelector('casepilot-overlay')") is None


DATE = {"label": "Delivered", "kind": "date", "value": "2026-05-01", "options": [], "required": True, "min": "2026-01-01"}


def show_edit(driver: Driver, edit: dict[str, object], problem: str = "") -> Verdicts:
    got: Verdicts = []
    view = driver.view()
    ref = next(control.ref for control in view.controls if control.name == "Reason")
    call = partial(driver.page.overlay.show, edit=edit, problem=problem)
    driver.portal.call(call, ref, "Fill 'Delivered'", "Not sure.", (), lambda k, r: got.append((k, r)))
    return got


def test_another_value_is_typed_into_the_card_and_the_page_hears_nothing_of_it(open_case: OpenCase) -> None:
    driver = open_case()
    driver.script("""globalThis.heard = []; for (const type of ["keydown", "keypress", "keyup", "input", "change", "paste"])
      document.addEventListener(type, event => heard.push(type), true)""")
    view = driver.view()
    got = show_edit(driver, {"label": "Order", "kind": "text", "value": "A-1", "options": []})
    press(driver, "Alt+e")
    driver.portal.call(driver.page.page.keyboard.type, "B-22")
    assert driver.view() == view
    press(driver, "Enter")
    assert got == [("edit", "B-22")]
    heard = driver.script("heard")
    assert isinstance(heard, list) and set(heard) <= {"keydown", "keyup"}
    assert heard.count("keydown") <= 1 and heard.count("keyup") <= 2  # Alt, before the card's input had the focus


def test_the_card_asks_again_for_what_does_not_fit_and_escape_leaves_the_edit(open_case: OpenCase) -> None:
    driver = open_case()
    got = show_edit(driver, DATE, "'Delivered' takes a date.")
    press(driver, "Escape")
    press(driver, "Alt+e")
    driver.portal.call(driver.page.page.keyboard.press, "Delete")  # the month goes: no date is left
    press(driver, "Enter")
    assert got == []
    press(driver, "Escape")
    press(driver, "Alt+a")
    assert got == [("accept", None)]


def test_an_option_is_chosen_in_the_card(open_case: OpenCase) -> None:
    driver = open_case()
    got = show_edit(driver, {"label": "Reason", "kind": "select", "value": "Damaged", "options": ["Late", "Damaged", "Lost"]})
    press(driver, "Alt+e")
    press(driver, "ArrowDown")
    press(driver, "Enter")
    assert got == [("edit", "Lost")]


def test_escape_takes_the_rejection_back(open_case: OpenCase) -> None:
    driver = open_case()
    got = show(driver)
    for key in ("Alt+r", "Escape", "2", "Alt+a"):
        press(driver, key)
    assert got == [("accept", None)]


def test_the_buttons_of_the_card_are_pressed_with_the_mouse(open_case: OpenCase) -> None:
    driver = open_case()
    got = show(driver)
    # The card stands at the right edge; its buttons are found by looking, as a person would, row by row.
    for y in range(20, 700, 12):
        if got:
            break
        driver.portal.call(driver.page.page.mouse.click, 1280 - 16 - 260, y)
    driver.script("0")
    assert got == [("accept", None)]


def test_a_page_script_cannot_give_the_verdict(open_case: OpenCase) -> None:
    driver = open_case()
    got = show(driver)
    driver.script("globalThis.casepilotVerdict('guess', 'accept', null)")
    driver.script("dispatchEvent(new KeyboardEvent('keydown', {altKey: true, code: 'KeyA', key: 'a'}))")
    assert got == []


def test_what_is_done_on_the_card_is_not_recorded_and_what_is_done_beside_it_is(open_case: OpenCase) -> None:
    driver = open_case()
    steps: list[tuple[View, Action]] = []
    driver.page.recorder.on_step = lambda view, action: steps.append((view, action))
    driver.portal.call(driver.page.recorder.start)
    show(driver)
    driver.portal.call(driver.page.page.mouse.click, 1280 - 100, driver_top(driver) + 4)
    driver.portal.call(driver.page.page.click, "#tab2")
    press(driver, "Alt+a")
    driver.portal.call(driver.page.recorder.flush)
    assert [type(action) for _, action in steps] == [Click]


def driver_top(driver: Driver) -> int:
    top = driver.script("document.getElementById('reason').getBoundingClientRect().top")
    assert isinstance(top, int | float)
    return int(top)


def test_a_field_that_is_not_there_still_shows_the_card(open_case: OpenCase) -> None:
    driver = open_case()
    got: Verdicts = []
    found = driver.portal.call(driver.page.overlay.show, "e9999-none", "Close", "", [], lambda k, r: got.append((k, r)))
    assert not found
    press(driver, "Alt+a")
    assert got == [("accept", None)]


def test_the_field_is_brought_into_view_and_outlined_in_the_picture(open_case: OpenCase) -> None:
    driver = open_case()
    plain = driver.portal.call(driver.page.screenshot)
    outlined = driver.portal.call(driver.page.screenshot, driver.control("Team").ref)
    assert plain[:4] == outlined[:4] == b"\xff\xd8\xff\xe0"
    assert plain != outlined
    assert driver.script("document.querySelector('casepilot-overlay')") is None


def test_the_card_stays_in_reach_when_a_dialog_opens_and_closes(open_case: OpenCase) -> None:
    driver = open_case()
    got = show(driver, "Resolution")
    where = "document.querySelector('casepilot-overlay').parentNode.localName"
    homes = [driver.script(where)]
    for button in ("#close", "#keep"):
        driver.portal.call(driver.page.page.click, button)
        driver.portal.call(driver.page.settle)
        homes.append(driver.script(f"new Promise(done => requestAnimationFrame(() => setTimeout(() => done({where}))))"))
    assert homes == ["html", "dialog", "html"]
    press(driver, "Alt+a")
    assert got == [("accept", None)]


def test_the_card_comes_back_when_the_page_is_loaded_anew(open_case: OpenCase) -> None:
    driver = open_case()
    got = show(driver)
    driver.portal.call(driver.page.page.reload)
    driver.portal.call(partial(driver.page.page.wait_for_selector, "casepilot-overlay", state="attached"))
    press(driver, "Alt+a")
    assert got == [("accept", None)]
