"""What an operator does with a hand-off, from their own browser down to the records of the practice application."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, expect

from agent.handoff import Ending, Handoff
from schema_extraction.action import SendMessage, action_value
from tests.agent.console.practice import practising
from tests.agent.console.screen import go, point, ready, screen
from tests.agent.console.staffed import Staffed

pytestmark = pytest.mark.browser
SECONDS = 240
FINDS = ("Order ID", "Account ID, e-mail or phone")
"""What the fields that find a customer are named."""


@pytest.fixture(scope="module")
def run(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """Six cases of the practice BPM with the console beside them; each test takes hand-offs of its own."""
    with portal.wrap_async_context_manager(practising(tmp_path_factory.mktemp("practice"))) as staffed:
        yield staffed


async def waits(run: Staffed, wanted: Callable[[Handoff], bool] = lambda _: True) -> Handoff:
    """A hand-off that nobody has, as soon as there is one like this."""
    while True:
        for one in run.parts.floor.waiting():
            if not one.operator and one.handoff.proposal and wanted(one.handoff):
                return one.handoff
        await asyncio.sleep(0.05)


def presses(handoff: Handoff) -> bool:
    return handoff.suggestion == "Press 'Complete task'."


def finds(handoff: Handoff) -> bool:
    """The step that looks a customer up: later steps are also completed, on pages without its field."""
    return presses(handoff) and any(control.name in FINDS for control in handoff.view.controls)


def writes(handoff: Handoff) -> bool:
    return handoff.proposal is not None and isinstance(handoff.proposal.action, SendMessage)


async def ended(run: Staffed, id: str) -> Ending:
    await run.runner.desk.wait_ended(id)
    ending = run.runner.store.ending(id)
    assert ending
    return ending


def recorded(run: Staffed, question: str, *given: str) -> list[tuple[object, ...]]:
    """What the application itself has on record."""
    db = sqlite3.connect(run.runner.settings.run_dir.parent / "bpm.sqlite")
    try:
        return db.execute(question, given).fetchall()
    finally:
        db.close()


def test_an_accept_is_carried_out_in_the_application(run: Staffed, portal: BlockingPortal, agent_browser: Browser) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), screen(agent_browser, run.address) as page:
            handoff = await waits(run, presses)
            await go(page, f"{run.address}/handoffs/{handoff.id}")
            await expect(page.locator(".suggested")).to_have_text(handoff.suggestion)
            await page.locator(".shot img").wait_for()
            await page.keyboard.press("a")
            ending = await ended(run, handoff.id)
            assert ending.verdict and (ending.verdict.kind, ending.verdict.operator) == ("accept", "kim")
            done = "select count(*) from audit where case_id = ? and operator = 'kim' and status < 400"
            while recorded(run, done, handoff.case_id) != [(1,)]:
                await asyncio.sleep(0.05)

    portal.call(scenario)


def test_a_reply_is_edited_and_the_customer_gets_what_the_operator_wrote(
    run: Staffed, portal: BlockingPortal, agent_browser: Browser
) -> None:
    words = "Good day. What is your account ID, please?"

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), screen(agent_browser, run.address) as page:
            handoff = await waits(run, writes)
            await go(page, f"{run.address}/handoffs/{handoff.id}")
            await page.keyboard.press("e")
            box = page.get_by_label("Reply")
            await expect(box).to_be_focused()
            await page.keyboard.press("Control+A")
            await page.keyboard.type(words)
            await expect(page.locator(".counter")).to_have_text(f"{len(words)} characters")
            await page.keyboard.press("Control+Enter")
            ending = await ended(run, handoff.id)
            assert ending.verdict and ending.verdict.kind == "edit" and ending.verdict.edited
            assert action_value(ending.verdict.edited) == words
            sent = "select count(*) from messages where case_id = ? and text = ?"
            while recorded(run, sent, handoff.case_id, words) != [(1,)]:
                await asyncio.sleep(0.05)

    portal.call(scenario)


def test_i_will_do_it_leads_to_the_live_page_and_giving_back_shows_what_changed(
    run: Staffed, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), screen(agent_browser, run.address) as page:
            handoff = await waits(run, finds)
            (field,) = [c for c in handoff.view.controls if c.name in FINDS]
            await go(page, f"{run.address}/handoffs/{handoff.id}")
            await page.keyboard.press("t")
            await page.wait_for_url(f"**/sessions/{handoff.session}/page")
            await expect(page.locator("#driver")).to_have_text("you drive")
            await page.locator("#picture[data-pictures]").wait_for()
            await page.mouse.click(*await point(run, page, lambda driven: driven.get_by_label(field.name), handoff.session))
            await page.keyboard.press("Control+A")
            await page.keyboard.type("A-1")
            await page.keyboard.press("Tab")
            await expect(page.locator("#done")).to_contain_text("'A-1'")
            await page.get_by_role("button", name="Give back").click()
            await expect(page.locator("#changes")).to_contain_text(f"'{field.name}' holds 'A-1'")
            ending = await ended(run, handoff.id)
            assert (ending.kind, ending.operator) == ("given_back", "kim")
            assert [action_value(one.action) for one in ending.actions] == ["A-1"]
            # The agent goes on from the page as it is now: what it hands off next is another step.
            following = await waits(run, lambda one: one.session == handoff.session)
            assert following.id != handoff.id

    portal.call(scenario)


def test_of_two_operators_in_two_browsers_one_wins_and_the_other_is_told(
    run: Staffed, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario() -> None:
        async with (
            asyncio.timeout(SECONDS),
            screen(agent_browser, run.address, "kim") as kims,
            screen(agent_browser, run.address, "lee") as lees,
        ):
            handoff = await waits(run)
            for page in (kims, lees):
                await go(page, f"{run.address}/handoffs/{handoff.id}")
                await ready(page, handoff.id)
            await asyncio.gather(*(page.keyboard.press("a") for page in (kims, lees)))
            ending = await ended(run, handoff.id)
            loser = lees if ending.operator == "kim" else kims
            await expect(loser.locator(f"article[data-handoff='{handoff.id}'] .alert")).to_contain_text("has ended")
            answers = run.parts.db.execute("SELECT operator FROM answers WHERE handoff = ?", (handoff.id,)).fetchall()
            assert [row["operator"] for row in answers] == [ending.operator]

    portal.call(scenario)
