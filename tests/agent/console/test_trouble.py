"""What goes wrong while an operator answers: nothing is lost, nothing is doubled, and they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page, expect

from tests.agent.console.office import AMOUNT, SUBMIT, Office, office
from tests.agent.console.screen import go, ready, screen
from tests.agent.console.staffed import PASSWORD
from tests.agent.console.wire import Wire, wire

pytestmark = pytest.mark.browser
SECONDS = 300
Scenario = Callable[[Office, Page, Wire], Awaitable[None]]


@pytest.fixture
def console(tmp_path: Path, portal: BlockingPortal, agent_browser: Browser) -> Callable[..., None]:
    """Runs a scenario with the console over hand-offs of sessions that nobody runs, and kim's browser on its queue."""

    def run(scenario: Scenario, **settings: object) -> None:
        async def work() -> None:
            chosen = {"undo_seconds": 0.0} | settings
            async with (
                asyncio.timeout(SECONDS),
                office(tmp_path, **chosen) as desk,
                desk.served() as address,
                wire(address) as line,
            ):
                async with screen(agent_browser, line.address) as page:
                    await scenario(desk, page, line)

        portal.call(work)

    return run


async def sign_in_again(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="Your login has ended")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in").click()
    await dialog.wait_for(state="hidden")


def test_a_login_that_ends_in_the_middle_of_a_verdict_costs_nothing(console: Callable[..., None]) -> None:
    async def scenario(desk: Office, page: Page, line: Wire) -> None:
        id = desk.hand_off("C-1-aaaaaaaa", AMOUNT)
        await go(page, f"{line.address}/handoffs/{id}")
        await page.get_by_label("Amount").fill("26.50")
        await page.get_by_label("Note").fill("not finished")
        desk.parts.db.execute("UPDATE logins SET seen = seen - 100000")
        await page.get_by_role("button", name="Enter").click()
        await expect(page.get_by_role("dialog", name="Your login has ended")).to_be_visible()
        assert desk.sent == []
        await sign_in_again(page)
        await desk.desk.wait_ended(id)
        (ending,) = desk.sent
        assert ending.verdict and ending.verdict.edited and getattr(ending.verdict.edited, "value", "") == "26.50"
        # The page hears of what happens as before.
        another = desk.hand_off("C-2-bbbbbbbb")
        await page.locator(f"[data-card='{another}']").wait_for()

    console(scenario)


def test_a_login_that_was_renewed_in_another_window_serves_this_one_too(console: Callable[..., None]) -> None:
    async def scenario(desk: Office, page: Page, line: Wire) -> None:
        id = desk.hand_off()
        await go(page, f"{line.address}/handoffs/{id}")
        await page.get_by_label("Reason").select_option("other")
        other = await page.context.new_page()
        desk.parts.db.execute("UPDATE logins SET seen = seen - 100000")
        await other.goto(f"{line.address}/login")
        await other.get_by_label("Name").fill("kim")
        await other.get_by_label("Password").fill(PASSWORD)
        await other.get_by_role("button", name="Sign in").click()
        await other.wait_for_url("**/queue")
        await page.get_by_role("button", name="Reject").click()
        await expect(page.locator(".toast")).to_contain_text("Rejected.")

    console(scenario)


def test_the_line_breaks_and_nothing_is_missed_or_doubled(console: Callable[..., None]) -> None:
    async def scenario(desk: Office, page: Page, line: Wire) -> None:
        first = desk.hand_off("C-1-aaaaaaaa")
        await go(page, f"{line.address}/handoffs/{first}")
        line.cut()
        await page.locator("body[data-line=lost]").wait_for()
        await expect(page.get_by_text("connection lost, trying again")).to_be_visible()
        missed = desk.hand_off("C-2-bbbbbbbb")
        await page.keyboard.press("a")
        await expect(page.locator(".toast.bad")).to_contain_text("No answer from the console.")
        assert desk.sent == []
        line.mend()
        await page.locator("body[data-line=open]").wait_for()
        await expect(page.locator(f"[data-card='{missed}']")).to_have_count(1)
        await expect(page.locator("[data-card]")).to_have_count(2)
        # The answer arrives, and the line breaks before the console's own does.
        line.mute()
        await page.keyboard.press("a")
        await line.heard.wait()
        await desk.desk.wait_ended(first)
        line.cut()
        await expect(page.locator(".toast.bad")).to_contain_text("No answer from the console.")
        line.mend()
        await expect(page.locator(f"article[data-handoff='{first}'] .alert")).to_contain_text("has ended")
        await expect(page.locator("[data-card]")).to_have_count(1)
        await page.keyboard.press("a")
        await page.keyboard.press("j")
        await ready(page, missed)
        assert len(desk.sent) == 1

    console(scenario)


def test_hostile_and_huge_texts_run_nothing_and_break_no_layout(console: Callable[..., None]) -> None:
    async def scenario(desk: Office, page: Page, line: Wire) -> None:
        id = desk.hand_off()
        await page.reload()
        for width in (1280, 1024, 768, 390):
            await page.set_viewport_size({"width": width, "height": 800})
            for path in (f"/handoffs/{id}", "/sessions", "/sessions/C-1-aaaaaaaa"):
                await go(page, line.address + path)
                parts = "[document.documentElement, ...document.querySelectorAll('#card, #queue')]"
                wide = await page.evaluate(f"{parts}.map(part => part.scrollWidth - part.clientWidth)")
                assert max(wide) <= 0, (path, width, wide)
                assert await page.evaluate("window.hit") is None
        # The policy of the page itself would stop it, too.
        refused = "new Promise(done => { document.addEventListener('securitypolicyviolation', e => done(e.violatedDirective));"
        refused += " document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit=1\">'); })"
        assert "script-src" in await page.evaluate(refused)
        assert await page.evaluate("window.hit") is None

    console(scenario)


def test_a_wrong_type_is_refused_where_it_was_entered_and_kept_to_be_corrected(console: Callable[..., None]) -> None:
    async def scenario(desk: Office, page: Page, line: Wire) -> None:
        id = desk.hand_off("C-1-aaaaaaaa", AMOUNT)
        await go(page, f"{line.address}/handoffs/{id}")
        amount = page.get_by_label("Amount")
        # The field itself takes numbers in its range only ...
        await amount.fill("501")
        await page.keyboard.press("Enter")
        assert await amount.evaluate("input => input.validity.rangeOverflow")
        # ... and the console does not rely on that.
        await amount.evaluate("input => { input.type = 'text'; input.value = 'a lot'; }")
        await page.get_by_role("button", name="Enter").click()
        await expect(page.locator(".toast.bad")).to_contain_text("'Amount' takes a number from 0 to 500, met 'a lot'.")
        await expect(amount).to_have_attribute("aria-invalid", "true")
        await expect(amount).to_be_focused()
        assert await amount.input_value() == "a lot" and desk.sent == []
        await amount.fill("12.00")
        await page.get_by_role("button", name="Enter").click()
        await desk.desk.wait_ended(id)

    console(scenario)


def test_an_accepted_critical_action_is_taken_back_before_it_leaves(console: Callable[..., None]) -> None:
    async def scenario(desk: Office, page: Page, line: Wire) -> None:
        id, other = desk.hand_off("C-1-aaaaaaaa", SUBMIT), desk.hand_off("C-2-bbbbbbbb", SUBMIT)
        await go(page, f"{line.address}/handoffs/{id}")
        await page.keyboard.press("a")
        await ready(page, other)
        await expect(page.locator(".toast")).to_contain_text("Accepted C-1. It leaves in")
        await page.keyboard.press("u")
        await ready(page, id)
        await expect(page.get_by_text("Taken back. It is still yours.")).to_be_visible()
        assert desk.sent == [] and desk.parts.answers.held(id) is None
        assert desk.store.handoff(id)[1] != "ended"
        # Once more; the page is loaded anew, and it still can be taken back on the card itself.
        await page.keyboard.press("a")
        await ready(page, other)
        await go(page, f"{line.address}/handoffs/{id}")
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name="Accept")).to_be_visible()
        assert desk.sent == []

    console(scenario, undo_seconds=60.0)
