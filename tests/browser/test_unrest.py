"""The view after an action on pages that are never quite still: neither too early, nor waited for in vain."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from agent.bench.settling import observe
from browser.page import CasePage, PageSettings, new_case_page
from browser.settle import SettleSettings
from browser.traffic import TELEMETRY
from fixtures.pages.unrest import PAGES, UnrestPage, serving
from schema_extraction.action import Click, Outcome, Target
from schema_extraction.profile import Profile
from schema_extraction.view import View

pytestmark = pytest.mark.browser

RUNS = 2
LATEST = 2500.0  # ms after quiet; how soon it really comes is for `agent.bench.settling` to measure


@pytest.fixture(scope="module")
def profile() -> Iterator[Profile]:
    with serving() as url:
        yield Profile.model_validate({"name": "unrest", "base_url": url, "requests_per_second": 1000})


@pytest.mark.parametrize("unrest", PAGES, ids=lambda page: page.name)
def test_the_next_view_shows_what_an_action_has_led_to(
    portal: BlockingPortal, agent_browser: Browser, profile: Profile, unrest: UnrestPage
) -> None:
    page = portal.call(new_case_page, agent_browser, profile)
    try:
        for _ in range(RUNS):
            seen = portal.call(observe, page, unrest)
            assert (seen.stale, seen.outcome, seen.busy) == ("", "done", False)
            assert seen.late < LATEST
    finally:
        portal.call(page.close)


MAKE = """([body, run]) => {
  document.body.innerHTML = body;
  document.body.append(Object.assign(document.createElement("script"), { textContent: run }));
}"""


POLLING = """
  const pause = () => new Promise((resolve) => setTimeout(resolve, 90));
  (async () => { for (;;) { await fetch("/answer"); await pause(); } })();
"""
BY_FRAME = """
  new WebSocket(`ws://${location.host}/live`).onmessage =
    ({ data }) => requestAnimationFrame(() => { rest.textContent = data; });
"""


class Made:
    """A page made of one script, with a button "Go" that runs another, and a paragraph to write into."""

    def __init__(self, portal: BlockingPortal, page: CasePage) -> None:
        self.portal = portal
        self.page = page

    def open(self, going: str, script: str = "", style: str = "") -> View:
        body = f"<style>{style}</style><h1>Case</h1><button id=go>Go</button><p id=said>before</p><div id=rest></div>"
        run = f"{script}; go.onclick = () => {{ {going} }}"

        async def show() -> View:
            await self.page.goto("/redirects-end.html")
            await self.page.page.evaluate(MAKE, [body, run])
            await self.page.page.wait_for_timeout(400)
            return await self.page.view()

        return self.portal.call(show)

    def go(self, view: View) -> tuple[Outcome, View, float]:
        """What came of the button, the view then, and the seconds until it was there."""
        button = next(control for control in view.controls if control.name == "Go")
        target = Target(key=button.key, role=button.role, name=button.name, ref=button.ref)

        async def act() -> tuple[Outcome, View, float]:
            started = time.monotonic()
            outcome = await self.page.perform(view, Click(target=target))
            after = await self.page.view()
            return outcome, after, time.monotonic() - started

        return self.portal.call(act)


@pytest.fixture
def made(portal: BlockingPortal, agent_browser: Browser, profile: Profile) -> Iterator[Made]:
    settings = PageSettings(settle=SettleSettings(limit=2.0))
    page = portal.call(new_case_page, agent_browser, profile, None, settings)
    yield Made(portal, page)
    portal.call(page.close)


def test_what_was_sent_is_waited_for_beyond_the_bound(made: Made) -> None:
    saved = "fetch('/answer?ms=3500', {method: 'PUT'}).then(() => said.textContent = 'ended')"
    _, after, _ = made.go(made.open(f"said.textContent = 'begun'; {saved}"))
    assert "ended" in after.model_dump_json() and not after.busy


def test_at_the_bound_the_view_is_busy_and_no_longer_once_the_page_rests(made: Made) -> None:
    frame = "rest.append(Object.assign(document.createElement('iframe'), { src: '/redirects-end.html?ms=6000' }))"
    outcome, after, _ = made.go(made.open(f"said.textContent = 'begun'; {frame}"))
    assert outcome.ok and after.busy and "begun" in after.model_dump_json()

    async def rested() -> View:
        deadline = time.monotonic() + 20
        view = after
        while view.busy and time.monotonic() < deadline:
            await made.page.changed(2)
            view = await made.page.view()
        return view

    assert not made.portal.call(rested).busy


@pytest.mark.parametrize(
    ("script", "style"),
    [
        ("const tick = () => { rest.textContent = Date.now(); setTimeout(tick, 25) }; tick()", ""),
        (POLLING, ""),
        ("const turn = (t) => { rest.style.transform = `rotate(${t}deg)`; requestAnimationFrame(turn) }; turn(0)", ""),
        ("", "#go:hover { background: red } #go { transition: background 1900ms, box-shadow 1900ms }"),
        (BY_FRAME, ""),
        ("setInterval(() => fetch('/collect', {method: 'POST'}), 300)", ""),
        ("go.addEventListener('click', () => setTimeout(() => said.remove(), 5000))", ""),
    ],
    ids=["ticking", "polling", "turning", "hovering", "drawing", "telling", "toast"],
)
def test_what_does_not_matter_is_not_waited_for(made: Made, script: str, style: str) -> None:
    outcome, after, seconds = made.go(made.open("said.textContent = 'after'", script, style))
    assert outcome.ok and "after" in after.model_dump_json()
    assert not after.busy
    assert seconds < 1.8


@pytest.mark.parametrize(
    "going",
    [
        "setTimeout(() => setTimeout(() => { said.textContent = 'after' }, 200), 300)",
        "setTimeout('said.textContent = \"after\"', 20)",
        "Promise.resolve().then(() => setTimeout(() => { said.textContent = 'after' }, 600))",
        "let n = 0; setInterval(() => { if (++n < 13) said.append('x'); if (n == 12) said.append('after') }, 70)",
        "said.animate([{ opacity: 0 }, { opacity: 1 }], 500).finished.then(() => { said.textContent = 'after' })",
        "fetch('/answer?ms=200').then(() => new Promise(r => setTimeout(r, 250))).then(() => { said.textContent = 'after' })",
        "const x = new XMLHttpRequest(); x.open('GET', '/answer?ms=200'); x.send();"
        "x.onload = () => setTimeout(() => { said.textContent = 'after' }, 200)",
    ],
    ids=["chain", "text", "promise", "typewriter", "animation", "fetch", "xhr"],
)
def test_what_an_action_leads_to_is_waited_for(made: Made, going: str) -> None:
    _, after, _ = made.go(made.open(f"said.textContent = 'begun'; {going}"))
    assert "after" in after.model_dump_json()


def test_telling_an_analyst_is_no_effect(made: Made) -> None:
    outcome, _, _ = made.go(made.open("fetch('/collect', {method: 'POST', body: 'click'})"))
    assert outcome.result == "no_effect"


@pytest.mark.parametrize(
    "path", ["/collect", "/g/collect", "/api/v2/rum", "/api/4507/envelope/", "/v1/telemetry/batch", "/b/ss/x/1"]
)
def test_paths_that_tell_an_analyst(path: str) -> None:
    assert TELEMETRY.search(path)


@pytest.mark.parametrize(
    "path", ["/cases/7/collect", "/api/payments", "/orders/metrics", "/events", "/track/77", "/collections"]
)
def test_paths_that_may_change_the_page(path: str) -> None:
    assert not TELEMETRY.search(path)
