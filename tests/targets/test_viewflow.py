"""Pages of a support desk on django-viewflow: all that a person sees there is in the view, and little else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page

from fixtures.targets.errors import UnavailableError
from fixtures.targets.target import Target
from fixtures.targets.viewflow import running_viewflow
from tests.targets.reading import assert_complete, completeness, window

pytestmark = pytest.mark.browser

TRIAGE = "/support/3/triage/10/execute/"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    try:
        with running_viewflow(tmp_path_factory.mktemp("viewflow")) as target:
            yield target
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def desk_page(portal: BlockingPortal, agent_browser: Browser) -> Iterator[Page]:
    with window(portal, agent_browser) as page:
        yield page


async def _sign_in(page: Page, desk: Target, password: str) -> None:
    await page.fill("input[name=username]", desk.user)
    await page.fill("input[name=password]", password)
    await page.get_by_role("button", name="Log in").click()


async def login(page: Page, desk: Target) -> None:
    await page.goto(f"{desk.url}/")
    await page.wait_for_selector("input[name=password]")


async def login_refused(page: Page, desk: Target) -> None:
    await login(page, desk)
    await _sign_in(page, desk, "forgotten")
    await page.wait_for_selector("text=Please enter a correct username")
    await page.wait_for_selector("input[name=password]")


async def _signed_in(page: Page, desk: Target, path: str, shown: str) -> None:
    await login(page, desk)
    await _sign_in(page, desk, desk.password)
    await page.wait_for_url("**/support/")
    await page.goto(f"{desk.url}{path}")
    await page.wait_for_selector(shown)


async def dashboard(page: Page, desk: Target) -> None:
    await _signed_in(page, desk, "/support/", "text=Invoice with the company's name")


async def queue(page: Page, desk: Target) -> None:
    await _signed_in(page, desk, "/support/queue/", "text=1-4 of 4")


async def task(page: Page, desk: Target) -> None:
    await _signed_in(page, desk, "/support/6/triage/16/", "text=Assign and continue")


async def triage(page: Page, desk: Target) -> None:
    await _signed_in(page, desk, TRIAGE, "#id_answer_due_control")


async def triage_refused(page: Page, desk: Target) -> None:
    await triage(page, desk)
    await page.fill("#id_order_number_control", "ORD-10234")
    await page.fill("#id_answer_due_control", "next week")
    await page.get_by_role("button", name="Execute", exact=True).click()
    await page.wait_for_selector("text=Enter a valid date.")


async def triage_list(page: Page, desk: Target) -> None:
    await triage(page, desk)
    await page.click("#id_category_label")
    await page.wait_for_selector(".mdc-menu-surface--open:not(.mdc-menu-surface--animating-open) >> text=Technical fault")


async def answer(page: Page, desk: Target) -> None:
    await _signed_in(page, desk, "/support/2/answer/8/execute/", "#id_reply_control")


async def register(page: Page, desk: Target) -> None:
    await _signed_in(page, desk, "/support/start/", "#id_message_control")


async def customers(page: Page, desk: Target) -> None:
    await _signed_in(page, desk, "/records/customer/", "text=1-5 of 5")


STATES: dict[str, Callable[[Page, Target], Awaitable[None]]] = {
    "viewflow-login": login,
    "viewflow-login-refused": login_refused,
    "viewflow-dashboard": dashboard,
    "viewflow-queue": queue,
    "viewflow-task": task,
    "viewflow-triage": triage,
    "viewflow-triage-refused": triage_refused,
    "viewflow-triage-list": triage_list,
    "viewflow-answer": answer,
    "viewflow-register": register,
    "viewflow-customers": customers,
}


@pytest.mark.parametrize("state", STATES)
def test_page_is_read_completely(portal: BlockingPortal, desk: Target, desk_page: Page, state: str) -> None:
    portal.call(STATES[state], desk_page, desk)
    assert_complete(state, portal.call(completeness, desk_page, state))
