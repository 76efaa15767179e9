"""States of a form drawn by form-js: all that a person sees there is in the view, and little else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page

from fixtures.targets.errors import UnavailableError
from fixtures.targets.formjs import running_formjs
from fixtures.targets.target import Target
from tests.targets.reading import assert_complete, completeness, window

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    try:
        with running_formjs(tmp_path_factory.mktemp("formjs")) as target:
            yield target
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def form_page(portal: BlockingPortal, agent_browser: Browser) -> Iterator[Page]:
    with window(portal, agent_browser) as page:
        yield page


async def initial(page: Page, form: Target) -> None:
    await page.goto(f"{form.url}/")
    await page.wait_for_selector("text=Browse")


async def filled(page: Page, form: Target) -> None:
    await initial(page, form)
    await page.get_by_label("Reply to the customer").fill("Your money is on its way.")
    await page.get_by_label("Refund amount").fill("49.90")
    await page.get_by_label("Payment").check()
    await page.get_by_label("Phone").check()
    await page.get_by_label("Approved").check()
    await page.get_by_label("Reason of refusal").wait_for(state="detached")
    # form-js takes what is typed a while later, and draws all fields anew then: what is typed just before that is lost.
    await page.wait_for_timeout(700)
    await page.get_by_label("Street").fill("Brivibas 12")


async def refused(page: Page, form: Target) -> None:
    await initial(page, form)
    await page.get_by_label("Refund amount").fill("500")
    await page.get_by_label("Subject").fill("")
    await page.click("#complete")
    await page.wait_for_selector("text=Not completed")


async def category_list(page: Page, form: Target) -> None:
    await initial(page, form)
    await page.click("text=Question")
    await page.wait_for_selector("text=Fault")


async def order_list(page: Page, form: Target) -> None:
    await initial(page, form)
    await page.get_by_placeholder("Search").first.click()
    await page.wait_for_selector("text=ORD-10241")


async def second_item(page: Page, form: Target) -> None:
    await initial(page, form)
    await page.get_by_label("Item", exact=True).fill("Desk lamp")
    await page.get_by_label("Quantity").fill("2")
    await page.click("text=Add new")
    await page.get_by_label("Quantity").nth(1).wait_for()


STATES: dict[str, Callable[[Page, Target], Awaitable[None]]] = {
    "formjs-initial": initial,
    "formjs-filled": filled,
    "formjs-refused": refused,
    "formjs-category-list": category_list,
    "formjs-order-list": order_list,
    "formjs-second-item": second_item,
}


@pytest.mark.parametrize("state", STATES)
def test_form_is_read_completely(portal: BlockingPortal, form: Target, form_page: Page, state: str) -> None:
    portal.call(STATES[state], form_page, form)
    assert_complete(state, portal.call(completeness, form_page, state))
