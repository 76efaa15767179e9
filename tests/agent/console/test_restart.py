"""A console that is started again: its hand-offs wait as before, and a page that stayed open goes on."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, expect

from browser.session import free_port
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from tests.agent.app import TinyApp
from tests.agent.console.screen import screen
from tests.agent.console.staffed import Staffed, staffed
from tests.agent.script import decide_and_close, settings

pytestmark = pytest.mark.browser
SECONDS = 240


def test_no_hand_off_is_lost_and_the_open_page_answers_them_after_the_restart(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    cases, port = ["C-1", "C-2"], free_port()

    def console() -> AbstractAsyncContextManager[Staffed]:
        policy = ScriptedPolicy(decide_and_close)
        return staffed(settings(tiny, run_dir), policy, cases, lambda _: Gate("copilot"), port=port)

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), AsyncExitStack() as stack:
            async with console() as run:
                page = await stack.enter_async_context(screen(agent_browser, run.address))
                await expect(page.locator("[data-card]")).to_have_count(2)
                before = {one.handoff.id for one in run.parts.floor.waiting()}
                first = await page.locator("[data-card]").first.get_attribute("data-card")
                await page.keyboard.press("j")
                await page.get_by_label("Note").fill("half written")
            await page.locator("body[data-line=lost]").wait_for()
            async with console() as run:
                assert {one.handoff.id for one in run.parts.floor.waiting()} == before
                await page.locator("body[data-line=open]").wait_for()
                await expect(page.locator("[data-card]")).to_have_count(2)
                assert await page.get_by_label("Note").input_value() == "half written"
                await page.get_by_role("button", name="Accept").click()
                await run.runner.desk.wait_ended(str(first))
                while not tiny.decided:
                    await asyncio.sleep(0.02)

    portal.call(scenario)
