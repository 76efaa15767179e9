"""The benchmark of reading: its pages are what they say, and the view of one is complete."""

from __future__ import annotations

from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from agent.bench.extract import complete
from agent.bench.pages import FIELDS, support_case
from browser import capture
from schema_extraction.extract import extract
from schema_extraction.view import View


def test_pages_are_the_same_for_the_same_seed_and_have_their_rows() -> None:
    page = support_case(7)
    assert page == support_case(7) != support_case(7, seed=2)
    assert page.html.count("<tr>") == 8
    assert sum(control.role not in ("button", "link") and not control.secret for control in page.controls) == FIELDS


def test_the_view_of_a_generated_page_is_complete(portal: BlockingPortal, agent_browser: Browser) -> None:
    made = support_case(12)

    async def read() -> View:
        page = await agent_browser.new_page()
        await page.set_content(made.html)
        view = extract(await capture.capture(page))
        await page.close()
        return view

    view = portal.call(read)
    found = complete(made, view)
    assert (found.recall, found.precision, found.values, found.options, found.states) == (1.0,) * 5, found
    assert found.rows_told and made.secret not in view.model_dump_json()


def test_what_a_view_lacks_is_named(portal: BlockingPortal) -> None:
    made = support_case(0)
    empty = complete(made, View.model_validate({"path": "/", "today": "2026-03-02"}))
    assert empty.recall == 0.0 and len(empty.missing) == len(made.controls)
