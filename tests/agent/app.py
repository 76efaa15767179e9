"""A tiny case application, served on loopback: two steps a case, a login, and a record of who changed what."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml

from schema_extraction.profile import Profile, load_profile

PROFILE = {
    "name": "tiny",
    "login": {
        "path": "/login",
        "username": {"role": "textbox", "name": "User name"},
        "password": {"name": "Password"},
        "submit": {"role": "button", "name": "Sign in"},
    },
    "work_list": {"path": "/work"},
    "case": {"path": "/cases/{case_id}", "id": r"/cases/(C-\d+)", "closed_when": {"fact": "Status", "values": ["Closed"]}},
    "messages": {"region": {"role": "log", "name": "Conversation"}, "inbound": "inbound", "outbound": "outbound"},
    "composites": {
        "close_case": [
            {"name": "resolution", "kind": "value", "control": {"role": "combobox", "name": "Resolution"}},
            {"name": "submit", "kind": "click", "control": {"role": "button", "name": "Close case"}},
        ]
    },
    "critical": [{"role": "button", "name": "Submit decision"}],
    "slice": {"fact": "Process"},
    "operator_header": "X-Acting-Operator",
    "requests_per_second": 100,
}


@dataclass
class Change:
    """One state-changing request: which, by whose account, in which operator's name, with what."""

    case_id: str
    what: str
    operator: str
    values: dict[str, str]


@dataclass
class TinyApp:
    """`decided`: case id -> the decision's values. `refuse_login`: every login fails. `down`: cases answer 500.
    `hold`: submissions are carried out, but their answer waits until this event is set."""

    base_url: str = ""
    password: str = "tiny"
    cases: list[str] = field(default_factory=lambda: ["C-1", "C-2", "C-3"])
    decided: dict[str, dict[str, str]] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    down: bool = False
    reject_amount: str = ""
    hold: threading.Event | None = None
    held: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def profile(self, folder: Path | None = None) -> Profile:
        data = {**PROFILE, "base_url": self.base_url}
        if folder is not None:
            (folder / "tiny.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
            return load_profile(folder / "tiny.yaml")
        return Profile.model_validate(data)

    def record(self, change: Change) -> None:
        with self.changed:
            self.changes.append(change)
            self.changed.notify_all()

    def case_page(self, case_id: str, alert: str = "") -> str:
        status = "Closed" if case_id in self.closed else "Open"
        more = f"<dt>Log</dt><dd>{html.escape(self.facts[case_id])}</dd>" if case_id in self.facts else ""
        facts = f"<dl><dt>Status</dt><dd>{status}</dd><dt>Process</dt><dd>Refund</dd><dt>Order</dt><dd>O-77</dd>{more}</dl>"
        talk = '<div role="log" aria-label="Conversation"><div class="inbound"><b>Ann</b> <p>I want 25.50 back.</p></div></div>'
        warning = f'<p role="alert">{html.escape(alert)}</p>' if alert else ""
        if case_id in self.closed:
            form = f"<p>Closed as {html.escape(self.closed[case_id])}.</p>"
        elif case_id in self.decided:
            form = (
                f'<form method="post" action="/cases/{case_id}/close"><label>Resolution <select name="resolution">'
                "<option value=''>Choose</option><option>Refunded</option><option>Refused</option></select></label>"
                "<button>Close case</button></form>"
            )
        else:
            form = (
                f'<form method="post" action="/cases/{case_id}/submit"><label>Amount <input name="amount"></label>'
                '<label>Remark <input name="remark"></label>'
                '<label>Method <select name="method"><option>Card</option><option>Bank</option></select></label>'
                "<button>Submit decision</button></form>"
            )
        return _page(f"Case {case_id}", facts + talk + warning + f"<h2>Task</h2>{form}")


def _page(title: str, body: str) -> str:
    return f"<!doctype html><html lang='en'><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>"


def _handler(app: TinyApp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/favicon.ico":
                self._answer(404, "")
            elif path == "/login":
                self._answer(200, self._login_page())
            elif "signed=yes" not in self.headers.get("Cookie", ""):
                self._redirect("/login")
            elif path == "/work":
                links = "".join(f'<li><a href="/cases/{case}">{case}</a></li>' for case in app.cases if case not in app.closed)
                self._answer(200, _page("Work", f"<ul>{links}</ul>"))
            elif app.down:
                self._answer(500, _page("Error", "<p>down</p>"))
            elif path.startswith("/cases/") and path.removeprefix("/cases/") in app.cases:
                self._answer(200, app.case_page(path.removeprefix("/cases/")))
            else:
                self._answer(404, _page("Not found", ""))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            values = {key: value[0] for key, value in parse_qs(self.rfile.read(length).decode()).items()}
            path = urlsplit(self.path).path
            if path == "/login":
                if values.get("password") == app.password:
                    self._redirect("/work", cookie="signed=yes; Path=/")
                else:
                    self._answer(200, self._login_page("Wrong user name or password."))
                return
            _, _, case_id, what = path.split("/")
            operator = self.headers.get("X-Acting-Operator", "")
            if what == "submit" and app.reject_amount and values.get("amount") == app.reject_amount:
                self._answer(200, app.case_page(case_id, alert="Amount is too high."))
                return
            if what == "submit":
                app.decided[case_id] = values
            else:
                app.closed[case_id] = values.get("resolution", "")
            app.record(Change(case_id, what, operator, values))
            if app.hold is not None:
                app.held.set()
                app.hold.wait(30)
            self._redirect(f"/cases/{case_id}")

        def _login_page(self, alert: str = "") -> str:
            warning = f'<p role="alert">{alert}</p>' if alert else ""
            return _page(
                "Sign in",
                f'{warning}<form method="post" action="/login"><label>User name <input name="username"></label>'
                '<label>Password <input type="password" name="password"></label><button>Sign in</button></form>',
            )

        def _redirect(self, where: str, cookie: str = "") -> None:
            self.send_response(303)
            self.send_header("Location", where)
            if cookie:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except BrokenPipeError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serving(app: TinyApp) -> Iterator[TinyApp]:
    """Serve `app` on a free loopback port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(app))
    server.daemon_threads = True
    server.block_on_close = False
    app.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
