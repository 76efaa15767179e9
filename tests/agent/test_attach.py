"""Sessions in windows of a person's own browser, which stays theirs."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.desk import Desk
from agent.runner import Runner
from agent.store import CaseSummary
from browser.errors import PageError
from browser.launch import BrowserSettings, find_chromium, launch_args
from browser.session import attached, free_port
from policies.feedback import Verdict
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from policies.trace import read_steps
from tests.agent.app import TinyApp
from tests.agent.script import decide_and_close, settings

pytestmark = pytest.mark.browser
OURS = (
    'JSON.stringify([Symbol.for("casepilot") in globalThis, "casepilotRecord" in globalThis, "casepilotVerdict" in globalThis])'
)


@pytest.fixture
def own_chrome(tmp_path: Path) -> Iterator[str]:
    """A Chromium that a person has started, with nothing of casepilot in it."""
    port = free_port()
    executable = find_chromium(headed=True)
    assert executable is not None
    args = [*launch_args(BrowserSettings(devtools_port=port)), "--headless=new", f"--user-data-dir={tmp_path / 'profile'}"]
    child = subprocess.Popen([executable, *args, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    for line in child.stderr:
        if "DevTools listening" in line:
            break
    try:
        yield f"http://127.0.0.1:{port}"
        assert child.poll() is None, "the person's browser was closed"
    finally:
        child.terminate()
        child.communicate(timeout=30)


def test_a_case_is_worked_in_a_window_beside_those_of_the_person(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, own_chrome: str
) -> None:
    async def scenario() -> tuple[CaseSummary, str, int]:
        async with asyncio.timeout(300), attached(own_chrome, guest=True) as person:
            (own,) = person.contexts[0].pages
            await own.goto(f"{tiny.base_url}/login")
            await own.get_by_label("User name").fill("ann")
            await own.get_by_label("Password").fill(tiny.password)
            await own.get_by_role("button", name="Sign in").click()
            await own.goto(f"{tiny.base_url}/cases/C-2")
            await own.get_by_label("Remark").fill("half a thought")
            desk = Desk()
            chosen = settings(tiny, run_dir, attach=own_chrome, credentials=None)
            async with Runner(chosen, ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
                working = asyncio.create_task(run.run(["C-1"]))
                first = await anext(aiter(desk))
                # The person's own tab is neither recorded nor listened to while they work in it.
                await own.get_by_label("Amount").fill("1")
                page = desk.page(first.id)
                assert page and page.shared
                await page.page.get_by_label("Amount").fill("30.00")
                await page.page.get_by_role("button", name="Submit decision").click()
                await desk.wait_ended(first.id)
                second = await anext(aiter(desk))
                await desk.verdict(second.id, Verdict(kind="accept", operator="kim"))
                (summary,) = await working
            assert await own.get_by_label("Remark").input_value() == "half a thought"
            return summary, await own.evaluate(OURS), len(person.contexts[0].pages)

    summary, ours, tabs = portal.call(scenario)
    assert summary.status == "completed" and tiny.decided["C-1"]["amount"] == "30.00"
    assert ours == "[false,false,false]"
    assert tabs == 1
    assert {step.case_id for step in read_steps(run_dir / "traces")} == {"C-1"}


def test_a_browser_that_is_not_there_is_named(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        endpoint = f"http://127.0.0.1:{free_port()}"
        with pytest.raises(PageError, match="No browser answers at .* Start one with --remote-debugging-port"):
            async with Runner(
                settings(tiny, run_dir, attach=endpoint), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), Desk()
            ):
                pass

    portal.call(scenario)
