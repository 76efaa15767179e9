"""When a page counts as at rest, and when it counts as changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser.errors import PageError
from browser.settle import Rest, Settler
from browser.traffic import Traffic
from tests.browser.desk import Desk

pytestmark = pytest.mark.browser


@pytest.fixture
def settler(portal: BlockingPortal, agent_page: Page) -> Iterator[Settler]:
    async def make() -> Settler:
        made = Settler(agent_page, Traffic(agent_page))
        await made.install()
        return made

    yield portal.call(make)


def settled(portal: BlockingPortal, settler: Settler, html: str, script: str = "", limit: float = 5.0) -> tuple[Rest, str]:
    """Load `html`, run `script`, settle; how it ended, and the text of the body then."""

    async def run() -> tuple[Rest, str]:
        await settler.page.set_content(html)
        await settler.settle()
        if script:
            await settler.page.evaluate(script)
        rest = await settler.settle(limit)
        return rest, await settler.page.inner_text("body")

    return portal.call(run)


def test_a_quiet_page_is_at_rest_at_once(portal: BlockingPortal, settler: Settler) -> None:
    async def run() -> float:
        await settler.page.set_content("<p>still</p>")
        await settler.settle()
        times = []
        for _ in range(10):
            started = time.monotonic()
            assert (await settler.settle()).quiet
            times.append(time.monotonic() - started)
        return min(times)

    assert portal.call(run) < 0.06


def test_a_chain_of_changes_is_waited_for(portal: BlockingPortal, settler: Settler) -> None:
    chain = """() => {
      let n = 0;
      const step = () => {
        document.body.append(document.createElement("i"));
        if (++n < 8) setTimeout(step, 10);
        else document.body.append("end");
      };
      step();
    }"""
    rest, text = settled(portal, settler, "<p>a</p>", chain)
    assert rest.quiet and "end" in text


def test_a_request_by_script_and_what_it_draws_are_waited_for(portal: BlockingPortal, settler: Settler, desk: Desk) -> None:
    async def run() -> str:
        await settler.page.goto(f"{desk.url}/cases")
        await settler.settle()
        await settler.page.evaluate("() => { fetch('/slow').then(r => r.text()).then(t => document.body.append(t)) }")
        assert (await settler.settle()).quiet
        return await settler.page.inner_text("body")

    assert "answer" in portal.call(run)


def test_what_can_be_done_meanwhile_is_done_once_while_an_answer_is_still_to_come(
    portal: BlockingPortal, settler: Settler, desk: Desk
) -> None:
    """The request begins after the wait has begun, on a page that is still until the answer is there."""
    asked = "() => { setTimeout(() => fetch('/slow').then(r => r.text()).then(t => document.body.append(t)), 5) }"

    async def run() -> tuple[list[str], str]:
        texts = []

        async def meanwhile() -> None:
            texts.append(await settler.page.inner_text("body"))

        await settler.page.goto(f"{desk.url}/cases")
        assert (await settler.settle(meanwhile=meanwhile)).quiet
        texts.clear()
        await settler.page.evaluate(asked)
        assert (await settler.settle(meanwhile=meanwhile)).quiet
        return texts, await settler.page.inner_text("body")

    texts, after = portal.call(run)
    assert ["answer" in text for text in texts] == [False]
    assert "answer" in after


def test_a_navigation_is_followed_to_its_end(portal: BlockingPortal, settler: Settler, desk: Desk) -> None:
    async def run() -> str:
        await settler.page.goto(f"{desk.url}/login")
        await settler.page.evaluate("() => { setTimeout(() => { location.href = '/cases' }) }")
        assert (await settler.settle()).quiet
        return settler.page.url

    assert portal.call(run).endswith("/cases")


def test_a_visible_busy_mark_is_waited_for(portal: BlockingPortal, settler: Settler) -> None:
    work = "() => setTimeout(() => { document.querySelector('div').setAttribute('aria-busy', 'false') }, 300)"
    rest, _ = settled(portal, settler, "<div aria-busy=true>working</div>", f"({work})()", limit=5)
    assert rest.quiet
    rest, _ = settled(portal, settler, "<div>x</div>", "document.querySelector('div').ariaBusy = 'true'", limit=0.3)
    assert not rest.quiet


def test_a_page_that_never_rests_is_given_up_at_the_bound(portal: BlockingPortal, settler: Settler) -> None:
    started = time.monotonic()
    grow = "() => { setInterval(() => document.body.append('x'), 5) }"
    rest, _ = settled(portal, settler, "<p>a</p>", grow, limit=0.5)
    assert not rest.quiet
    assert time.monotonic() - started < 8


def test_a_clock_or_spinner_does_not_keep_the_page_from_resting(portal: BlockingPortal, settler: Settler) -> None:
    spin = "() => { let n = 0; setInterval(() => { document.querySelector('p').textContent = String(n++); }, 10) }"
    rest, _ = settled(portal, settler, "<p>0</p>", spin, limit=3)
    assert rest.quiet


def test_an_event_stream_or_a_hanging_image_is_not_waited_for(portal: BlockingPortal, settler: Settler, desk: Desk) -> None:
    async def run() -> Rest:
        release = asyncio.Event()

        async def never(route) -> None:  # type: ignore[no-untyped-def]
            await release.wait()
            await route.abort()

        await settler.page.route("**/never*", never)
        await settler.page.goto(f"{desk.url}/cases")
        await settler.page.evaluate(
            "() => { new EventSource('/never'); const i = new Image(); i.src = '/never.png'; document.body.append(i) }"
        )
        rest = await settler.settle(2)
        release.set()
        return rest

    assert portal.call(run).quiet


@pytest.mark.parametrize("seconds", [0.3, 30.0], ids=["comes", "never comes"])
def test_a_font_is_waited_for_but_not_for_long(portal: BlockingPortal, settler: Settler, desk: Desk, seconds: float) -> None:
    asked = """() => {
      const face = new FontFace("Icons", "url(/icons.woff2)");
      document.fonts.add(face);
      face.load().catch(() => 0);
    }"""

    async def run() -> tuple[Rest, float, tuple[str, ...]]:
        release = asyncio.Event()

        async def font(route) -> None:  # type: ignore[no-untyped-def]
            with suppress(TimeoutError):
                await asyncio.wait_for(release.wait(), seconds)
            await route.abort()

        await settler.page.route("**/icons.woff2", font)
        await settler.page.goto(f"{desk.url}/cases")
        await settler.settle()
        before = await settler.stamp()
        started = time.monotonic()
        await settler.page.evaluate(asked)
        rest = await settler.settle(4)
        release.set()
        return rest, time.monotonic() - started, before

    rest, took, before = portal.call(run)
    assert rest.quiet
    assert (0.25 if seconds < 1 else 0.9) < took < 3.5
    assert (rest.stamp != before) == (seconds < 1)


def test_the_stamp_changes_with_the_dom_the_fields_and_shadow_roots_and_only_then(
    portal: BlockingPortal, settler: Settler
) -> None:
    async def run() -> list[bool]:
        await settler.page.set_content("<p>a</p><input value=1><x-a></x-a>")
        await settler.page.evaluate("document.querySelector('x-a').attachShadow({mode: 'open'}).innerHTML = '<i>in</i><input>'")
        found = []
        for script in (
            "0",
            "document.querySelector('p').textContent = 'b'",
            "document.querySelector('input').value = '2'",
            "document.querySelector('x-a').shadowRoot.querySelector('i').textContent = 'out'",
            "document.querySelector('x-a').shadowRoot.querySelector('input').value = '3'",
            "document.body.append(document.createElement('casepilot-overlay'))",
        ):
            before = (await settler.settle()).stamp
            await settler.page.evaluate(script)
            found.append(await settler.stamp() != before)
        return found

    assert portal.call(run) == [False, True, True, True, True, False]


def test_changed_waits_for_a_change_or_a_navigation(portal: BlockingPortal, settler: Settler, desk: Desk) -> None:
    async def run() -> list[bool]:
        await settler.page.goto(f"{desk.url}/login")
        found = []
        for script in (
            "0",
            "setTimeout(() => document.body.append('x'), 100)",
            "setTimeout(() => location.href = '/cases', 50)",
        ):
            stamp = (await settler.settle()).stamp
            await settler.page.evaluate(f"() => {{ {script} }}")
            found.append(await settler.changed(stamp, 0.3 if script == "0" else 5))
        return found

    assert portal.call(run) == [False, True, True]


def test_a_page_that_is_gone_is_an_error(portal: BlockingPortal, settler: Settler) -> None:
    async def run() -> None:
        await settler.page.close()
        await settler.settle()

    with pytest.raises(PageError, match="Open it again|open it again"):
        portal.call(run)
