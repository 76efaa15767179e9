"""Who gets in, for how long, and what another site or a guesser cannot do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.console.accounts import Accounts
from agent.console.audit import Audit
from agent.console.database import opened
from agent.console.settings import ConsoleSettings, check_binding
from agent.console.throttle import PER_NAME
from agent.errors import ConsoleError
from tests.agent.console.office import office
from tests.agent.console.staffed import PASSWORD


def test_nobody_gets_in_without_a_login(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client() as nobody:
            id = desk.hand_off()
            for path in ("/queue", "/sessions", "/audit", "/supervision", f"/handoffs/{id}"):
                answer = await nobody.get(path)
                assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
            assert (await nobody.post(f"/handoffs/{id}/answer", data={"kind": "accept"})).status_code == 401
            for path in ("/api/v1/handoffs", f"/api/v1/handoffs/{id}", "/api/v1/audit"):
                assert (await nobody.get(path)).status_code == 401
            wrong = await nobody.get("/api/v1/handoffs", headers={"authorization": "Bearer cpt_guessed"})
            assert wrong.status_code == 401 and "casepilot console tokens" in wrong.json()["message"]
            assert desk.sent == []

    portal.call(scenario)


def test_forms_of_other_sites_and_without_their_token_are_refused(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk:
            id = desk.hand_off()
            kim, csrf = await desk.signed_in("kim")
            address, form = f"/handoffs/{id}/answer", {"kind": "accept"}
            assert (await kim.post(address, data=form)).status_code == 403
            assert (await kim.post(address, data=form, headers={"x-csrf-token": "x"})).status_code == 403
            elsewhere = {"x-csrf-token": csrf, "origin": "http://elsewhere"}
            assert (await kim.post(address, data=form, headers=elsewhere)).status_code == 403
            assert desk.sent == []
            assert (await kim.post(address, data=form, headers={"x-csrf-token": csrf})).json()["state"] == "held"
            await kim.aclose()

    portal.call(scenario)


def test_a_login_that_expires_in_the_middle_of_an_answer_is_told(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk:
            id = desk.hand_off()
            kim, csrf = await desk.signed_in("kim")
            desk.parts.db.execute("UPDATE logins SET seen = seen - 100000")
            answer = await kim.post(f"/handoffs/{id}/answer", data={"kind": "accept"}, headers={"x-csrf-token": csrf})
            assert answer.status_code == 401 and "Sign in again" in answer.json()["message"]
            assert desk.store.handoff(id)[1] == "waiting" and desk.sent == []
            await kim.aclose()

    portal.call(scenario)


def test_guessing_is_stopped_and_the_owner_is_not_locked_out_elsewhere(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client(accept="application/json") as guesser:
            for _ in range(PER_NAME):
                answer = await guesser.post("/login", data={"name": "kim", "password": "guess"})
                assert answer.status_code == 401
            stopped = await guesser.post("/login", data={"name": "kim", "password": PASSWORD})
            assert stopped.status_code == 429 and int(stopped.headers["retry-after"]) > 0
            assert desk.parts.throttle.wait("kim", "elsewhere") == 0.0
            kinds = [entry.what for entry in desk.parts.audit.entries(who="kim")]
            assert kinds == ["login_refused", *["login_failed"] * PER_NAME]

    portal.call(scenario)


def test_roles_tokens_and_disabled_accounts(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim, desk.client("sam") as sam:
            assert (await kim.get("/api/v1/audit")).status_code == 403
            assert (await sam.get("/api/v1/audit")).status_code == 200
            (token,) = [token for token in desk.parts.tokens.all() if token.name == "kim"]
            desk.parts.tokens.revoke(token.id)
            assert (await kim.get("/api/v1/handoffs")).status_code == 401
            desk.parts.accounts.set_role("sam", "supervisor", disabled=True)
            assert (await sam.get("/api/v1/handoffs")).status_code == 401

    portal.call(scenario)


def test_every_answer_carries_the_security_headers(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client() as nobody:
            for path in ("/login", "/static/console.js", "/nothing", "/api/v1/handoffs"):
                headers = (await nobody.get(path)).headers
                assert "script-src 'self'" in headers["content-security-policy"], path
                assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
            assert (await nobody.post("/login", content=b"x" * 1_000_000)).status_code == 413

    portal.call(scenario)


def test_the_audit_log_only_grows_and_tells_when_it_was_changed(tmp_path: Path) -> None:
    db = opened(tmp_path / "console.sqlite")
    log = Audit(db)
    for number in range(3):
        log.write("kim", "accept", f"h{number}", note="ok")
    for statement in ("UPDATE audit SET who = 'lee'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    assert log.broken() is None
    db.execute("DROP TRIGGER audit_keeps")
    db.execute("UPDATE audit SET who = 'lee' WHERE seq = 2")
    assert log.broken() == 2
    db.close()


def test_accounts_refuse_what_would_be_unsafe(tmp_path: Path) -> None:
    db = opened(tmp_path / "console.sqlite")
    accounts = Accounts(db)
    accounts.add("ada", PASSWORD, "admin")
    for name, password, expected in (
        ("ada", PASSWORD, "already"),
        ("a b", PASSWORD, "letters"),
        ("kim", "short", "at least 10"),
    ):
        with pytest.raises(ConsoleError, match=expected):
            accounts.add(name, password, "operator")
    with pytest.raises(ConsoleError, match="only admin"):
        accounts.set_role("ada", "operator")
    assert accounts.verify("ada", "wrong") is None and accounts.verify("nobody", PASSWORD) is None
    assert accounts.verify("ada", PASSWORD)
    assert "$argon2id$" in db.execute("SELECT hash FROM accounts").fetchone()[0]
    db.close()


def test_only_this_machine_is_served_in_clear_text(tmp_path: Path) -> None:
    check_binding(ConsoleSettings())
    check_binding(ConsoleSettings(host="::1"))
    check_binding(ConsoleSettings(host="0.0.0.0", insecure=True))
    with pytest.raises(ConsoleError, match="in clear text"):
        check_binding(ConsoleSettings(host="0.0.0.0"))
    with pytest.raises(ConsoleError, match="only one"):
        check_binding(ConsoleSettings(host="0.0.0.0", tls_cert=tmp_path / "cert.pem"))
