"""Profiles drafted from third-party applications pass their own check, and say what a person needs to add."""

from __future__ import annotations

from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser
from pydantic import SecretStr

from agent.profiling.check import Checked, check
from agent.profiling.draft import Drafted, draft
from agent.profiling.written import written
from agent.settings import Credentials
from fixtures.targets.errors import UnavailableError
from fixtures.targets.target import Target
from fixtures.targets.viewflow import running_viewflow
from schema_extraction.profile import parse_profile

pytestmark = pytest.mark.browser


async def both(browser: Browser, target: Target) -> tuple[Drafted, Checked]:
    """A draft, and what comes of checking the file that is written from it."""
    account = Credentials(username=target.user, password=SecretStr(target.password))
    made = await draft(browser, target.url, account, pictures=False)
    text = written(made.profile, made.notes)
    assert target.password not in text
    return made, await check(browser, parse_profile(text, "draft"), account)


def failed(tested: Checked) -> list[str]:
    return [f"{one.field}: {one.found} {one.todo}" for one in tested.findings if one.level == "fail"]


def test_request_tracker(portal: BlockingPortal, agent_browser: Browser, rt5: Target) -> None:
    made, tested = portal.call(both, agent_browser, rt5)
    assert failed(tested) == []
    profile = made.profile
    assert profile.case is not None and profile.case.path == "/Ticket/Display.html?id={case_id}"
    assert profile.case_id("http://x/Ticket/Update.html?Action=Respond&id=7") == "7"
    assert profile.case.closed_when is not None and profile.case.closed_when.values == ("resolved", "rejected")
    assert profile.composites["send_message"][-1].control.name == "Update Ticket"
    assert profile.messages is None and any("entries" in note for note in made.notes["messages"])
    assert profile.slice is not None and profile.slice.fact == "Category"


def test_viewflow(portal: BlockingPortal, agent_browser: Browser, tmp_path: Path) -> None:
    try:
        with running_viewflow(tmp_path) as target:
            made, tested = portal.call(both, agent_browser, target)
    except UnavailableError as error:
        pytest.skip(str(error))
    assert failed(tested) == []
    profile = made.profile
    assert profile.login is not None and profile.login.path == "/accounts/login/"
    assert profile.case is not None and profile.case.path == "/support/{case_id}/"
    assert profile.case_id("http://x/support/6/triage/16/execute/") == "6"
    assert {pattern.name for pattern in profile.critical} == {"Assign and continue", "Assign"}
    assert any(note.startswith("composites: not found") for note in made.open)
