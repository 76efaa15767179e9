"""A small support desk over HTTP for the tests of the hands: one case page with every widget, and sabotage on demand.

The page is `/cases/<id>?<sabotage>`; what the application was told is in `Desk.log`.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schema_extraction.profile import Profile

SLOW = 0.4
"""Seconds that the application takes to answer at `/slow`."""

PAGES = Path(__file__).parent / "pages"
STYLE = (PAGES / "desk.css").read_text(encoding="utf-8")

BODY = (PAGES / "case.html").read_text(encoding="utf-8")

SCRIPT = (PAGES / "case.js").read_text(encoding="utf-8")

PROFILE = Profile.model_validate(
    {
        "name": "desk",
        "base_url": "http://127.0.0.1:0",
        "login": {
            "path": "/login",
            "username": {"role": "textbox", "name": "User name"},
            "password": {"role": "textbox", "name": "Password"},
            "submit": {"role": "button", "name": "Sign in"},
        },
        "case": {
            "path": "/cases/{case_id}",
            "id": r"/cases/(\w+)",
            "closed_when": {"fact": "Status", "values": ["Closed"]},
        },
        "messages": {"region": {"name": "Messages"}, "inbound": "Ada Moss|.*inbound.*", "outbound": "Agent|.*outbound.*"},
        "composites": {
            "send_message": [
                {"name": "text", "kind": "value", "control": {"role": "textbox", "name": "Reply"}},
                {"name": "submit", "kind": "click", "control": {"role": "button", "name": "Send"}},
            ],
            "close_case": [
                {"name": "resolution", "kind": "value", "control": {"role": "combobox", "name": "Resolution"}},
                {"name": "submit", "kind": "click", "control": {"role": "button", "name": "Close case"}},
                {"name": "confirm", "kind": "click", "control": {"role": "button", "name": "Yes, close it"}},
            ],
            "transfer_case": [
                {"name": "team", "kind": "value", "control": {"role": "combobox", "name": "Team"}},
                {"name": "submit", "kind": "click", "control": {"role": "button", "name": "Transfer case"}},
            ],
        },
        "ignore": [{"role": "link", "name": "All cases"}],
        "operator_header": "X-Operator",
        "requests_per_second": 1000,
    }
)


@dataclass
class Case:
    status: str = "Open"
    team: str = "Support"
    messages: list[tuple[str, str]] = field(default_factory=lambda: [("Ada Moss", "Hi, my order ORD-7731 came damaged.")])

    def html(self) -> str:
        return "".join(
            f'<article class="{"in" if author == "Ada Moss" else "out"}bound"><b>{author}</b><p>{escape(text)}</p></article>'
            for author, text in self.messages
        )


class Desk:
    """The running desk. `log` holds (path, body) of every POST in order, `operators` the operator header of each."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.log: list[tuple[str, Any]] = []
        self.operators: list[str | None] = []
        self.slow = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.profile = PROFILE.model_copy(update={"base_url": self.url})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def case(self, name: str) -> Case:
        return self.cases.setdefault(name, Case())

    def _handler(desk) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = (
                "HTTP/1.0"  # a connection for each request: a browser sends a lost one again on a kept connection
            )

            def answer(self, body: str, status: int = 200, kind: str = "text/html", **headers: str) -> None:
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(data)

            def page(self, title: str, body: str, script: str = "") -> None:
                head = f"<!doctype html><html lang=en><title>{title}</title><style>{STYLE}</style>"
                self.answer(f"{head}<body>{body}<script>{script}</script></body></html>")

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                parts = path.strip("/").split("/")
                if path == "/login":
                    words = '<p role="alert">Wrong user name or password.</p>' if "wrong" in self.path else ""
                    self.page(
                        "Sign in",
                        f'<h1>Sign in</h1>{words}<form method="post"><label>User name <input name="u"></label>'
                        '<label>Password <input type="password" name="p"></label><button>Sign in</button></form>',
                    )
                elif path == "/kb":
                    self.page(
                        "KB",
                        '<button onclick="this.textContent=1">Show policy</button><label>Search <input></label>',
                    )
                elif path == "/slow":
                    time.sleep(SLOW)
                    self.answer("answer", kind="text/plain")
                elif path == "/orders":
                    self.answer(json.dumps({"found": "Order found"}), kind="application/json")
                elif path == "/cases":
                    self.page("Cases", '<h1>Cases</h1><a href="/cases/c1">c1</a><button>Reload</button>')
                elif parts[0] == "cases" and len(parts) == 3:
                    case = desk.case(parts[1])
                    state = {"status": case.status, "team": case.team, "messages": case.html()}
                    self.answer(json.dumps(state), kind="application/json")
                elif parts[0] == "cases" and len(parts) == 2:
                    case = desk.case(parts[1])
                    body = BODY.replace("{case}", parts[1]).replace("{status}", case.status).replace("{team}", case.team)
                    notice = '<p role="alert">Order number is not known.</p>' if "bad=1" in self.path else ""
                    self.page("Case", notice + body.replace("{messages}", case.html()), SCRIPT)
                elif path == "/broken":
                    self.answer("broken", 500)
                else:
                    self.answer("nothing here", 404)

            def do_POST(self) -> None:
                path = urlsplit(self.path).path
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                form = self.headers.get("Content-Type", "").startswith("application/x-www-form")
                body = {k: v[0] for k, v in parse_qs(raw, keep_blank_values=True).items()} if form else json.loads(raw)
                mode = self.headers.get("X-Mode", "") or urlsplit(self.headers.get("Referer", "")).query
                desk.log.append((path, body))
                desk.operators.append(self.headers.get("X-Operator"))
                parts = path.strip("/").split("/")
                if "slow" in mode:
                    desk.slow.wait(3)
                if path == "/login":
                    good = body["p"] == "right"
                    self.answer("", 303, Location="/cases" if good else "/login?wrong", Set_Cookie="s=1" if good else "s=0")
                    return
                case = desk.case(parts[1])
                if "fail" in mode:
                    self.answer(json.dumps({"error": "Internal error"}), 500, "application/json")
                elif "reject" in mode:
                    self.answer(json.dumps({"error": "Not allowed in this state."}), 409, "application/json")
                elif "hang-up" in mode:
                    self.close_connection = True
                elif parts[2] == "message":
                    case.messages.append(("Agent", body["text"]))
                    self.answer("{}", kind="application/json")
                elif parts[2] == "close":
                    if not body["resolution"]:
                        self.answer(json.dumps({"error": "Choose a resolution."}), 422, "application/json")
                        return
                    case.status = case.status if "ignore-close" in mode else "Closed"
                    self.answer("{}", kind="application/json")
                elif parts[2] == "transfer":
                    case.team = body["team"]
                    self.answer("{}", kind="application/json")
                elif parts[2] == "task":
                    bad = body["order"] == "bad"
                    self.answer("", 303, Location=f"/cases/{parts[1]}" + ("?bad=1" if bad else ""))
                else:
                    self.answer("{}", 404)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Handler
