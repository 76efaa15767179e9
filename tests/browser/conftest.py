"""A support desk to act on, and a case page of it driven from the test's own thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page

from browser.capture import install
from browser.page import CasePage, PageSettings, new_case_page
from schema_extraction.action import Action, Outcome, Target
from schema_extraction.profile import Profile
from schema_extraction.view import Control, View
from tests.browser.bad_site import BadSite
from tests.browser.desk import Case, Desk
from tests.browser.reader import Reader
from tests.browser.visitor import SETTINGS, Visitor

_cases = count(1)


class Driver:
    """A case page on a case of its own, with every call carried into the portal's loop."""

    def __init__(self, portal: BlockingPortal, page: CasePage, desk: Desk, case_id: str) -> None:
        self.portal = portal
        self.page = page
        self.desk = desk
        self.case_id = case_id

    def view(self) -> View:
        return self.portal.call(self.page.view)

    def control(self, name: str) -> Control:
        return next(control for control in self.view().controls if control.name == name)

    def target(self, name: str) -> Target:
        control = self.control(name)
        return Target(key=control.key, role=control.role, name=control.name, ref=control.ref)

    def perform(self, action: Action, view: View | None = None) -> Outcome:
        return self.portal.call(self.page.perform, view or self.view(), action)

    def script(self, source: str) -> object:
        return self.portal.call(self.page.page.evaluate, source)

    def value(self, name: str) -> str:
        held = self.control(name).value
        return held.raw if held else ""

    @property
    def case(self) -> Case:
        return self.desk.case(self.case_id)

    @property
    def sent(self) -> list[tuple[str, object]]:
        """What the application was told about this case: (last word of the path, body)."""
        return [(path.rsplit("/", 1)[1], body) for path, body in self.desk.log if f"/{self.case_id}/" in path]


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    running = Desk()
    yield running
    running.close()


OpenCase = Callable[..., Driver]


@pytest.fixture
def open_case(portal: BlockingPortal, agent_browser: Browser, desk: Desk) -> Iterator[OpenCase]:
    """Opens a new case: `open_case("sabotage", ...)`."""
    opened: list[CasePage] = []

    def start(*sabotage: str, settings: PageSettings = PageSettings()) -> Driver:
        case_id = f"t{next(_cases)}"
        page = portal.call(new_case_page, agent_browser, desk.profile, None, settings)
        opened.append(page)
        portal.call(page.goto, f"/cases/{case_id}?{'&'.join(sabotage)}")
        return Driver(portal, page, desk, case_id)

    yield start
    for page in opened:
        portal.call(page.close)


@pytest.fixture
def reader(portal: BlockingPortal, agent_page: Page) -> Reader:
    agent_page.set_default_timeout(5000)
    portal.call(install, agent_page)
    return Reader(portal, agent_page)


@pytest.fixture(scope="module")
def bad_site() -> Iterator[BadSite]:
    running = BadSite()
    yield running
    running.close()


@pytest.fixture
def visit(portal: BlockingPortal, agent_browser: Browser, bad_site: BadSite) -> Iterator[Visitor]:
    profile = Profile(name="bad", base_url=bad_site.url, requests_per_second=1000)
    page = portal.call(new_case_page, agent_browser, profile, None, SETTINGS)
    yield Visitor(portal, page, bad_site)
    portal.call(page.close)
