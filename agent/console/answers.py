"""What operators answer to hand-offs: who may, what it comes to, and the seconds in which an accepted critical action can be
taken back before it leaves."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import Literal

from loguru import logger

from agent.console.audit import Audit
from agent.console.card import choice
from agent.console.database import now
from agent.console.fields import MOST_LETTERS, edited
from agent.console.floor import Floor, Waiting
from agent.console.hub import Hub
from agent.desk import Change
from agent.errors import ConsoleError, DeskError, EndedError, TakenError
from agent.handoff import Handoff
from browser.errors import BrowserError
from policies.feedback import Reason, Verdict
from policies.proposal import is_critical
from schema_extraction.action import Action, action_value, same_action, target_key
from schema_extraction.view import Frozen

MOST_NOTE = 2_000


class Answer(Frozen):
    """`edit` takes one of: `alternative`, the place of another proposal in the ranking; `value`, entered in the suggestion's
    own field or in the field `key`; `action`, whole."""

    kind: Literal["accept", "edit", "reject"]
    reason: Reason | None = None
    note: str = ""
    alternative: int | None = None
    key: str = ""
    value: str | None = None
    action: Action | None = None


class Receipt(Frozen):
    """What became of an answer. `held`: it leaves in `undo_seconds` unless it is taken back. `sent`: the agent has it.
    `rejected`: the operator has the step. `seeded`: the suggestion had been wrong on purpose, and nothing was done."""

    handoff: str
    state: Literal["held", "sent", "rejected", "seeded"]
    message: str
    undo_seconds: float = 0.0


class Held(Frozen):
    """An answer that has not left yet. `answer`: its row in the database."""

    answer: int
    operator: str
    verdict: Verdict
    leaves: float

    @property
    def left_seconds(self) -> float:
        return max(0.0, self.leaves - time.monotonic())


class Answers:
    """Held answers live in this process only: when it ends before they leave, their hand-offs wait again."""

    def __init__(self, floor: Floor, db: sqlite3.Connection, audit: Audit, hub: Hub, undo_seconds: float) -> None:
        self._floor = floor
        self._db = db
        self._audit = audit
        self._hub = hub
        self._undo_seconds = undo_seconds
        self._held: dict[str, Held] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._seen: dict[tuple[str, str], float] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        floor.desk.watch(self._moved)

    def seen(self, id: str, operator: str) -> None:
        """The card is before the operator: the time for the decision begins."""
        self._seen.setdefault((id, operator), time.monotonic())

    def held(self, id: str) -> Held | None:
        return self._held.get(id)

    def claim(self, id: str, operator: str) -> Waiting:
        """Keep a hand-off for an operator.

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or another has it.
        """
        self._floor.desk.reserve(id, operator)
        self._audit.write(operator, "claim", id)
        return self._floor.find(id)

    async def release(self, id: str, operator: str) -> None:
        """Give up a hand-off that the operator has, so that others can take it.

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or another has it.
        """
        if id in self._held:
            raise DeskError(f"The answer to {id!r} is about to leave. Take it back first.")
        await self._floor.desk.release(id, operator)
        self._audit.write(operator, "release", id)

    async def answer(self, id: str, operator: str, answer: Answer, undo_seconds: float | None = None) -> Receipt:
        """Say what the operator thinks of a suggestion. `undo_seconds`: how long an accepted critical action waits (default:
        as the console is set).

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or another has it.
            DeskError: it has no suggestion. ConsoleError: the answer is not complete, or its value does not fit the field.
        """
        held = self._held.get(id)
        if held is not None and held.operator == operator:
            raise DeskError(f"You have answered {id!r} already. Take that back first.")
        waiting = self._floor.find(id)
        if waiting.state == "ended":
            raise EndedError(f"Hand-off {id!r} has ended{self._how(id)}. Take another of those that wait.")
        if waiting.operator and waiting.operator != operator:
            raise TakenError(f"Hand-off {id!r} is {waiting.operator!r}'s. Take another.")
        handoff = waiting.handoff
        verdict = _verdict(handoff, operator, answer, self._dwell(id, operator))
        seeded = self._floor.is_seeded(id)
        self._floor.desk.reserve(id, operator)
        recorded = self._record(handoff, verdict, seeded)
        if seeded:
            return await self._caught(handoff, verdict)
        if verdict.kind == "reject":
            await self._floor.desk.verdict(id, verdict)
            return Receipt(
                handoff=id, state="rejected", message="Rejected. Do the step yourself, or give the page back to the agent."
            )
        acted = verdict.edited or (handoff.proposal.action if handoff.proposal else None)
        critical = acted is not None and is_critical(handoff.view, acted)
        wait = self._undo_seconds if undo_seconds is None else undo_seconds
        if critical and wait > 0.0:
            self._hold(id, verdict, wait, recorded)
            return Receipt(handoff=id, state="held", message="It leaves in a moment.", undo_seconds=wait)
        await self._floor.desk.verdict(id, verdict)
        return Receipt(handoff=id, state="sent", message="The agent carries it out.")

    async def undo(self, id: str, operator: str) -> None:
        """Take back an answer that has not left yet; the hand-off stays with the operator.

        Raises:
            DeskError: there is nothing to take back, or it is another operator's.
        """
        held = self._held.get(id)
        if held is None:
            raise EndedError(f"There is nothing to take back of {id!r}: it has left already.")
        if held.operator != operator:
            raise TakenError(f"The answer to {id!r} is {held.operator!r}'s.")
        self._drop(id, "undone")
        self._audit.write(operator, "undo", id)
        self._hub.publish("handoff", id=id, change="undone", operator=operator)

    async def give_back(self, id: str, operator: str, note: str = "") -> None:
        """The operator is through with the step, or wants the agent to look again.

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or another has it.
        """
        self._floor.desk.reserve(id, operator)
        self._drop(id, "given back")
        await self._floor.desk.give_back(id, note[:MOST_NOTE])
        self._audit.write(operator, "give_back", id, note=note[:MOST_NOTE])

    async def end_session(self, id: str, operator: str, note: str = "") -> None:
        """The agent leaves the case of a hand-off alone.

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or another has it.
        """
        self._floor.desk.reserve(id, operator)
        self._drop(id, "session ended")
        await self._floor.desk.end_session(id, operator, note[:MOST_NOTE])
        self._audit.write(operator, "end_session", id, note=note[:MOST_NOTE])

    def snooze(self, id: str, operator: str, seconds: float) -> None:
        """Put a hand-off at the end of this operator's queue for a while.

        Raises:
            UnknownError: there is none.
        """
        self._floor.find(id)
        self._db.execute("INSERT OR REPLACE INTO snoozed VALUES (?, ?, ?)", (id, operator, time.time() + seconds))
        self._audit.write(operator, "not_now", id)

    def snoozed(self, operator: str) -> frozenset[str]:
        """The hand-offs that an operator has put off."""
        rows = self._db.execute("SELECT handoff FROM snoozed WHERE operator = ? AND until > ?", (operator, time.time()))
        return frozenset(row["handoff"] for row in rows)

    def close(self) -> None:
        """Nothing that is still held leaves any more."""
        for id in list(self._held):
            self._drop(id, "console closed")

    def _hold(self, id: str, verdict: Verdict, wait: float, answer: int) -> None:
        self._held[id] = Held(answer=answer, operator=verdict.operator, verdict=verdict, leaves=time.monotonic() + wait)
        self._timers[id] = asyncio.get_running_loop().call_later(wait, self._leave, id)
        self._hub.publish("handoff", id=id, change="held", operator=verdict.operator)

    def _leave(self, id: str) -> None:
        held = self._held.pop(id)
        self._timers.pop(id)
        task = asyncio.get_running_loop().create_task(self._sent(id, held))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _sent(self, id: str, held: Held) -> None:
        try:
            await self._floor.desk.verdict(id, held.verdict)
        except DeskError as error:
            logger.info("{}: {}", id, error)
            self._audit.write(held.operator, "too_late", id, message=str(error))
            self._hub.publish("problem", to=held.operator, id=id, message=str(error))
            self._withdraw(held, "too late")

    def _drop(self, id: str, why: str) -> None:
        held = self._held.pop(id, None)
        if held is not None:
            self._withdraw(held, why)
        timer = self._timers.pop(id, None)
        if timer is not None:
            timer.cancel()

    def _withdraw(self, held: Held, why: str) -> None:
        """Note that an answer never left. It stays on record, and counts for nothing."""
        self._db.execute("INSERT INTO withdrawn VALUES (?, ?, ?)", (held.answer, why, now()))

    def _moved(self, id: str, change: Change) -> None:
        if change == "ended" and id in self._held:
            # The page went on by itself, or somebody did the step there: there is nothing left to carry out.
            operator = self._held[id].operator
            self._drop(id, "hand-off ended")
            self._hub.publish("problem", to=operator, id=id, message=f"Hand-off {id!r} has ended before your answer left.")
        if change in ("opened", "ended"):
            for key in [key for key in self._seen if key[0] == id]:
                del self._seen[key]

    async def _caught(self, handoff: Handoff, verdict: Verdict) -> Receipt:
        """The suggestion was wrong on purpose: tell so, and show the policy's own."""
        await self._floor.desk.release(handoff.id, verdict.operator)
        try:
            await self._floor.desk.picture_again(handoff.id)
        except (BrowserError, DeskError) as error:
            logger.info("{}: no new picture: {}", handoff.id, error)
        self._seen.pop((handoff.id, verdict.operator), None)
        self._hub.publish("handoff", id=handoff.id, change="shown", operator="")
        said = (
            "This suggestion was wrong on purpose, and nothing was done. Please look closely at the next ones."
            if verdict.kind == "accept"
            else "Well seen: this suggestion was wrong on purpose."
        )
        return Receipt(handoff=handoff.id, state="seeded", message=f"{said} Here is what the policy suggests.")

    def _dwell(self, id: str, operator: str) -> float:
        """Seconds since the card came before the operator; 0.0 when it never did."""
        seen = self._seen.get((id, operator))
        return time.monotonic() - seen if seen is not None else 0.0

    def _how(self, id: str) -> str:
        ending = self._floor.store.ending(id)
        if ending is None:
            return ""
        if ending.kind == "stale":
            return ": its page has changed"
        said = {"accept": "accepted it", "edit": "edited it", "reject": "rejected it"}
        verdict = ending.verdict if ending.kind == "verdict" else None
        return f": {ending.operator or 'somebody'} {said[verdict.kind] if verdict else 'did the step or gave it back'}"

    def _record(self, handoff: Handoff, verdict: Verdict, seeded: bool) -> int:
        """Write an answer down; returns its row."""
        action = handoff.proposal.action.type if handoff.proposal else ""
        written = self._db.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(handoff.id, handoff.session, handoff.case_id, handoff.view.slice, action, handoff.critical),
                *(verdict.operator, verdict.kind, verdict.reason or "", verdict.seconds, seeded, now()),
            ),
        )
        detail = verdict.model_dump(mode="json", exclude_none=True, exclude={"operator", "kind"})
        self._audit.write(verdict.operator, verdict.kind, handoff.id, suggestion=handoff.suggestion, seeded=seeded, **detail)
        assert written.lastrowid is not None  # an INSERT of one row has one
        return written.lastrowid


def _verdict(handoff: Handoff, operator: str, answer: Answer, seconds: float) -> Verdict:
    """The verdict behind an answer; an edit that changes nothing is an accept."""
    note = answer.note[:MOST_NOTE]
    if answer.kind == "reject":
        if answer.reason is None:
            raise ConsoleError("A rejection needs a reason. Choose one of the list.")
        return Verdict(kind="reject", operator=operator, reason=answer.reason, seconds=seconds, note=note)
    if handoff.proposal is None:
        raise DeskError(f"Hand-off {handoff.id!r} has no suggestion to {answer.kind}. Do the step yourself, or give it back.")
    if answer.kind == "accept":
        return Verdict(kind="accept", operator=operator, seconds=seconds, note=note)
    action = _edited(handoff, answer)
    if same_action(action, handoff.proposal.action):
        return Verdict(kind="accept", operator=operator, seconds=seconds, note=note)
    reason = answer.reason or (Reason.WRONG_WORDING if action.type == "send_message" else Reason.WRONG_VALUE)
    return Verdict(kind="edit", operator=operator, reason=reason, edited=action, seconds=seconds, note=note)


def _edited(handoff: Handoff, answer: Answer) -> Action:
    if answer.alternative is not None:
        found = choice(handoff.ranked, answer.alternative)
        if found is None:
            raise ConsoleError(f"There is no alternative {answer.alternative}. Reload the card.")
        return found
    if answer.value is not None:
        return edited(handoff, answer.key, answer.value)
    if answer.action is not None:
        return _valid(handoff, answer.action)
    raise ConsoleError("An edit needs a value, an alternative or an action. Give one of them.")


def _valid(handoff: Handoff, action: Action) -> Action:
    """An action that came whole, if the page has what it is for.

    Raises:
        ConsoleError: the page has no such control, or it does not take the value.
    """
    proposal, key, value = handoff.proposal, target_key(action), action_value(action)
    if value is not None and len(value) > MOST_LETTERS:
        raise ConsoleError(f"Expected a value of at most {MOST_LETTERS} characters, met {len(value)}. Shorten it.")
    if proposal is not None and (action.type, key) == (proposal.action.type, target_key(proposal.action)):
        return action if value is None else edited(handoff, "" if key == action.type else key, value)
    if key != action.type and handoff.view.control(key) is None:
        raise ConsoleError(f"There is no control {key!r} on the page. Reload the card.")
    return action
