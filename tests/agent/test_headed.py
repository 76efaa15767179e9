"""Hand-offs inside the page of a browser with a window, on a display of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.desk import Desk
from agent.runner import Runner
from agent.store import CaseSummary
from browser.session import attached, find_page
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from policies.trace import Step, read_steps
from schema_extraction.action import CloseCase
from tests.agent.app import TinyApp
from tests.agent.script import decide_and_close, settings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed: `apt-get install xvfb`"),
]


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A display with nobody before it."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    monkeypatch.setenv("DISPLAY", f":{number}")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield number
    server.terminate()
    server.wait(timeout=30)


def test_the_operator_ignores_the_card_and_works_then_edits_the_next_in_the_card(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, display: str
) -> None:
    async def scenario() -> CaseSummary:
        desk = Desk()
        chosen = settings(tiny, run_dir, headed=True, pictures=False)
        async with asyncio.timeout(240):
            async with Runner(chosen, ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
                working = asyncio.create_task(run.run(["C-1"]))
                first = await anext(aiter(desk))
                async with attached(first.devtools) as person:
                    page = await find_page(person, first.target_id)
                    assert await page.locator("casepilot-overlay").count() == 1
                    # The card says "Press 'Submit decision'"; they correct the amount, and press it themselves.
                    await page.get_by_label("Amount").fill("19.00")
                    await page.get_by_role("button", name="Submit decision").click()
                    await desk.wait_ended(first.id)
                    second = await anext(aiter(desk))
                    await page.locator("casepilot-overlay").wait_for(state="attached")
                    await page.keyboard.press("Alt+E")
                    await page.keyboard.press("ArrowDown")
                    await page.keyboard.press("Enter")
                    await desk.wait_ended(second.id)
                    (summary,) = await working
        return summary

    summary = portal.call(scenario)
    assert (summary.status, summary.critical_operator, summary.critical_supervised) == ("completed", 1, 1)
    assert tiny.decided["C-1"]["amount"] == "19.00" and tiny.closed == {"C-1": "Refused"}
    steps: list[Step] = list(read_steps(run_dir / "traces"))
    verdicts = [(step.verdict.kind, step.verdict.implicit) for step in steps if step.verdict]
    assert verdicts == [("reject", True), ("edit", False)]
    last = [step for step in steps if step.actor == "operator"][-1]
    assert isinstance(last.action, CloseCase) and last.action.resolution == "Refused"
