"""The desk: where hand-offs wait for operators, be they people at the screen, another program, or a console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from loguru import logger

from agent.errors import DeskError, EndedError, TakenError
from agent.handoff import Ending, Handoff
from agent.verdicts import compare, touched
from policies.feedback import Reason, Verdict

if TYPE_CHECKING:
    from agent.takeover import Takeovers
    from agent.worker import Worker
    from browser.page import CasePage


Change = Literal["opened", "shown", "claimed", "released", "rejected", "ended"]
"""What happened to a hand-off: the gate decided it, its page and picture are there, who has it, what was said of it."""


class Desk:
    """Hand-offs come out of `async for handoff in desk`, each once to one taker, until the desk closes.

    An operator claims a hand-off (`claim`), then accepts, edits or rejects (`verdict`), or simply works in the page; after
    a reject the hand-off stays open until the operator has done the step or gives it back (`give_back`).
    """

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._closed = asyncio.Event()
        self._ended: dict[str, asyncio.Event] = {}
        self._watchers: list[Callable[[str, Change], None]] = []
        self._mask: Callable[[Handoff], Handoff] | None = None

    def bind(self, worker: Worker) -> None:
        """Serve the sessions of a run."""
        self._worker = worker

    def watch(self, watcher: Callable[[str, Change], None]) -> None:
        """Have `watcher` called with the id of every hand-off that something happens to, as soon as it is on disk."""
        self._watchers.append(watcher)

    def mask(self, mask: Callable[[Handoff], Handoff]) -> None:
        """Have hand-offs shown to operators as `mask` gives them. From then on no page has a card of its own: its answer would
        be to another suggestion than the one that is shown elsewhere."""
        self._mask = mask

    @property
    def masked(self) -> bool:
        return self._mask is not None

    def as_shown(self, handoff: Handoff) -> Handoff:
        """A hand-off with the suggestion that operators see now."""
        return self._mask(handoff) if self._mask is not None else handoff

    def close(self) -> None:
        """No more hand-offs will come: iterations end."""
        self._closed.set()

    async def __aiter__(self) -> AsyncIterator[Handoff]:
        while not self._closed.is_set():
            taking = asyncio.ensure_future(self._waiting.get())
            closing = asyncio.ensure_future(self._closed.wait())
            try:
                await asyncio.wait({taking, closing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                closing.cancel()
                if not taking.done():
                    taking.cancel()
            if taking.done() and not taking.cancelled():
                handoff, state, _ = self._run.store.handoff(taking.result())
                if state == "waiting":
                    yield blind(handoff)

    def open(self) -> list[Handoff]:
        """The hand-offs that have not ended, oldest first."""
        return [blind(handoff) for handoff, _ in self._run.store.handoffs(open_only=True)]

    @property
    def takeovers(self) -> Takeovers:
        """Who drives which page, and how to."""
        return self._run.takeovers

    def page(self, id: str) -> CasePage | None:
        """The page of a hand-off, for an operator in this process; None while it is evicted (claim it first)."""
        live = self._run.lives.get(self._open_handoff(id).session)
        return live.page if live else None

    async def claim(self, id: str, operator: str) -> Handoff:
        """Take a hand-off: the application is told the operator's name, and an evicted page is opened again.

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or it is another operator's.
            DeskError: its page has changed since.
        """
        handoff = self.reserve(id, operator)
        live = self._run.lives.get(handoff.session)
        if live is None:
            return blind(handoff)
        live.operator = operator
        if live.page is None or live.handoff is None:
            if not await live.present(handoff):
                await self._end(handoff, Ending(kind="stale", operator=operator))
                raise DeskError(f"Hand-off {id!r} is out of date: the page has changed since. Another will follow.")
        else:
            await live.act_for(operator)
        return blind(self._open_handoff(id))

    def reserve(self, id: str, operator: str) -> Handoff:
        """Keep a hand-off for an operator who needs no page of it yet: from now on nobody else can answer it.

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or it is another operator's.
        """
        handoff = self._open_handoff(id)
        _, _, holder = self._run.store.handoff(id)
        if holder and holder != operator:
            raise TakenError(f"Hand-off {id!r} is {holder!r}'s. Take another.")
        if not holder:
            self._run.store.claim(id, operator)
            self._tell(id, "claimed")
        return blind(handoff)

    async def release(self, id: str, operator: str) -> None:
        """Put a hand-off that `operator` has back among those that wait.

        Raises:
            UnknownError, EndedError, TakenError: there is none, it has ended, or it is another operator's.
        """
        handoff = self.reserve(id, operator)
        self._run.store.release(id)
        live = self._run.lives.get(handoff.session)
        if live is not None and live.handoff is not None and live.handoff.id == id:
            live.operator = ""
            await live.act_for(self._run.settings.operator)
        self._tell(id, "released")

    async def verdict(self, id: str, verdict: Verdict) -> None:
        """What the operator says of the proposal. Accept and edit end the hand-off; after a reject the operator does the step.

        Raises:
            DeskError: the hand-off is unknown or has ended, another operator drives its page, there is nothing to accept, or
                an edit has no edited action.
        """
        handoff = self._open_handoff(id)
        verdict = verdict.model_copy(update={"seconds": verdict.seconds or _since(handoff)})
        if verdict.kind != "reject" and handoff.proposal is None:
            raise DeskError(f"Hand-off {id!r} has no proposal to {verdict.kind}. Do the step in the page, or give it back.")
        if verdict.kind == "edit" and verdict.edited is None:
            raise DeskError(f"The edit of hand-off {id!r} has no edited action. Give one, or reject.")
        self._run.takeovers.check(handoff.session, verdict.operator)
        live = self._run.lives.get(handoff.session)
        if verdict.kind == "reject":
            if live is not None:
                live.rejected = verdict
                if live.page is not None:
                    await live.page.overlay.hide()
            self._tell(id, "rejected")
            return
        if verdict.kind == "accept" and live is not None and touched(handoff.view, live.steps):
            # Fields were corrected before the accept: as proposed, it would have sent other values.
            assert handoff.proposal is not None
            verdict = verdict.model_copy(
                update={"kind": "edit", "reason": Reason.WRONG_VALUE, "edited": handoff.proposal.action}
            )
        actions = live.acted() if live else ()
        await self._end(handoff, Ending(kind="verdict", operator=verdict.operator, verdict=verdict, actions=actions))

    async def give_back(self, id: str, note: str = "") -> None:
        """The operator is through with the step, or wants the agent to look again.

        Raises:
            DeskError: the hand-off is unknown or has ended.
        """
        await self._operator_end(id, "given_back", note)

    async def acted(self, id: str) -> None:
        """The operator has done the step in the page."""
        await self._operator_end(id, "acted")

    async def end_session(self, id: str, operator: str, note: str = "") -> None:
        """The operator ends the session of a hand-off: the agent leaves the case alone.

        Raises:
            DeskError: the hand-off is unknown or has ended.
        """
        await self._operator_end(id, "ended", note, operator)

    async def wait_ended(self, id: str) -> None:
        """Return when the hand-off has ended (at once if it already has)."""
        _, state, _ = self._run.store.handoff(id)
        if state != "ended":
            await self._ended.setdefault(id, asyncio.Event()).wait()

    # What the sessions call

    def opened(self, handoff: Handoff) -> None:
        """A step has been handed off; its page is yet to be made ready."""
        self._tell(handoff.id, "opened")

    async def announce(self, handoff: Handoff) -> None:
        """Put a hand-off that is shown in its page before the operators."""
        logger.info("hand-off {}: {} ({})", handoff.id, handoff.suggestion or "no proposal", handoff.reason)
        await self._waiting.put(handoff.id)
        self._run.changed()

    def moved(self, handoff: Handoff) -> None:
        """Where a hand-off's page is has changed."""
        self._run.store.update_handoff(handoff)
        self._tell(handoff.id, "shown")

    async def picture_again(self, id: str) -> None:
        """Another suggestion is shown than before: take the picture of the hand-off's page anew, if that is open."""
        live = self._run.lives.get(self._open_handoff(id).session)
        if live is not None and live.page is not None and live.handoff is not None and live.handoff.id == id:
            await live.take_picture(live.handoff, await live.page.view())

    async def stale(self, handoff: Handoff) -> None:
        """The page is no longer as it was handed off."""
        live = self._run.lives.get(handoff.session)
        await self._end(handoff, Ending(kind="stale", actions=live.acted() if live else ()))

    @property
    def _run(self) -> Worker:
        if self._worker is None:
            raise DeskError("This desk serves no run. Give it to a Runner and enter that first.")
        return self._worker

    def _open_handoff(self, id: str) -> Handoff:
        handoff, state, _ = self._run.store.handoff(id)
        if state == "ended":
            raise EndedError(f"Hand-off {id!r} has ended. Take another of those that wait.")
        return handoff

    async def _operator_end(self, id: str, kind: str, note: str = "", operator: str = "") -> None:
        handoff, state, holder = self._run.store.handoff(id)
        if state == "ended":
            if kind == "acted":
                return
            raise EndedError(f"Hand-off {id!r} has ended. Take another of those that wait.")
        live = self._run.lives.get(handoff.session)
        operator = operator or holder or self._run.settings.operator
        steps = live.steps if live else []
        verdict = live.rejected if live else None
        if verdict is None and handoff.proposal is not None:
            verdict = compare(handoff.proposal, handoff.view, steps, operator, _since(handoff))
        ending = Ending.model_validate(
            {"kind": kind, "operator": operator, "verdict": verdict, "actions": live.acted() if live else (), "note": note}
        )
        await self._end(handoff, ending)

    async def _end(self, handoff: Handoff, ending: Ending) -> None:
        text = ending.model_dump_json()
        # The agent goes on when it hears of it, and nobody else may drive by then.
        self._run.takeovers.ended(handoff.session, ending.note)
        # The message first: a hand-off is marked as ended only when its session is sure to hear of it.
        await self._run.send(handoff.session, handoff.id, text)
        if self._run.store.end_handoff(handoff.id, text):
            self._ended.setdefault(handoff.id, asyncio.Event()).set()
            self._tell(handoff.id, "ended")
        self._run.changed()

    def _tell(self, id: str, change: Change) -> None:
        for watcher in self._watchers:
            watcher(id, change)


def blind(handoff: Handoff) -> Handoff:
    """A hand-off as operators get it: nothing in it tells an audit from a step that fell short of its threshold."""
    decision = handoff.decision
    shown = decision.model_copy(
        update={"code": "below_threshold" if decision.audit else decision.code, "audit": False, "score": None, "tau": None}
    )
    return handoff.model_copy(update={"step": handoff.step.model_copy(update={"decision": shown, "score": None})})


def _since(handoff: Handoff) -> float:
    return (datetime.now(UTC) - handoff.opened_at).total_seconds()
