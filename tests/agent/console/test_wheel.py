"""The live page in the console: an operator's own browser on one side, a headless session's page on the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page, expect

from agent.settings import TakeoverSettings
from policies.scripted import ScriptedPolicy
from policies.trace import read_steps
from tests.agent.app import TinyApp
from tests.agent.console.screen import point, screen
from tests.agent.console.staffed import Staffed, staffed
from tests.agent.script import OpenGate, settings
from tests.agent.test_takeover import wait_for_amount

pytestmark = pytest.mark.browser
SECONDS = 300


@asynccontextmanager
async def console(browser: Browser, app: TinyApp, run_dir: Path, **changes: Any) -> AsyncIterator[tuple[Staffed, Page]]:
    """A run on case C-1 with its console, and kim's browser on the queue."""
    async with asyncio.timeout(SECONDS):
        policy = ScriptedPolicy(wait_for_amount)
        async with staffed(settings(app, run_dir, **changes), policy, ["C-1"], lambda _: OpenGate()) as run:
            async with screen(browser, run.address, viewport={"width": 1500, "height": 900}) as page:
                yield run, page


async def the_session(run: Staffed) -> str:
    lives = run.runner.worker.lives
    while not any(live.page is not None for live in lives.values()):
        await asyncio.sleep(0.05)
    return next(iter(lives))


def run_it(portal: BlockingPortal, scenario: Callable[[], Awaitable[None]]) -> None:
    portal.call(scenario)


def test_a_headless_session_is_driven_from_the_console_and_given_back(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario() -> None:
        async with console(agent_browser, tiny, run_dir) as (run, page):
            session = await the_session(run)
            await page.goto(f"{run.address}/sessions/{session}/page")
            # At first it is only watched.
            await expect(page.locator("#driver")).to_contain_text("the agent drives")
            await page.locator("#picture[data-pictures]").wait_for()
            await page.get_by_role("button", name="Take over").click()
            await expect(page.locator("#driver")).to_have_text("you drive")
            await page.mouse.click(*await point(run, page, lambda driven: driven.get_by_label("Amount")))
            await page.keyboard.type("12.50")
            await page.mouse.click(*await point(run, page, lambda driven: driven.get_by_label("Method")))
            await page.get_by_role("option", name="Bank").click()
            await page.mouse.click(*await point(run, page, lambda driven: driven.get_by_label("Remark")))
            await page.evaluate("document.getElementById('sink').focus()")
            await page.evaluate(
                """() => { const data = new DataTransfer(); data.setData("text/plain", "größer");
                document.getElementById("sink").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data })); }"""
            )
            (live,) = run.runner.worker.lives.values()
            assert live.page
            await expect(live.page.page.get_by_label("Remark")).to_have_value("größer")
            await expect(live.page.page.get_by_label("Method")).to_have_value("Bank")
            await expect(page.locator("#done")).to_contain_text("Fill 'Amount' with '12.50'.")
            await page.get_by_role("button", name="Give back").click()
            await expect(page.locator("#changes")).to_contain_text("'Amount' holds '12.50'; it held empty.")
            await expect(page.locator("#changes")).to_contain_text("'Method' holds 'Bank'; it held 'Card'.")
            (summary,) = await run.running
            assert summary.status == "completed"
            whats = {entry.what for entry in run.parts.audit.entries(subject=session)}
            assert {"take_over", "give_back"} <= whats

    run_it(portal, scenario)
    assert tiny.decided["C-1"] == {"amount": "12.50", "method": "Bank", "remark": "größer"}
    theirs = [step.action.type for step in read_steps(run_dir / "traces") if step.actor == "operator" and step.action]
    whole = [step.action for step in read_steps(run_dir / "traces") if step.actor == "operator" and step.action]
    assert theirs == ["fill", "select", "fill"], "\n".join(map(str, whole))


def test_another_sites_page_a_stranger_and_a_second_operator_cannot_drive(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario() -> None:
        async with console(agent_browser, tiny, run_dir) as (run, page):
            session = await the_session(run)
            address = f"{run.address.replace('http', 'ws')}/sessions/{session}/wheel"
            closed = """address => new Promise(done => {
              const socket = new WebSocket(address);
              socket.onclose = event => done(event.code);
            })"""
            # The application's page has another origin; the cookie alone does not open the line.
            await page.goto(f"{tiny.base_url}/login")
            assert await page.evaluate(closed, address) == 1006
            await page.goto(f"{run.address}/sessions/{session}/page")
            await run.runner.desk.takeovers.take(session, "lee")
            await expect(page.locator("#driver")).to_have_text("lee drives")
            await expect(page.get_by_role("button", name="Take over")).to_be_hidden()
            told = await page.evaluate(
                """([address, csrf]) => new Promise(done => {
                  const socket = new WebSocket(address);
                  const said = [];
                  const sent = [{kind: "take", csrf}, {kind: "text", text: "x"}, {kind: "nonsense"}];
                  socket.onopen = () => sent.forEach(message => socket.send(JSON.stringify(message)));
                  socket.onmessage = ({data}) => {
                    if (typeof data !== "string" || JSON.parse(data).kind !== "refused") return;
                    said.push(JSON.parse(data).message);
                    if (said.length === 3) done(said);
                  };
                })""",
                [address, await page.evaluate("document.body.dataset.csrf")],
            )
            assert any("'lee' has driven this page" in text for text in told)
            assert any("do not drive" in text for text in told)

    run_it(portal, scenario)


def test_an_operator_whose_tab_is_gone_loses_the_page(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario() -> None:
        async with console(agent_browser, tiny, run_dir, takeover=TakeoverSettings(vanish=20.0)) as (run, page):
            session = await the_session(run)
            await page.goto(f"{run.address}/sessions/{session}/page")
            await page.get_by_role("button", name="Take over").click()
            await expect(page.locator("#driver")).to_have_text("you drive")
            await page.mouse.click(*await point(run, page, lambda driven: driven.get_by_label("Amount")))
            await page.keyboard.type("8")
            (live,) = run.runner.worker.lives.values()
            assert live.page
            await expect(live.page.page.get_by_label("Amount")).to_have_value("8")
            await page.context.close()
            (summary,) = await run.running
            assert summary.status == "completed"
            assert run.runner.desk.takeovers.holder(session) is None

    run_it(portal, scenario)
    assert tiny.decided["C-1"]["amount"] == "8"


def test_a_program_takes_over_works_and_gives_back_with_its_token(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, agent_browser: Browser
) -> None:
    async def scenario() -> None:
        policy = ScriptedPolicy(wait_for_amount)
        async with asyncio.timeout(SECONDS), staffed(settings(tiny, run_dir), policy, ["C-1"], lambda _: OpenGate()) as run:
            session = await the_session(run)
            headers = {"Authorization": f"Bearer {run.tokens['kim']}"}
            other = {"Authorization": f"Bearer {run.tokens['lee']}"}
            path = f"/api/v1/sessions/{session}/takeover"
            async with httpx.AsyncClient(base_url=run.address, headers=headers, timeout=60) as api:
                assert (await api.post(path, headers={"Authorization": "Bearer no"})).status_code == 401
                assert (await api.get(path)).json()["operator"] == ""
                hold = (await api.post(path)).json()
                assert (await api.get(path, headers=other)).json()["operator"] == "kim"
                refused = await api.post(path, headers=other)
                assert refused.status_code == 409 and "'kim' has driven" in refused.json()["message"]
                (live,) = run.runner.worker.lives.values()
                assert live.page
                box = await live.page.page.get_by_label("Amount").bounding_box()
                size = live.page.page.viewport_size
                assert box and size
                press = {"kind": "mouse", "button": "left", "clicks": 1}
                press |= {"x": (box["x"] + 9) / size["width"], "y": (box["y"] + 9) / size["height"]}
                inputs = [press | {"action": "down", "buttons": 1}, press | {"action": "up"}, {"kind": "text", "text": "14.00"}]
                sent = await api.post(f"{path}/input", json={"seat": hold["seat"], "inputs": inputs})
                assert sent.json() == {"sent": 3}
                bad = await api.post(f"{path}/input", json={"seat": hold["seat"], "inputs": [{"kind": "script"}]})
                assert bad.status_code == 422
                stolen = await api.post(f"{path}/input", json={"seat": "ü", "inputs": []})
                assert stolen.status_code == 409
                back = (await api.post(f"{path}/give-back", json={"seat": hold["seat"]})).json()
                assert "'Amount' holds '14.00'; it held empty." in back["changes"]
            (summary,) = await run.running
            assert summary.status == "completed"

    run_it(portal, scenario)
    assert tiny.decided["C-1"]["amount"] == "14.00"
