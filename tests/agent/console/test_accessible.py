"""axe-core on every page of the console, light and dark."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page

from fixtures.targets.errors import UnavailableError
from fixtures.targets.packages import npm_package
from schema_extraction.action import SendMessage
from tests.agent.console.office import AMOUNT, METHOD, SUBMIT, office
from tests.agent.console.screen import go, screen

pytestmark = pytest.mark.browser
SECONDS = 300
PACKAGE, VERSION = "axe-core", "4.11.0"
LETTER = SendMessage(text="Good day, Ann. " + "Your money is on its way. " * 9)
ACTIONS = ((SUBMIT, AMOUNT), (METHOD,), (AMOUNT,), (LETTER, SUBMIT), (SUBMIT, METHOD, AMOUNT))
"""A button with a form before it, a choice, a number, a text of several lines, and several alternatives."""


@pytest.fixture(scope="module")
def axe() -> str:
    try:
        return (npm_package(PACKAGE, VERSION) / "axe.min.js").read_text(encoding="utf-8")
    except UnavailableError as error:
        pytest.skip(str(error))


async def violations(page: Page, axe: str) -> list[str]:
    """What axe finds on the page as it is now, serious or critical."""
    await page.evaluate(axe)
    found: list[dict[str, Any]] = await page.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{page.url} {one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    tmp_path: Path, portal: BlockingPortal, agent_browser: Browser, axe: str, scheme: Literal["light", "dark"]
) -> None:
    async def scenario() -> list[str]:
        found: list[str] = []
        async with asyncio.timeout(SECONDS), office(tmp_path, undo_seconds=60.0) as desk, desk.served() as address:
            ids = [desk.hand_off(f"C-{number}-aaaaaaaa", *actions) for number, actions in enumerate(ACTIONS, start=1)]
            async with desk.client("kim") as kim, desk.client("lee") as lee:
                await kim.post(f"/api/v1/handoffs/{ids[0]}/verdict", json={"kind": "accept"})
                await lee.post(f"/api/v1/handoffs/{ids[1]}/claim")
                await kim.post(f"/api/v1/handoffs/{ids[2]}/verdict", json={"kind": "reject", "reason": "other"})
            async with screen(agent_browser, address, "sam", color_scheme=scheme, reduced_motion="reduce") as page:
                live = "/sessions/C-1-aaaaaaaa/page"
                for path in ("/queue", "/sessions", "/sessions/C-1-aaaaaaaa", live, "/supervision", "/audit"):
                    await go(page, address + path)
                    found += await violations(page, axe)
                for id in ids:
                    await go(page, f"{address}/handoffs/{id}")
                    found += await violations(page, axe)
                await page.keyboard.press("r")
                await page.get_by_label("Reason").select_option("other")
                found += await violations(page, axe)
                await page.keyboard.press("Escape")
                await page.keyboard.press("?")
                await page.get_by_role("dialog", name="Keys").wait_for()
                found += await violations(page, axe)
                await page.keyboard.press("Escape")
                desk.parts.db.execute("UPDATE logins SET seen = seen - 100000")
                await page.keyboard.press("a")
                await page.get_by_role("dialog", name="Your login has ended").wait_for()
                found += await violations(page, axe)
                await page.goto(f"{address}/login")
                found += await violations(page, axe)
        return found

    assert portal.call(scenario) == []
