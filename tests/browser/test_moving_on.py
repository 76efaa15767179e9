"""Applications that answer what was sent with the way to another page, which takes its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from browser.errors import SignInError
from browser.page import CasePage, PageSettings, new_case_page
from browser.settle import SettleSettings
from schema_extraction.action import Click, Outcome, Target
from schema_extraction.profile import ControlPattern, Login, Profile
from schema_extraction.view import View

pytestmark = pytest.mark.browser
SLOW_SECONDS = 1.0
SIGN_IN = """<h1>Sign in</h1><form method=post action=/login?next=home><label>User <input name=user></label>
<label>Password <input name=password type=password></label><button>Log in</button></form>"""


class _Site(BaseHTTPRequestHandler):
    """Asks for a login on every address, and has its start page at the same address as the login. What is saved leads
    to a slow page."""

    def do_GET(self) -> None:
        if self.path == "/saved":
            time.sleep(SLOW_SECONDS)
        if self.path.startswith("/login"):
            self._page(SIGN_IN)
        elif "user=ada" not in (self.headers.get("Cookie") or ""):
            self._go("/login?next=home")
        else:
            self._page(
                {"/saved": "<p role=status>Saved"}.get(self.path, "<form method=post action=/save><button>Save</button></form>")
            )

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/save":
            self._go("/saved")
        elif "password=right" in said:
            self._go("/", "user=ada; Path=/")
        else:
            self._page("<p role=alert>Wrong password</p>" + SIGN_IN)

    def _go(self, address: str, cookie: str = "") -> None:
        self.send_response(302)
        self.send_header("Location", address)
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self, body: str) -> None:
        content = f"<!doctype html><title>Desk</title><link rel=icon href=data:,>{body}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def page(portal: BlockingPortal, agent_browser: Browser) -> Iterator[CasePage]:
    """A page of the site that gives it less time to come to rest than it takes to answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        login = Login(
            path="/",
            username=ControlPattern(role="textbox", name="User"),
            password=ControlPattern(name="Password"),
            submit=ControlPattern(role="button", name="Log in"),
        )
        profile = Profile(name="site", base_url=f"http://127.0.0.1:{server.server_port}", login=login)
        settings = PageSettings(settle=SettleSettings(limit=SLOW_SECONDS / 3))
        opened = portal.call(new_case_page, agent_browser, profile, None, settings)
        yield opened
        portal.call(opened.close)
        server.shutdown()
        thread.join()


async def save(page: CasePage) -> tuple[Outcome, View]:
    await page.sign_in("ada", "right")
    view = await page.view()
    button = next(control for control in view.controls if control.name == "Save")
    outcome = await page.perform(view, Click(target=Target(key=button.key, role=button.role, name=button.name, ref=button.ref)))
    return outcome, await page.view()


def test_the_page_that_an_answer_leads_to_is_waited_for(portal: BlockingPortal, page: CasePage) -> None:
    outcome, view = portal.call(save, page)
    assert (outcome.result, outcome.message) == ("done", "Saved")
    assert view.path == "/saved"


def test_a_start_page_at_the_address_of_the_login_counts_as_signed_in(portal: BlockingPortal, page: CasePage) -> None:
    portal.call(page.sign_in, "ada", "right")
    portal.call(page.sign_in, "ada", "right")
    assert [control.name for control in portal.call(page.view).controls] == ["Save"]


def test_a_login_at_the_start_page_is_refused_in_the_applications_words(portal: BlockingPortal, page: CasePage) -> None:
    with pytest.raises(SignInError, match="Wrong password"):
        portal.call(page.sign_in, "ada", "wrong")
