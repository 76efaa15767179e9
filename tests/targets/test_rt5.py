"""Request Tracker 5: the view of its pages against what a person sees there, and its data put back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page

from browser.capture import capture
from browser.settle import Settler, SettleSettings
from browser.traffic import Traffic
from fixtures.pages.truth import compare, read_truth
from fixtures.targets.target import Target
from schema_extraction.extract import extract
from schema_extraction.view import View

pytestmark = pytest.mark.browser

TRUTH = Path(str(files("fixtures.targets").joinpath("truth")))
ORDER_NUMBER = 'input[name$="CustomField-5-Value"]'
Visit = Callable[[Page, Target], Awaitable[None]]


async def login(page: Page, rt5: Target) -> None:
    await page.goto(rt5.url + "/")


async def sign_in(page: Page, rt5: Target, password: str = "") -> None:
    await login(page, rt5)
    await page.fill("input[name=user]", rt5.user)
    await page.fill("input[name=pass]", password or rt5.password)
    await page.click("input[type=submit]")


async def login_refused(page: Page, rt5: Target) -> None:
    await sign_in(page, rt5, "wrong")


def at(path: str) -> Visit:
    async def visit(page: Page, rt5: Target) -> None:
        await sign_in(page, rt5)
        # RT asks back when a page with arguments is opened from nowhere.
        await page.goto(rt5.url + path, referer=rt5.url + "/")

    return visit


async def create_refused(page: Page, rt5: Target) -> None:
    await at("/Ticket/Create.html?Queue=3")(page, rt5)
    await page.fill("input[name=Subject]", "Invoice sent twice")
    await page.fill(ORDER_NUMBER, "12345")
    await page.click("input[name=SubmitTicket]")


async def basics_refused(page: Page, rt5: Target) -> None:
    await at("/Ticket/Modify.html?id=7")(page, rt5)
    await page.select_option("select[name=Priority]", label="High")
    await page.fill(ORDER_NUMBER, "12345")
    await page.click("input[name=SubmitTicket]")


PAGES: dict[str, Visit] = {
    "login": login,
    "login-refused": login_refused,
    "home": at("/"),
    "results": at("/Search/Results.html?Query=Queue = 'Billing'"),
    "ticket": at("/Ticket/Display.html?id=1"),
    "reply": at("/Ticket/Update.html?id=1&Action=Respond"),
    "create": at("/Ticket/Create.html?Queue=3"),
    "create-refused": create_refused,
    "basics": at("/Ticket/Modify.html?id=1"),
    "basics-refused": basics_refused,
    "jumbo": at("/Ticket/ModifyAll.html?id=1"),
}


async def view_of(browser: Browser, rt5: Target, visit: Visit) -> View:
    """The view of a page, reached in a login of its own (RT remembers the last search of a login)."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = await context.new_page()
        settler = Settler(page, Traffic(page), SettleSettings(window=0.2, limit=15.0))
        await settler.install()
        await visit(page, rt5)
        await page.wait_for_load_state("networkidle")
        rest = await settler.settle()
        assert rest.quiet, f"{page.url} does not come to rest"
        return extract(await capture(page))
    finally:
        await context.close()


@pytest.mark.parametrize("name", PAGES)
def test_view_holds_what_a_person_sees(name: str, rt5: Target, portal: BlockingPortal, agent_browser: Browser) -> None:
    view = portal.call(view_of, agent_browser, rt5, PAGES[name])
    found = compare(read_truth(TRUTH / f"rt5-{name}.json"), view)
    print(f"\n{name}: recall {found.recall:.3f}, precision {found.precision:.3f}", found.model_dump(exclude={"wrong"}))
    for fault in found.wrong:
        print("  ", fault)
    assert found.recall >= 0.98 and found.precision >= 0.95
    assert (found.values, found.options, found.states) == (1.0, 1.0, 1.0)
    assert (found.facts, found.messages, found.cells, found.notices) == (1.0, 1.0, 1.0, 1.0)


def test_truth_files_and_pages_go_together() -> None:
    assert {path.name for path in TRUTH.glob("rt5-*.json")} == {f"rt5-{name}.json" for name in PAGES}


async def _unowned(browser: Browser, rt5: Target, take: bool) -> int:
    """How many tickets the start page offers to take; `take` the first of them."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await sign_in(page, rt5)
        offers = page.get_by_role("link", name="Take", exact=True)
        await offers.first.wait_for()
        count = await offers.count()
        if take:
            await offers.first.click()
            await page.get_by_text("Owner changed from Nobody to agent").first.wait_for()
        return count
    finally:
        await context.close()


def test_reset_gives_a_taken_ticket_back(rt5: Target, portal: BlockingPortal, agent_browser: Browser) -> None:
    before = portal.call(_unowned, agent_browser, rt5, True)
    assert portal.call(_unowned, agent_browser, rt5, False) == before - 1
    rt5.reset()
    assert portal.call(_unowned, agent_browser, rt5, False) == before
