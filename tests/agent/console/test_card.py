"""The queue and the card of a hand-off, in an operator's own browser, with an agent that waits for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page, expect

from agent.handoff import Handoff
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from policies.trace import read_steps
from tests.agent.app import TinyApp
from tests.agent.console.staffed import PASSWORD, Staffed, staffed
from tests.agent.script import decide_and_close, settings

pytestmark = pytest.mark.browser
SECONDS = 120
Scenario = Callable[[Staffed, Page], Awaitable[None]]


def work(tiny: TinyApp, run_dir: Path, portal: BlockingPortal, browser: Browser, scenario: Scenario, **console: object) -> None:
    """A copilot run on case C-1, kim signed in to the console beside it."""

    async def run() -> None:
        async with asyncio.timeout(SECONDS):
            policy = ScriptedPolicy(decide_and_close)
            async with staffed(settings(tiny, run_dir), policy, ["C-1"], lambda _: Gate("copilot"), **console) as running:
                context = await browser.new_context(viewport={"width": 1280, "height": 900})
                context.set_default_timeout(60_000)
                page = await context.new_page()
                await page.goto(f"{running.address}/login")
                await page.get_by_label("Name").fill("kim")
                await page.get_by_label("Password").fill(PASSWORD)
                await page.get_by_role("button", name="Sign in").click()
                await page.wait_for_url("**/queue")
                try:
                    await scenario(running, page)
                finally:
                    await context.close()

    portal.call(run)


async def card(run: Staffed, page: Page) -> Handoff:
    """Open the card of the hand-off that waits."""
    while not (waiting := run.parts.floor.waiting()):
        await asyncio.sleep(0.02)
    await page.goto(f"{run.address}/handoffs/{waiting[0].handoff.id}")
    await expect(page.locator("article.handoff")).to_be_visible()
    return waiting[0].handoff


def test_accepts_by_the_keyboard_carry_a_case_to_its_end(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario(run: Staffed, page: Page) -> None:
        while not run.running.done():
            try:
                async with asyncio.timeout(5):
                    handoff = await card(run, page)
            except TimeoutError:
                continue  # no more hand-offs
            await expect(page.locator(".suggested")).to_have_text(handoff.suggestion)
            await page.keyboard.press("a")
            await expect(page.locator(f"article[data-handoff='{handoff.id}'] .actions")).to_have_count(0)
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
        handoff = await card(run, page)
        await page.get_by_label("Reason").select_option("wrong_value")
        await page.get_by_label("Note").fill(hostile[:2000])
        await page.get_by_role("button", name="Reject").click()
        while run.parts.floor.store.handoff(handoff.id)[1] == "open":
            await asyncio.sleep(0.02)
        await page.goto(f"{run.address}/sessions/{handoff.session}")
        assert "owned" not in await page.title()
        told = " ".join(str(entry) for entry in run.parts.audit.entries(who="kim"))
        assert "wrong_value" in told and "onerror" in told
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "the layout does not hold"

    work(tiny, run_dir, portal, agent_browser, scenario)
