"""A small support desk over HTTP for the tests of the hands: one case page with every widget, and sabotage on demand.

The page is `/cases/<id>?<sabotage>`; what the application was told is in `Desk.log`.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schema_extraction.profile import Profile

STYLE = """
body{font:15px system-ui;margin:24px;max-width:900px} label{display:block;margin:6px 0} [role=listbox]{border:1px solid #999;
margin:0;padding:4px;list-style:none;background:#fff} [role=option]{padding:3px;cursor:pointer} .editor{border:1px solid #999;
min-height:48px;padding:6px} dialog{padding:16px} .cover{position:fixed;inset:0;background:#0003;z-index:9}
"""

BODY = """
<header><nav><a href="/cases">All cases</a></nav></header>
<main>
<h1>Case {case}</h1>
<dl><dt>Status</dt><dd id="status">{status}</dd><dt>Customer</dt><dd>Ada Moss</dd><dt>Order</dt><dd>ORD-7731</dd>
<dt>Team</dt><dd id="team">{team}</dd></dl>
<section aria-label="Conversation" id="conversation">
<div role="log" aria-label="Messages">{messages}</div>
<div class="editor" id="composer" contenteditable="true" role="textbox" aria-multiline="true" aria-label="Reply"></div>
<button id="send" type="button">Send</button>
</section>
<section aria-label="Task">
<form id="task" method="post" action="/cases/{case}/task">
<label>Order number <input name="order" id="order" required></label>
<label>Amount <input name="amount" id="amount" inputmode="decimal"></label>
<label>Date of purchase <input type="date" name="day" id="day"></label>
<label>Note <textarea name="note" id="note"></textarea></label>
<label>Reason <select name="reason" id="reason"><option value="">Choose...</option><option value="d">Damaged</option>
<option value="l">Late</option><option value="x" disabled>Legacy</option></select></label>
<fieldset><legend>Refund to</legend><label><input type="radio" name="to" value="card"> Card</label>
<label><input type="radio" name="to" value="credit"> Store credit</label></fieldset>
<label><input type="checkbox" name="notify" id="notify"> Notify customer</label>
<div><span id="carrier-label">Carrier</span>
<input id="carrier" role="combobox" aria-labelledby="carrier-label" aria-controls="carriers" aria-expanded="false" aria-autocomplete="list" autocomplete="off">
<ul id="carriers" role="listbox" aria-labelledby="carrier-label" hidden></ul></div>
<div id="priority" role="combobox" tabindex="0" aria-label="Priority" aria-haspopup="listbox" aria-controls="priorities" aria-expanded="false">Choose</div>
<ul id="priorities" role="listbox" aria-label="Priority" hidden><li role="option">Low</li><li role="option">Normal</li><li role="option">High</li></ul>
<button type="button" id="lookup">Look up</button> <span id="found"></span>
<button type="submit" id="submit">Submit task</button>
</form>
<shadow-field></shadow-field>
<span role="switch" tabindex="0" id="gift" aria-checked="false" aria-label="Gift">&nbsp;gift&nbsp;</span>
<div role="tablist" aria-label="Views"><button role="tab" aria-selected="true" id="tab1">Summary</button>
<button role="tab" aria-selected="false" id="tab2">History</button></div><div role="tabpanel" id="panel">Summary text</div>
<button type="button" id="dead">Dead</button>
</section>
<section aria-label="Close case">
<label>Resolution <select id="resolution"><option value="">Choose...</option><option>Refunded</option><option>Declined</option></select></label>
<button type="button" id="close">Close case</button>
</section>
<section aria-label="Transfer">
<label>Team <select id="to-team"><option value="">Choose...</option><option>Billing</option><option>Fraud</option></select></label>
<button type="button" id="transfer">Transfer case</button>
</section>
<dialog id="confirm" aria-label="Close this case?"><p>The customer will be told.</p><div id="dialog-alert" role="alert"></div>
<button type="button" id="keep">Keep open</button><button type="button" id="yes">Yes, close it</button></dialog>
<iframe title="Knowledge base" src="/kb" width="400" height="120"></iframe>
<div id="toast" role="alert"></div>
</main>
"""

SCRIPT = """
const sabotage = new Set(location.search.slice(1).split("&"));
const $ = (id) => document.getElementById(id);
const post = (path, data) => fetch(location.pathname + path, {method: "POST", body: JSON.stringify(data), headers: {"X-Mode": location.search}});
class ShadowField extends HTMLElement { connectedCallback() { this.attachShadow({mode: "open"}).innerHTML =
  '<label>Discount code <input id="code"></label>'; } }
customElements.define("shadow-field", ShadowField);

const refresh = async () => { const text = await (await fetch(location.pathname + "/state")).json();
  $("status").textContent = text.status; $("team").textContent = text.team;
  document.querySelector("[role=log]").innerHTML = text.messages; };
$("send").onclick = async () => { if (sabotage.has("swallow-send")) return;
  if (sabotage.has("confirm-send") && !confirm("Really send?")) return;
  const text = $("composer").innerText.trim(); if (!text) return;
  const answer = await post("/message", {text});
  if (!answer.ok) { $("toast").textContent = (await answer.json()).error; return; }
  $("composer").textContent = ""; if (!sabotage.has("late")) await refresh(); else setTimeout(refresh, 700); };
$("close").onclick = () => { if (sabotage.has("no-dialog")) return; $("confirm").showModal(); };
$("keep").onclick = () => $("confirm").close();
$("yes").onclick = async () => { const answer = await post("/close", {resolution: $("resolution").value});
  if (!answer.ok) { $("dialog-alert").textContent = (await answer.json()).error; return; } $("confirm").close(); await refresh(); };
$("transfer").onclick = async () => { await post("/transfer", {team: $("to-team").value}); location.href = "/cases"; };
$("lookup").onclick = async () => { if (sabotage.has("alert")) { alert("Order system is down"); return; }
  const r = await (await fetch("/orders")).json(); $("found").textContent = r.found; };
$("tab2").onclick = () => { $("tab1").setAttribute("aria-selected", "false"); $("tab2").setAttribute("aria-selected", "true");
  $("panel").textContent = "History text"; };
$("gift").onclick = () => { if (!sabotage.has("revert")) $("gift").setAttribute("aria-checked", $("gift").getAttribute("aria-checked") !== "true"); };

const carriers = ["Northwind Post", "Blue Parcel", "Swift Air"];
const listCarriers = () => { const typed = $("carrier").value.toLowerCase(); $("carriers").innerHTML = "";
  for (const name of carriers.filter((n) => n.toLowerCase().includes(typed) || carriers.includes($("carrier").value))) {
    const item = document.createElement("li"); item.setAttribute("role", "option"); item.textContent = name;
    item.onmousedown = (e) => e.preventDefault();
    item.onclick = () => { $("carrier").value = sabotage.has("revert") ? "" : name; hideCarriers(); }; $("carriers").append(item); }
  $("carriers").hidden = false; $("carrier").setAttribute("aria-expanded", "true"); };
const hideCarriers = () => { $("carriers").hidden = true; $("carrier").setAttribute("aria-expanded", "false"); };
let timer; $("carrier").oninput = () => { clearTimeout(timer); timer = setTimeout(listCarriers, 120); };
$("carrier").onkeydown = (e) => { if (e.key === "Escape") hideCarriers(); }; $("carrier").onblur = hideCarriers;
const toggle = (open) => { $("priorities").hidden = !open; $("priority").setAttribute("aria-expanded", open); };
$("priority").onclick = () => setTimeout(() => toggle($("priorities").hidden), 60);
$("priority").onkeydown = (e) => { if (e.key === "Escape") toggle(false); };
for (const item of $("priorities").children) item.onclick = () => { if (!sabotage.has("revert")) $("priority").textContent = item.textContent; toggle(false); };

if (sabotage.has("revert")) { for (const id of ["order", "note", "reason", "notify"]) $(id).addEventListener("change", () => setTimeout(() => {
  $(id).value = ""; $(id).checked = false; }, 5)); $("composer").addEventListener("input", () => { $("composer").textContent = ""; }); }
if (sabotage.has("radio-revert")) document.querySelectorAll("[name=to]").forEach((r) => r.addEventListener("change", () => { r.checked = false; }));
if (sabotage.has("disabled")) setTimeout(() => { $("submit").disabled = true; $("order").disabled = true; });
if (sabotage.has("cover")) document.body.insertAdjacentHTML("beforeend", '<div class="cover"></div>');
if (sabotage.has("mask")) $("order").addEventListener("input", () => { const d = $("order").value.replace(/\\D/g, "");
  $("order").value = d.length > 3 ? `(${d.slice(0, 3)}) ${d.slice(3, 6)}-${d.slice(6)}` : d; });
if (sabotage.has("keys-only")) $("note").addEventListener("input", (e) => { if (!$("note").dataset.keyed) $("note").value = ""; });
if (sabotage.has("keys-only")) $("note").addEventListener("keydown", (e) => { if (e.key.length === 1) $("note").dataset.keyed = "1"; });
if (sabotage.has("clock")) setInterval(() => { $("found").textContent = String(Date.now()); }, 15);
if (sabotage.has("rival")) $("dead").addEventListener("click", () => setTimeout(() => document.querySelector("[role=log]").insertAdjacentHTML(
  "beforeend", '<article class="inbound"><b>Ada Moss</b><p>Hello? Anybody there?</p></article>'), 20));
if (sabotage.has("unload")) addEventListener("beforeunload", (e) => e.preventDefault());
"""

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
            f'<article class="{"inbound" if author == "Ada Moss" else "outbound"}"><b>{author}</b><p>{escape(text)}</p></article>'
            for author, text in self.messages
        )


class Desk:
    """The running desk. `log` holds (path, body) of every POST in order, `operators` the operator header of each."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.log: list[tuple[str, Any]] = []
        self.operators: list[str | None] = []
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

    def _handler(desk) -> type[BaseHTTPRequestHandler]:  # noqa: N805
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
                        '<button id="more" onclick="this.textContent=\'Shown\'">Show policy</button><label>Search <input id=q></label>',
                    )
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
