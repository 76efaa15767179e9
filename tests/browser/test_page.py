"""Opening cases, signing in, views that are not taken twice, and what goes wrong with addresses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Route

from browser.errors import PageError, SignInError
from browser.page import CasePage, new_case_page
from schema_extraction.action import Click, SendMessage, Wait
from schema_extraction.profile import Profile
from tests.browser.conftest import OpenCase
from tests.browser.desk import Desk

pytestmark = pytest.mark.browser


@pytest.fixture
def page(portal: BlockingPortal, agent_browser: Browser, desk: Desk) -> Iterator[CasePage]:
    made = portal.call(new_case_page, agent_browser, desk.profile)
    yield made
    portal.call(made.close)


def test_a_case_is_opened_by_its_id(portal: BlockingPortal, page: CasePage) -> None:
    portal.call(page.open_case, "p1")
    assert portal.call(page.view).case_id == "p1"


def test_signing_in_leaves_a_login_that_another_page_can_use(
    portal: BlockingPortal, page: CasePage, agent_browser: Browser, desk: Desk
) -> None:
    portal.call(page.sign_in, "ada", "right")
    assert portal.call(page.view).path == "/cases"
    state = portal.call(page.storage_state)
    assert [(cookie["name"], cookie["value"]) for cookie in state["cookies"]] == [("s", "1")]
    other = portal.call(new_case_page, agent_browser, desk.profile, state)
    assert portal.call(other.storage_state)["cookies"] == state["cookies"]
    portal.call(other.close)


def test_a_refused_login_says_so_in_the_applications_words(portal: BlockingPortal, page: CasePage) -> None:
    with pytest.raises(SignInError, match="Wrong user name or password") as caught:
        portal.call(page.sign_in, "ada", "secret-word")
    assert "secret-word" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("path", "words"), [("/nowhere", "404"), ("/broken", "500")])
def test_an_address_that_does_not_answer_well_is_an_error(
    portal: BlockingPortal, page: CasePage, path: str, words: str
) -> None:
    with pytest.raises(PageError, match=words):
        portal.call(page.goto, path)


def test_an_application_that_is_down_is_an_error_of_one_line(
    portal: BlockingPortal, agent_browser: Browser, desk: Desk
) -> None:
    profile = desk.profile.model_copy(update={"base_url": "http://127.0.0.1:9"})
    page = portal.call(new_case_page, agent_browser, profile)
    with pytest.raises(PageError, match="Is the application running") as caught:
        portal.call(page.open_case, "p1")
    assert "\n" not in str(caught.value)
    portal.call(page.close)


def test_a_view_is_taken_once_while_nothing_changes(open_case: OpenCase) -> None:
    driver = open_case()
    view = driver.view()
    assert driver.view() is view
    driver.script("document.getElementById('status').textContent = 'Waiting'")
    changed = driver.view()
    assert changed is not view
    assert changed.fact("Status") is not None


def test_a_row_beyond_the_view_is_found_and_scrolled_to(portal: BlockingPortal, page: CasePage) -> None:
    rows = "".join(f"<tr><td>ORD-{n}<td>open" for n in range(1000))
    portal.call(page.page.set_content, f"<table><caption>Orders</caption><tr><th>Order<th>State{rows}</table>")
    assert portal.call(page.find_row, "ord-4444") is None
    view = portal.call(page.find_row, "ord-742")
    assert view is not None and view.tables[0].rows[0].cells[0].raw == "ORD-742"
    assert len(view.tables[0].rows) + view.tables[0].first <= view.tables[0].total


def test_a_value_set_by_script_is_seen(open_case: OpenCase) -> None:
    driver = open_case()
    driver.view()
    driver.script("document.getElementById('order').value = 'ORD-8'")
    assert driver.value("Order number") == "ORD-8"


def test_waiting_ends_with_a_change_since_the_last_view(open_case: OpenCase) -> None:
    driver = open_case()
    driver.view()
    assert driver.portal.call(driver.page.changed, 0.2) is False
    driver.script("document.getElementById('status').textContent = 'Waiting'")
    assert driver.portal.call(driver.page.changed, 5) is True
    assert driver.perform(Wait()).result == "no_effect"


def test_the_application_is_told_who_stands_behind_a_request(open_case: OpenCase) -> None:
    driver = open_case()
    for name in ("mara", None):
        driver.portal.call(driver.page.set_operator, name)
        assert driver.perform(SendMessage(text=f"from {name}")).ok
    told = [who for (path, _), who in zip(driver.desk.log, driver.desk.operators, strict=True) if f"/{driver.case_id}/" in path]
    assert told == ["mara", None]


def test_a_page_that_asks_to_be_kept_is_not_left(open_case: OpenCase) -> None:
    driver = open_case("unload")
    driver.perform(Click(target=driver.target("History")))
    with pytest.raises(PageError, match="would not be left"):
        driver.portal.call(driver.page.goto, "/cases")
    assert driver.view().case_id == driver.case_id


def test_a_dialog_that_a_person_left_open_is_dismissed_once_nobody_attends(open_case: OpenCase) -> None:
    driver = open_case("confirm-send")
    page = driver.page
    driver.portal.call(page.recorder.start)
    driver.script("document.getElementById('composer').textContent = 'We are on it.'")
    driver.script("setTimeout(() => document.getElementById('send').click())")

    async def standing() -> None:
        while page.dialogs.standing is None:
            await page.changed(0.05)

    driver.portal.call(standing)
    dialog = driver.view().dialog
    assert dialog is not None and dialog.kind == "native" and dialog.text == "Really send?"
    driver.portal.call(page.recorder.stop)
    assert driver.view().dialog is None
    assert driver.sent == []


FORM = """<form method="post"><label>User name <input name="u"></label><label>Password <input type="password" name="p"></label>
<button>Sign in</button></form>"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('<a href="/work">My work</a><p>Welcome</p>', ""),
        ("<p>Too many attempts. Come back in an hour.</p>", "refused the login of 'ada'"),
        ('<a href="/help">Help</a><p role="alert">This account is locked.</p>', "This account is locked"),
        (FORM, "refused the login of 'ada'"),
    ],
    ids=["signed in", "locked out", "locked with a link", "the form again"],
)
def test_a_form_that_answers_at_its_own_address_tells_by_what_it_shows(
    portal: BlockingPortal, agent_browser: Browser, answer: str, words: str
) -> None:
    profile = Profile.model_validate(
        {
            "name": "desk",
            "base_url": "http://desk.test",
            "login": {
                "path": "/",
                "username": {"name": "User name"},
                "password": {"name": "Password"},
                "submit": {"name": "Sign in"},
            },
        }
    )

    async def work() -> None:
        page = await new_case_page(agent_browser, profile)

        async def serve(route: Route) -> None:
            body = FORM if route.request.method == "GET" else answer
            await route.fulfill(content_type="text/html", body=f"<!doctype html><title>Desk</title>{body}")

        await page.page.route("**/*", serve)
        try:
            await page.sign_in("ada", "right")
        finally:
            await page.close()

    if words:
        with pytest.raises(SignInError, match=words):
            portal.call(work)
    else:
        portal.call(work)
