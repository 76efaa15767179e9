"""The queue and the card of a hand-off, in an operator's own browser, with an agent that waits for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page, Route, expect

from agent.handoff import Handoff
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from policies.trace import read_steps
from schema_extraction.action import Provenance, SendMessage, action_value
from tests.agent.app import TinyApp
from tests.agent.console.office import Office, office
from tests.agent.console.screen import go, live, ready, screen
from tests.agent.console.staffed import Staffed, staffed
from tests.agent.script import decide_and_close, settings

pytestmark = pytest.mark.browser
SECONDS = 300
Scenario = Callable[[Staffed, Page], Awaitable[None]]


def work(tiny: TinyApp, run_dir: Path, portal: BlockingPortal, browser: Browser, scenario: Scenario, **console: object) -> None:
    """A copilot run on case C-1, kim signed in to the console beside it."""

    async def run() -> None:
        async with asyncio.timeout(SECONDS):
            policy = ScriptedPolicy(decide_and_close)
            async with staffed(settings(tiny, run_dir), policy, ["C-1"], lambda _: Gate("copilot"), **console) as running:
                async with screen(browser, running.address) as page:
                    await scenario(running, page)

    portal.call(run)


async def handed_off(run: Staffed) -> Handoff | None:
    """The hand-off that waits, as soon as there is one; None when the run is over."""
    while not (waiting := run.parts.floor.waiting()):
        if run.running.done():
            return None
        await asyncio.sleep(0.02)
    return waiting[0].handoff


def test_accepts_by_the_keyboard_carry_a_case_to_its_end(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario(run: Staffed, page: Page) -> None:
        while (handoff := await handed_off(run)) is not None:
            await go(page, f"{run.address}/handoffs/{handoff.id}")
            await expect(page.locator(".suggested")).to_have_text(handoff.suggestion)
            await page.keyboard.press("a")
            await expect(page.locator(f"article[data-handoff='{handoff.id}'] .actions")).to_have_count(0)
            await run.runner.desk.wait_ended(handoff.id)
        (summary,) = await run.running
        assert summary.status == "completed"

    work(tiny, run_dir, portal, agent_browser, scenario)
    verdicts = [(step.verdict.kind, step.verdict.operator) for step in read_steps(run_dir / "traces") if step.verdict]
    assert verdicts and set(verdicts) == {("accept", "kim")}
    assert tiny.closed["C-1"]


def test_a_reject_carries_its_reason_and_hostile_words_run_nothing(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    hostile = "<img src=x onerror=document.title='owned'>" + "w" * 5000

    async def scenario(run: Staffed, page: Page) -> None:
        handoff = await handed_off(run)
        assert handoff
        await go(page, f"{run.address}/handoffs/{handoff.id}")
        await page.get_by_label("Reason").select_option("wrong_value")
        await page.get_by_label("Note").fill(hostile[:2000])
        await page.get_by_role("button", name="Reject").click()
        while not any(entry.what == "reject" for entry in run.parts.audit.entries(subject=handoff.id)):
            await asyncio.sleep(0.02)
        told = " ".join(str(entry) for entry in run.parts.audit.entries(who="kim"))
        assert "wrong_value" in told and "onerror" in told
        await go(page, f"{run.address}/sessions/{handoff.session}")
        assert "owned" not in await page.title()
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "the layout does not hold"

    work(tiny, run_dir, portal, agent_browser, scenario)


def at_the_office(
    folder: Path, portal: BlockingPortal, browser: Browser, scenario: Callable[[Office, Page, str], Awaitable[None]]
) -> None:
    """The console over hand-offs of sessions that nobody runs, kim's browser on the queue, and its address."""

    async def run() -> None:
        async with asyncio.timeout(SECONDS), office(folder, undo_seconds=0.0) as desk, desk.served() as address:
            async with screen(browser, address) as page:
                await scenario(desk, page, address)

    portal.call(run)


def test_a_long_message_among_the_alternatives_is_read_whole_before_it_is_taken(
    tmp_path: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    text = "First line.\n" + "Please send it again, Ann, with the number. " * 20 + "w" * 200 + " The end."

    async def scenario(desk: Office, page: Page, address: str) -> None:
        drafted = SendMessage(text=text, provenance=Provenance(source="generated"))
        id = desk.hand_off("C-1-aaaaaaaa", SendMessage(text="Hello."), drafted)
        await go(page, f"{address}/handoffs/{id}")
        choice = page.get_by_role("button", name="what the language model wrote")
        assert text in (await choice.inner_text())
        assert await choice.evaluate("box => box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight")
        await page.keyboard.press("1")
        await desk.desk.wait_ended(id)
        (ending,) = desk.sent
        assert ending.verdict and ending.verdict.edited and action_value(ending.verdict.edited) == text

    at_the_office(tmp_path, portal, agent_browser, scenario)


def test_what_is_being_entered_outlives_what_happens_to_the_card(
    tmp_path: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario(desk: Office, page: Page, address: str) -> None:
        id = desk.hand_off()
        await go(page, f"{address}/handoffs/{id}")
        await page.get_by_label("Reason").select_option("preferred_another_way")
        await page.get_by_label("Method").select_option("Bank")
        note = page.get_by_label("Note")
        await note.fill("as agreed by phone")
        await note.evaluate("input => input.setSelectionRange(3, 9)")
        # Another operator takes it: the card says so, and takes nothing away.
        async with desk.client("lee") as lee:
            await lee.post(f"/api/v1/handoffs/{id}/claim")
            await expect(page.get_by_text("lee has this hand-off.")).to_be_visible()
            assert await note.evaluate("input => [input.value, input.selectionStart, input.selectionEnd]") == [
                *("as agreed by phone", 3, 9)
            ]
            assert await note.evaluate("input => input === document.activeElement")
            await lee.post(f"/api/v1/handoffs/{id}/release")
        await expect(page.get_by_role("button", name="Accept")).to_be_visible()
        assert await page.get_by_label("Reason").input_value() == "preferred_another_way"
        assert await page.get_by_label("Method").input_value() == "Bank"
        assert await note.evaluate("input => input === document.activeElement")
        await page.keyboard.type("!")
        assert await note.input_value() == "as ! by phone"
        await page.get_by_role("button", name="Reject").click()
        while not any(entry.what == "reject" for entry in desk.parts.audit.entries(subject=id)):
            await asyncio.sleep(0.02)
        (entry,) = [entry for entry in desk.parts.audit.entries(subject=id) if entry.what == "reject"]
        assert (entry.detail["reason"], entry.detail["note"]) == ("preferred_another_way", "as ! by phone")

    at_the_office(tmp_path, portal, agent_browser, scenario)


def test_a_key_pressed_before_the_next_card_is_seen_answers_no_card(
    tmp_path: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario(desk: Office, page: Page, address: str) -> None:
        first, second = desk.hand_off("C-1-aaaaaaaa"), desk.hand_off("C-2-bbbbbbbb")
        let = asyncio.Event()

        async def slow(route: Route) -> None:
            await let.wait()
            await route.continue_()

        await go(page, f"{address}/handoffs/{first}")
        await page.route(f"**/handoffs/{second}", slow)
        await page.keyboard.press("a")
        await page.locator(f"#card[aria-busy=true] article[data-handoff='{first}']").wait_for()
        await page.keyboard.press("a")
        await expect(page.locator(".toast", has_text="Not done")).to_be_visible()
        let.set()
        await ready(page, second)
        assert [ending.operator for ending in desk.sent] == ["kim"] and desk.store.handoff(second)[1] == "waiting"
        # A key that is held down answers nothing either.
        await page.evaluate(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', repeat: true, bubbles: true}))"
        )
        await page.keyboard.press("a")
        await expect(page.get_by_text("Nothing else waits for you.")).to_be_visible()
        assert len(desk.sent) == 2

    at_the_office(tmp_path, portal, agent_browser, scenario)


def test_the_card_that_was_asked_for_last_is_the_one_that_stays(
    tmp_path: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario(desk: Office, page: Page, address: str) -> None:
        first, second = desk.hand_off("C-1-aaaaaaaa"), desk.hand_off("C-2-bbbbbbbb")
        let = asyncio.Event()

        async def slow(route: Route) -> None:
            await let.wait()
            await route.continue_()

        await go(page, f"{address}/queue")
        await page.route(f"**/handoffs/{first}", slow)
        await page.keyboard.press("j")
        await page.locator("#card[aria-busy=true]").wait_for()
        await page.keyboard.press("j")
        await ready(page, second)
        async with page.expect_response(f"**/handoffs/{first}"):
            let.set()
        await live(page)
        await expect(page.locator("article")).to_have_attribute("data-handoff", second)
        assert page.url.endswith(second)

    at_the_office(tmp_path, portal, agent_browser, scenario)
