"""What operators' answers come to: through the API, as any program could give them, and through the forms."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from agent.console.seeded import wrong_actions
from agent.console.supervision import supervision
from agent.errors import EndedError
from schema_extraction.action import Fill, Select, same_action
from tests.agent.console.office import AMOUNT, METHOD, SUBMIT, VIEW, office


def test_an_accept_reaches_the_session(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim:
            id = desk.hand_off()
            (waits,) = (await kim.get("/api/v1/handoffs")).json()["handoffs"]
            assert (waits["id"], waits["deadline"], waits["state"]) == (id, "2026-05-04", "waiting")
            answer = await kim.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "accept"})
            assert (answer.status_code, answer.json()["state"]) == (200, "sent")
            (ending,) = desk.sent
            assert ending.verdict and (ending.verdict.kind, ending.verdict.operator) == ("accept", "kim")
            assert (await kim.get("/api/v1/handoffs")).json() == {"handoffs": []}
            gone = await kim.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "accept"})
            assert gone.status_code == 410 and "kim accepted it" in gone.json()["message"]
            assert len(desk.sent) == 1

    portal.call(scenario)


def test_an_accepted_critical_action_can_be_taken_back(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim, desk.client("lee") as lee:
            id = desk.hand_off()
            held = await kim.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "accept", "undo_seconds": 60})
            assert held.json()["state"] == "held" and desk.sent == []
            assert (await lee.post(f"/api/v1/handoffs/{id}/undo")).status_code == 409
            assert (await kim.post(f"/api/v1/handoffs/{id}/undo")).status_code == 200
            assert (await kim.post(f"/api/v1/handoffs/{id}/undo")).status_code == 410
            assert desk.sent == [] and desk.store.count_open() == 1
            rejected = await kim.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "reject", "reason": "wrong_value"})
            assert rejected.json()["state"] == "rejected"
            # What was taken back stays on record as that, and counts for nothing.
            rows = desk.parts.db.execute(
                "SELECT kind, why FROM answers LEFT JOIN withdrawn ON answer = answers.rowid ORDER BY answers.rowid"
            )
            assert [tuple(row) for row in rows] == [("accept", "undone"), ("reject", None)]
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                desk.parts.db.execute("DELETE FROM answers")
            figures = supervision(desk.parts.db, 24.0, 1.5)
            assert (figures.withdrawn, figures.whole.answers, figures.whole.rejected) == (1, 1, 1.0)

    portal.call(scenario)


def test_what_is_not_taken_back_leaves(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim:
            id = desk.hand_off()
            await kim.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "accept", "undo_seconds": 0.05})
            async with asyncio.timeout(20):
                await desk.desk.wait_ended(id)
            assert [ending.kind for ending in desk.sent] == ["verdict"]

    portal.call(scenario)


def test_of_two_operators_one_wins_and_the_other_is_told(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim, desk.client("lee") as lee:
            id = desk.hand_off()
            answers = await asyncio.gather(
                *(who.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "accept"}) for who in (kim, lee))
            )
            assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 410])
            (told,) = [answer.json()["message"] for answer in answers if answer.status_code != 200]
            assert "kim" in told or "lee" in told
            assert len(desk.sent) == 1
            other = desk.hand_off()
            await lee.post(f"/api/v1/handoffs/{other}/claim")
            taken = await kim.post(f"/api/v1/handoffs/{other}/verdict", json={"kind": "accept"})
            assert taken.status_code == 409 and "'lee''s" in taken.json()["message"]
            assert (await lee.post(f"/api/v1/handoffs/{other}/release")).status_code == 200
            assert (await kim.post(f"/api/v1/handoffs/{other}/verdict", json={"kind": "accept"})).status_code == 200

    portal.call(scenario)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"value": "abc", "key": "amount"}, "takes a number"),
        ({"value": "501", "key": "amount"}, "to 500"),
        ({"value": "2026-02-31", "key": "day"}, "takes a date"),
        ({"value": "Cheque", "key": "method"}, "one of its options"),
        ({"value": "x", "key": "nothing"}, "met 'nothing'"),
        ({"alternative": 9}, "no alternative 9"),
        ({}, "needs a value"),
    ],
)
def test_an_edit_of_the_wrong_type_is_refused_and_changes_nothing(
    tmp_path: Path, sent: dict[str, object], expected: str, portal: BlockingPortal
) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim:
            id = desk.hand_off()
            answer = await kim.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "edit", **sent})
            assert answer.status_code == 422 and expected in answer.json()["message"], answer.text
            assert desk.sent == [] and desk.store.handoff(id)[1] == "waiting"

    portal.call(scenario)


def test_edits_become_actions_of_the_right_type(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim:
            for sent in ({"key": "day", "value": "2026-05-31"}, {"key": "method", "value": "Bank"}, {"alternative": 1}):
                id = desk.hand_off()
                answer = await kim.post(f"/api/v1/handoffs/{id}/verdict", json={"kind": "edit", **sent})
                assert answer.status_code == 200, answer.text
            day, method, alternative = (ending.verdict.edited for ending in desk.sent if ending.verdict)
            assert isinstance(day, Fill) and day.value == "2026-05-31" and day.provenance.source == "operator"
            assert isinstance(method, Select) and method.option == "Bank"
            assert alternative and same_action(alternative, AMOUNT)

    portal.call(scenario)


def test_a_wrong_suggestion_is_never_carried_out(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path, seeded_rate=0.5) as desk, desk.client("kim") as kim, desk.client("sam") as sam:
            ids = [desk.hand_off(f"C-{number}-aaaaaaaa", SUBMIT) for number in range(40)]
            shown = {one["id"]: one["suggestion"] for one in (await kim.get("/api/v1/handoffs")).json()["handoffs"]}
            seeded = [id for id in ids if "Refuse" in shown[id]]
            assert 5 < len(seeded) < 35
            for number, id in enumerate(seeded):
                verdict = {"kind": "accept"} if number % 2 else {"kind": "reject", "reason": "wrong_action"}
                answer = await kim.post(f"/api/v1/handoffs/{id}/verdict", json=verdict)
                assert answer.json()["state"] == "seeded"
                again = (await kim.get(f"/api/v1/handoffs/{id}")).json()["card"]
                assert again["suggestion"] == "Press 'Submit'." and again["state"] == "waiting"
            assert desk.sent == []
            figures = (await sam.get("/api/v1/supervision")).json()["whole"]
            assert figures["seeded"] == len(seeded) and figures["answers"] == 0
            assert figures["seeded_caught"] == pytest.approx((len(seeded) + 1) // 2 / len(seeded))

    portal.call(scenario)


def test_what_is_suggested_on_purpose_is_wrong() -> None:
    for action in (SUBMIT, AMOUNT, METHOD):
        others = list(wrong_actions(VIEW, action))
        assert others and not any(same_action(action, other) for other in others)


def test_operators_cannot_tell_an_audit(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk, desk.client("kim") as kim:
            id = desk.hand_off()
            seen = (await kim.get(f"/api/v1/handoffs/{id}")).text + (await kim.get("/api/v1/handoffs")).text
            assert "audit" not in seen and "0.99" not in seen

    portal.call(scenario)


def test_what_ends_by_itself_before_an_answer_leaves_is_told(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with office(tmp_path) as desk:
            id = desk.hand_off()
            stream = desk.parts.hub.stream("kim", None, lambda: True)
            await anext(stream)
            from agent.console.answers import Answer

            await desk.parts.answers.answer(id, "kim", Answer(kind="accept"))
            await desk.desk.stale(desk.store.handoff(id)[0])
            events = [await anext(stream) for _ in range(4)]
            assert "ended before your answer left" in "".join(events)
            assert [ending.kind for ending in desk.sent] == ["stale"]
            with pytest.raises(EndedError):
                await desk.parts.answers.undo(id, "kim")

    portal.call(scenario)
