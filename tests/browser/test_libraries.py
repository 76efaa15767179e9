"""Widgets as libraries make them: the hands work them, and what a person does with mouse and keyboard is told as one step on
the control of the view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser import capture
from browser.page import CasePage
from browser.recorder import Recorder
from schema_extraction.action import Action, Outcome, Select, Target, action_value
from schema_extraction.profile import Profile
from schema_extraction.view import View

pytestmark = pytest.mark.browser
PROFILE = Profile(name="page", base_url="http://page.test")
Work = Callable[[Page], Awaitable[None]]

# A select without looks, with a button and a list drawn beside it, as bootstrap-select does.
DRAWN_SELECT = """<div><label for=s>Status</label><div class=drawn style=position:relative>
<select id=s style="position:absolute;opacity:0;width:1px;height:1px;padding:0;border:0"><option>new<option>open<option>stalled
</select>
<button type=button role=combobox aria-haspopup=listbox aria-owns=l aria-expanded=false>new</button>
<ul id=l role=listbox hidden><li><a role=option>new</a><li><a role=option>open</a><li><a role=option>stalled</a></ul>
</div></div>
<script>
  const [box, list, native] = ["button", "#l", "#s"].map((found) => document.querySelector(found));
  box.onclick = () => { list.hidden = !list.hidden; box.setAttribute("aria-expanded", String(!list.hidden)); };
  list.onclick = (event) => {
    box.textContent = native.value = event.target.textContent;
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    native.dispatchEvent(new Event("change", { bubbles: true }));
  };
</script>"""
# Radio buttons drawn over by labels that stand beside them, as Bootstrap does.
LABELS_BESIDE = """<fieldset><legend>Channel</legend>
<div><input type=radio name=c id=a checked style="position:absolute;opacity:0"><label for=a>E-mail</label></div>
<div><input type=radio name=c id=b style="position:absolute;opacity:0"><label for=b>Phone</label></div></fieldset>"""
# An editor that writes the page of its own frame, as CKEditor 4 does.
WRITTEN_FRAME = """<iframe title=Reply></iframe><button type=button>Send</button><script>
  const inner = document.querySelector("iframe").contentDocument;
  inner.open();
  inner.write("<!doctype html><title>Reply</title><body contenteditable=true aria-label=Reply role=textbox></body>");
  inner.close();
</script>"""


# A list of `li`, the first of them empty, as Material Components for the Web make it: every `li` has a number for a value.
EMPTY_CHOICE = """<div role=combobox aria-label=Priority aria-haspopup=listbox aria-controls=m aria-expanded=false>Low</div>
<ul role=listbox id=m hidden><li role=option></li><li role=option>Low</li><li role=option>High</li></ul><script>
  const [box, list] = ["[role=combobox]", "#m"].map((found) => document.querySelector(found));
  const open = (is) => { list.hidden = !is; box.setAttribute("aria-expanded", String(is)); };
  box.onclick = () => open(list.hidden);
  list.onclick = (event) => { box.textContent = event.target.textContent; open(false); };
</script>"""


async def choose(page: Page) -> None:
    await page.get_by_role("button").or_(page.locator("button[role=combobox]")).click()
    await page.locator("a[role=option]", has_text="stalled").click()


async def press_label(page: Page) -> None:
    await page.get_by_text("Phone").click()


async def write(page: Page) -> None:
    await page.frame_locator("iframe").locator("body").click()
    await page.keyboard.type("We pay it back.")
    await page.get_by_role("button", name="Send").click()


@pytest.mark.parametrize(
    ("body", "work", "told"),
    [
        (DRAWN_SELECT, choose, [("select", "Status", "stalled")]),
        (LABELS_BESIDE, press_label, [("select", "Channel", "Phone")]),
        (WRITTEN_FRAME, write, [("fill", "Reply", "We pay it back."), ("click", "Send", None)]),
    ],
    ids=["a select drawn over", "labels beside radio buttons", "an editor that writes its frame"],
)
def test_a_persons_entry_is_one_step(
    portal: BlockingPortal, agent_page: Page, body: str, work: Work, told: list[tuple[str, str, str | None]]
) -> None:
    steps: list[tuple[View, Action]] = []

    async def record() -> None:
        await capture.install(agent_page)
        recorder = Recorder(agent_page, PROFILE, lambda view, action: steps.append((view, action)))
        await recorder.start()
        await agent_page.set_content(f"<!doctype html><title>Page</title>{body}")
        await work(agent_page)
        await recorder.flush()
        await recorder.stop()

    portal.call(record)
    found = [(action.type, getattr(getattr(action, "target", None), "name", ""), action_value(action)) for _, action in steps]
    assert found == told


def test_an_empty_choice_among_others_is_no_hindrance(portal: BlockingPortal, agent_page: Page) -> None:
    async def select(page: CasePage, option: str) -> Outcome:
        view = await page.view()
        box = next(control for control in view.controls if control.role == "combobox")
        return await page.perform(
            view, Select(target=Target(key=box.key, role=box.role, name=box.name, ref=box.ref), option=option)
        )

    async def work() -> tuple[Outcome, str, Outcome]:
        page = CasePage(agent_page, PROFILE)
        await page.install()
        await agent_page.set_content(f"<!doctype html><title>Page</title>{EMPTY_CHOICE}")
        return await select(page, "High"), await agent_page.inner_text("[role=combobox]"), await select(page, "1")

    chosen, shown, missing = portal.call(work)
    assert (chosen.result, shown) == ("done", "High")
    assert (missing.result, "offers 'Low', 'High'." in missing.message) == ("not_sent", True)
