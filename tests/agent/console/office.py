"""The console over a run without agents or browser: what is sent to sessions is only written down."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from agent.console.app import create_app
from agent.console.parts import Parts, with_runner
from agent.console.serving import ConsoleServer
from agent.console.settings import ConsoleSettings
from agent.desk import Desk
from agent.handoff import Ending, Handoff
from agent.settings import TakeoverSettings
from agent.store import Store
from agent.takeover import Takeovers
from policies.proposal import Decision, Proposal
from policies.trace import Step
from schema_extraction.action import Action, Click, Fill, Provenance, Select, Target
from schema_extraction.view import Control, Fact, Format, Message, Option, Value, View
from tests.agent.console.staffed import PASSWORD, accounts_at

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit=1'> \u202e" + "w" * 3000
VIEW = View(
    path="/cases/C-1",
    title="Case C-1",
    case_id="C-1",
    slice="Refund",
    today=date(2026, 5, 4),
    controls=(
        Control(ref="e1", key="amount", role="spinbutton", name="Amount", format=Format(type="number", min="0", max="500")),
        Control(ref="e2", key="day", role="textbox", name="Day", format=Format(type="date")),
        Control(
            ref="e3",
            key="method",
            role="combobox",
            name="Method",
            options=(Option(label="Card", value="c", selected=True), Option(label="Bank", value="b")),
        ),
        Control(ref="e6", key="remark", role="textbox", name="Remark", hint="For colleagues.", format=Format(max_length=200)),
        Control(ref="e7", key="urgent", role="checkbox", name="Urgent", checked=False),
        Control(ref="e4", key="submit", role="button", name="Submit", critical=True),
        Control(ref="e5", key="refuse", role="button", name="Refuse", critical=True),
    ),
    facts=(Fact(key="due", label="Reply by", value=Value(raw="4 May", kind="date", date=date(2026, 5, 4))),),
    messages=(
        Message(author="Ann", direction="inbound", text=HOSTILE),
        Message(author="Ann", direction="inbound", text="25.50"),
    ),
)


def target(key: str) -> Target:
    control = VIEW.control(key)
    assert control
    return Target(key=key, role=control.role, name=control.name, ref=control.ref)


SUBMIT = Click(target=target("submit"))
AMOUNT = Fill(target=target("amount"), value="25.50", provenance=Provenance(source="message", where="1", span=(0, 5)))
METHOD = Select(target=target("method"), option="Bank")


@dataclass
class Office:
    """`sent`: what ended hand-offs, in order. `clients`: by account, each with its token."""

    parts: Parts
    desk: Desk
    store: Store
    tokens: dict[str, str]
    app: Any
    sent: list[Ending] = field(default_factory=list)

    def hand_off(self, session: str = "C-1-aaaaaaaa", *actions: Action) -> str:
        """One more hand-off of a session, with these proposals."""
        actions = actions or (SUBMIT, AMOUNT)
        if self.store.session_of(session) is None:
            self.store.begin(session, session)
        index = self.store.next_index(session)
        step = Step(
            case_id="C-1",
            session=session,
            index=index,
            actor="agent",
            view=VIEW,
            ranked=tuple(Proposal(action=a, probability=0.9 - 0.3 * n) for n, a in enumerate(actions)),
            critical=True,
            decision=Decision(kind="hand_off", code="audit", reason="Please check.", score=0.99, tau=0.9, audit=True),
        )
        handoff = Handoff(id=f"{session}.{index}", session=session, case_id="C-1", step=step, suggestion="Press 'Submit'.")
        self.store.open_handoff(handoff)
        self.desk.opened(handoff)
        return handoff.id

    def client(self, name: str = "", **headers: str) -> httpx.AsyncClient:
        """A program with the token of an account, or nobody."""
        if name:
            headers["authorization"] = f"Bearer {self.tokens[name]}"
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://console", headers=headers)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The console on a port of its own, for browsers; yields its address."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server = ConsoleServer(self.app, self.parts)
            serving = asyncio.create_task(server.serve([listening]))
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
                await serving

    async def signed_in(self, name: str) -> tuple[httpx.AsyncClient, str]:
        """A person's browser and its CSRF token."""
        client = self.client(accept="application/json", origin="http://console")
        answer = await client.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client, answer.json()["csrf"]


@asynccontextmanager
async def office(folder: Path, **settings: Any) -> AsyncIterator[Office]:
    """Open the console over an empty run in `folder`."""
    tokens = accounts_at(folder / "console.sqlite")
    store, desk = Store(folder / "casepilot.sqlite"), Desk()
    sent: list[Ending] = []

    async def send(session: str, topic: str, text: str) -> None:
        sent.append(Ending.model_validate_json(text))

    worker: Any = SimpleNamespace(
        store=store,
        lives={},
        send=send,
        changed=lambda: None,
        settings=SimpleNamespace(operator="operator", takeover=TakeoverSettings(), headed=False, attach=""),
    )
    worker.takeovers = Takeovers(worker)
    desk.bind(worker)
    runner: Any = SimpleNamespace(
        store=store, desk=desk, worker=worker, watch=lambda _: None, settings=SimpleNamespace(run_dir=folder, stage="copilot")
    )
    chosen = {"accounts": folder / "console.sqlite", "undo_seconds": 30.0} | settings
    parts = with_runner(ConsoleSettings.model_validate(chosen), runner)
    try:
        yield Office(parts, desk, store, tokens, create_app(parts), sent)
    finally:
        parts.close()
        store.close()
