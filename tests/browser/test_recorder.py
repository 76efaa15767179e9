"""What another program does on a page over DevTools, as the recorder tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page, Playwright, async_playwright

from browser.launch import BrowserSettings, launch
from browser.page import CasePage
from browser.recorder import Recorder
from browser.session import find_page, free_port, target_id
from schema_extraction.action import Action, Check, Fill, action_value, target_key
from schema_extraction.view import View
from tests.browser.desk import Desk

pytestmark = pytest.mark.browser
_cases = count(1)
Work = Callable[[Page], Awaitable[None]]


@dataclass
class Booth:
    """Two programs on one browser: `ours` records, `theirs` is the operator's."""

    portal: BlockingPortal
    desk: Desk
    ours: Browser
    theirs: Browser
    steps: list[tuple[View, Action]] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    async def open(self, *sabotage: str) -> tuple[Page, Page, Recorder]:
        context = await self.ours.new_context()
        page = await context.new_page()
        self.pages.append(page)
        await page.goto(f"{self.desk.url}/cases/r{next(_cases)}?{'&'.join(sabotage)}")
        recorder = Recorder(page, self.desk.profile, lambda view, action: self.steps.append((view, action)))
        await recorder.start()
        return page, await find_page(self.theirs, await target_id(page)), recorder

    def record(self, work: Work, *sabotage: str) -> list[tuple[str, str, str | None]]:
        """(type, name of the target, value) of each step while `work` drives the page."""

        async def run() -> None:
            _, other, recorder = await self.open(*sabotage)
            await work(other)
            await recorder.flush()
            await recorder.stop()

        self.portal.call(run)
        return [self.told(action) for _, action in self.steps]

    @staticmethod
    def told(action: Action) -> tuple[str, str, str | None]:
        target = getattr(action, "target", None)
        return action.type, target.name if target else "", action_value(action)


@pytest.fixture(scope="module")
def browsers(portal: BlockingPortal) -> Iterator[tuple[Browser, Browser]]:
    port = free_port()

    async def start() -> tuple[Playwright, Playwright, Browser, Browser]:
        ours, theirs = await async_playwright().start(), await async_playwright().start()
        browser = await launch(ours, BrowserSettings(devtools_port=port))
        return ours, theirs, browser, await theirs.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")

    async def stop() -> None:
        await joined.close()
        await browser.close()
        await theirs.stop()
        await ours.stop()

    ours, theirs, browser, joined = portal.call(start)
    yield browser, joined
    portal.call(stop)


@pytest.fixture
def booth(portal: BlockingPortal, desk: Desk, browsers: tuple[Browser, Browser]) -> Iterator[Booth]:
    made = Booth(portal, desk, *browsers)
    yield made

    async def close() -> None:
        for page in made.pages:
            await page.context.close()

    portal.call(close)


def test_fills_of_every_kind_of_field_are_told_with_the_page_as_it_was_before(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.get_by_label("Order number").fill("ORD-7731")
        await page.get_by_label("Amount").press_sequentially("50.5")
        await page.get_by_label("Date of purchase").fill("2026-03-03")
        await page.get_by_label("Note").fill("two\nlines")
        await page.get_by_label("Discount code").fill("X1")
        await page.frame_locator("iframe").get_by_label("Search").fill("policy")

    assert booth.record(work) == [
        ("fill", "Order number", "ORD-7731"),
        ("fill", "Amount", "50.5"),
        ("fill", "Date of purchase", "2026-03-03"),
        ("fill", "Note", "two\nlines"),
        ("fill", "Discount code", "X1"),
        ("fill", "Search", "policy"),
    ]
    for view, action in booth.steps:
        control = view.control(target_key(action))
        assert control is not None and control.value is not None and control.value.raw == ""
    first = booth.steps[0][1]
    assert isinstance(first, Fill) and first.provenance.source == "fact"


def test_choices_checks_and_clicks_are_told(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.get_by_label("Reason").select_option("Late")
        await page.get_by_label("Store credit").check()
        await page.get_by_label("Notify customer").check()
        await page.get_by_role("switch").click()
        await page.get_by_role("combobox", name="Carrier").press_sequentially("blue")
        await page.get_by_role("option", name="Blue Parcel").click()
        await page.get_by_role("combobox", name="Priority").click()
        await page.get_by_role("option", name="High").click()
        await page.get_by_role("tab", name="History").click()
        await page.frame_locator("iframe").get_by_role("button").click()
        await page.get_by_label("Notify customer").uncheck()

    assert booth.record(work) == [
        ("select", "Reason", "Late"),
        ("select", "Refund to", "Store credit"),
        ("check", "Notify customer", "on"),
        ("check", "Gift", "on"),
        ("select", "Carrier", "Blue Parcel"),
        ("select", "Priority", "High"),
        ("click", "History", None),
        ("click", "Show policy", None),
        ("check", "Notify customer", "off"),
    ]
    for view, action in booth.steps:
        control = view.control(target_key(action))
        assert control is not None
        assert not isinstance(action, Check) or control.checked is not action.checked
        assert control.value is None or control.value.raw == ""
        assert control.expanded is not True


def test_opening_a_list_and_choosing_nothing_is_nothing(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.get_by_role("combobox", name="Priority").click()
        await page.get_by_role("option", name="High").wait_for()
        await page.keyboard.press("Escape")
        await page.get_by_label("Order number").click()
        await page.get_by_role("heading").first.click()

    assert booth.record(work) == []


def test_a_message_is_one_step(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.get_by_role("textbox", name="Reply").fill("We are on it.")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_text("We are on it.").wait_for()
        await page.get_by_role("textbox", name="Reply").press_sequentially("Done.")
        await page.get_by_role("button", name="Send").click()

    assert booth.record(work) == [("send_message", "", "We are on it."), ("send_message", "", "Done.")]
    view = booth.steps[0][0]
    reply = view.part("send_message", "text")
    assert reply is not None and reply.value is not None and reply.value.raw == ""
    assert len(view.messages) == 1


def test_a_message_sent_by_the_enter_key_is_one_step(booth: Booth) -> None:
    async def work(page: Page) -> None:
        reply = page.get_by_role("textbox", name="Reply")
        await reply.press_sequentially("We are")
        await reply.press("Shift+Enter")
        await reply.press_sequentially("on it.")
        await reply.press("Enter")
        await page.get_by_role("log").get_by_text("on it.").wait_for()

    assert booth.record(work, "enter-sends") == [("send_message", "", "We are\non it.")]


def test_closing_is_one_step_and_a_cancelled_dialog_none(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.get_by_label("Resolution").select_option("Refunded")
        await page.get_by_role("button", name="Close case").click()
        await page.get_by_role("button", name="Keep open").click()
        await page.get_by_label("Order number").fill("ORD-1")
        await page.get_by_role("button", name="Close case").click()
        await page.keyboard.press("Escape")
        await page.get_by_role("tab", name="History").click()
        await page.get_by_role("button", name="Close case").click()
        await page.get_by_role("button", name="Yes, close it").click()

    assert booth.record(work) == [
        ("fill", "Order number", "ORD-1"),
        ("click", "History", None),
        ("close_case", "", "Refunded"),
    ]
    assert booth.steps[-1][0].dialog is None


def test_steps_survive_the_navigation_that_they_cause(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.get_by_label("Order number").fill("ORD-7731")
        await page.get_by_label("Order number").press("Enter")
        await page.wait_for_load_state()
        await page.get_by_label("Team").select_option("Fraud")
        await page.get_by_role("button", name="Transfer case").click()
        await page.wait_for_url("**/cases")
        await page.get_by_role("button", name="Reload").click()
        await page.get_by_role("link", name="c1").click()
        await page.get_by_label("Order number").fill("ORD-2")

    assert booth.record(work) == [
        ("fill", "Order number", "ORD-7731"),
        ("click", "Submit task", None),
        ("transfer_case", "", "Fraud"),
        ("fill", "Order number", "ORD-2"),
    ]
    assert booth.steps[-1][0].case_id == "c1"


def test_ignored_controls_and_other_pages_are_not_told(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.get_by_role("link", name="All cases").click()
        await page.goto(f"{booth.desk.url}/login")
        await page.get_by_label("User name").fill("ada")
        await page.get_by_label("Password").fill("right")
        await page.get_by_role("button").click()

    assert booth.record(work) == []


def test_what_a_page_does_by_itself_is_not_told(booth: Booth) -> None:
    async def work(page: Page) -> None:
        await page.evaluate(
            """() => {
              document.getElementById("reason").addEventListener("change", () => {
                const note = document.getElementById("note");
                note.value = "by the page";
                note.dispatchEvent(new Event("input", {bubbles: true}));
                note.dispatchEvent(new Event("change", {bubbles: true}));
              });
              document.getElementById("tab2").addEventListener("click", () => document.getElementById("dead").click());
            }"""
        )
        await page.get_by_label("Reason").focus()
        await page.keyboard.press("ArrowDown")
        await page.get_by_role("tab", name="History").click()

    assert booth.record(work) == [("select", "Reason", "Damaged"), ("click", "History", None)]


def test_pages_opened_later_in_the_same_window_are_recorded_too(booth: Booth) -> None:
    async def run() -> None:
        page, _, recorder = await booth.open()
        second = await page.context.new_page()
        await second.goto(f"{booth.desk.url}/cases/second")
        await second.get_by_label("Order number").fill("ORD-5")
        await recorder.flush()
        await recorder.stop()

    booth.portal.call(run)
    assert [(view.case_id, booth.told(action)[2]) for view, action in booth.steps] == [("second", "ORD-5")]


def test_nothing_is_told_while_paused_nor_of_what_was_begun_then(booth: Booth) -> None:
    async def run() -> None:
        _, other, recorder = await booth.open()
        await other.get_by_label("Order number").press_sequentially("ORD-1")
        await recorder.pause()  # tells what was under way
        await other.get_by_label("Amount").press_sequentially("99")
        await other.get_by_role("tab", name="History").click()
        await other.get_by_label("Note").press_sequentially("half")
        await recorder.resume()
        await other.get_by_label("Notify customer").check()
        await recorder.flush()
        await recorder.stop()
        await other.get_by_label("Notify customer").uncheck()

    booth.portal.call(run)
    assert [booth.told(action) for _, action in booth.steps] == [
        ("fill", "Order number", "ORD-1"),
        ("check", "Notify customer", "on"),
    ]


def test_what_the_hands_do_is_not_recorded_and_what_a_person_does_in_between_is(booth: Booth) -> None:
    async def run() -> None:
        context = await booth.ours.new_context()
        page = CasePage(await context.new_page(), booth.desk.profile)
        booth.pages.append(page.page)
        await page.install()
        page.recorder.on_step = lambda view, action: booth.steps.append((view, action))
        await page.recorder.start()
        await page.open_case(f"r{next(_cases)}")
        other = await find_page(booth.theirs, await target_id(page.page))
        view = await page.view()
        fields = {control.name: control for control in view.controls}
        for name, value in (("Order number", "by agent"), ("Note", "by agent"), ("Discount code", "by agent")):
            await other.get_by_label("Amount").fill(name)
            target = {"key": fields[name].key, "ref": fields[name].ref}
            outcome = await page.perform(await page.view(), Fill.model_validate({"target": target, "value": value}))
            assert outcome.ok
        await page.recorder.flush()

    booth.portal.call(run)
    assert [booth.told(action) for _, action in booth.steps] == [
        ("fill", "Amount", "Order number"),
        ("fill", "Amount", "Note"),
        ("fill", "Amount", "Discount code"),
    ]


def test_the_pages_own_dialogs_are_left_to_the_person(booth: Booth) -> None:
    heard: list[str] = []

    async def work(page: Page) -> None:
        async def answer(dialog: object) -> None:
            heard.append(dialog.message)  # type: ignore[attr-defined]
            await dialog.accept()  # type: ignore[attr-defined]

        page.on("dialog", answer)
        await page.get_by_role("textbox", name="Reply").fill("We are on it.")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_text("We are on it.").wait_for()

    assert booth.record(work, "confirm-send") == [("send_message", "", "We are on it.")]
    assert heard == ["Really send?"]


def test_a_failing_listener_does_not_end_the_recording(booth: Booth) -> None:
    seen: list[str] = []

    async def run() -> None:
        _, other, recorder = await booth.open()

        def fail(view: View, action: Action) -> None:
            seen.append(action.type)
            raise ValueError("not ready")

        recorder.on_step = fail
        await other.get_by_label("Order number").fill("1")
        await other.get_by_label("Notify customer").check()
        await recorder.flush()
        await recorder.stop()

    booth.portal.call(run)
    assert seen == ["fill", "check"]
