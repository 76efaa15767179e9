"""Takeover: an operator drives the page of a session, from wherever they sit, and gives it back.

Page and agent have one lock between them. An operator gets it only when the session stands still in a hand-off, which a session
at work comes to at its next step; while they have it, the agent's hands refuse. It goes back with `give_back`, or when the
operator is not heard of any more. What they did is in the trace as their own steps, and the hand-off's ending carries it to the
session, which looks at the page again. So a takeover lives and dies with its hand-off, and that is on disk.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from loguru import logger

from agent.errors import DeskError
from agent.handoff import Handoff, OperatorAction
from browser.errors import BrowserError
from browser.remote_input import Input, RemoteInput
from browser.screencast import Screencast
from schema_extraction.diff import differences
from schema_extraction.view import Frozen

if TYPE_CHECKING:
    from agent.live import Live
    from agent.worker import Worker
    from browser.page import CasePage


class Hold(Frozen):
    """Who drives the page of a session: `operator` since `since`. `seat` is known only to the screen that they sit at."""

    session: str
    handoff: str
    operator: str
    since: datetime
    seat: str = ""

    def __repr__(self) -> str:
        return f"Hold({self.session!r}, {self.operator!r})"


class Returned(Frozen):
    """A takeover that is over: what differs in the page, in words, and what the operator did in it."""

    operator: str
    changes: tuple[str, ...] = ()
    actions: tuple[OperatorAction, ...] = ()
    note: str = ""


@dataclass
class _Wheel:
    """A hold with what belongs to it in this process. `heard`, `worked`: when the operator was last heard of, and last did
    something, by the loop's clock."""

    hold: Hold
    live: Live
    page: CasePage
    input: RemoteInput
    screencast: Screencast
    heard: float
    worked: float
    expiry: asyncio.Task[None] | None = None
    returned: asyncio.Future[Returned] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Takeovers:
    """The locks of one run's pages.

    hold = await takeovers.take(session, "kim")
    await takeovers.send(session, hold.seat, message)    # as often as need be; beat() in between
    returned = await takeovers.give_back(session, hold.seat)
    """

    def __init__(self, worker: Worker) -> None:
        self.settings = worker.settings.takeover
        self._worker = worker
        self._wheels: dict[str, _Wheel] = {}
        self._screencasts: WeakKeyDictionary[CasePage, Screencast] = WeakKeyDictionary()
        self._watchers: list[Callable[[str], None]] = []

    @property
    def windowed(self) -> bool:
        """Whether pages have windows that a person may sit before: the run is headed, or in a person's own browser."""
        return self._worker.settings.headed or bool(self._worker.settings.attach)

    def watch(self, watcher: Callable[[str], None]) -> Callable[[], None]:
        """Have `watcher` called with every session whose driver changes, or in which the driver has done something; returns
        what ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def tell(self, session: str) -> None:
        """Something has happened in a session that an operator drives or drove."""
        for watcher in list(self._watchers):
            watcher(session)

    def screencast(self, session: str) -> Screencast | None:
        """The live picture of a session's page, whoever drives it; None while no page is open."""
        live = self._worker.lives.get(session)
        if live is None or live.page is None or live.page.page.is_closed():
            return None
        return self._screencast(live.page)

    def _screencast(self, page: CasePage) -> Screencast:
        return self._screencasts.setdefault(page, Screencast(page.page))

    def holder(self, session: str) -> Hold | None:
        """Who drives the session's page, without the seat; None: the agent."""
        wheel = self._wheels.get(session)
        return wheel.hold.model_copy(update={"seat": ""}) if wheel else None

    async def take(self, session: str, operator: str) -> Hold:
        """Give the page of a session to an operator, once the agent has come to the end of its step. An operator who has it
        already gets another seat, and their earlier one is void.

        Raises:
            DeskError: another operator has it, the session is not at work in this process, or it does not come to a stop.
        """
        live = self._worker.lives.get(session)
        if live is None:
            raise DeskError(f"No session {session!r} is at work here. Take one of those that are.")
        self._refuse_others(session, operator)
        if session not in self._wheels:
            await self._stopped(live, operator)
            self._refuse_others(session, operator)
        if session not in self._wheels:
            assert live.handoff is not None
            handoff = await self._worker.desk.claim(live.handoff.id, operator)
            await self.begin(live, handoff, operator)
        wheel = self._wheels[session]
        wheel.hold = wheel.hold.model_copy(update={"seat": secrets.token_urlsafe(16)})
        self._hear(wheel, worked=True)
        self.tell(session)
        return wheel.hold

    def _refuse_others(self, session: str, operator: str) -> None:
        hold = self.holder(session)
        if hold is not None and hold.operator != operator:
            raise DeskError(
                f"{hold.operator!r} has driven this page since {hold.since:%H:%M:%S} UTC. Ask them to give it back."
            )

    async def _stopped(self, live: Live, operator: str) -> None:
        """Return when the session stands still in a hand-off."""
        if live.wanted and live.wanted != operator:
            raise DeskError(f"{live.wanted!r} is about to take this page over. Take another.")
        task = self._worker.tasks.get(live.session)
        live.want(operator)
        standing = asyncio.ensure_future(live.standing.wait())
        try:
            over = {standing} if task is None else {standing, task}
            await asyncio.wait(over, timeout=self.settings.take, return_when=asyncio.FIRST_COMPLETED)
        finally:
            standing.cancel()
            live.want("")
        if not live.standing.is_set() or live.handoff is None:
            if task is not None and task.done():
                raise DeskError(f"Session {live.session!r} has come to its end. There is nothing to take over.")
            raise DeskError(f"The agent has not come to the end of its step in {self.settings.take:.0f} s. Try again.")

    async def begin(self, live: Live, handoff: Handoff, operator: str) -> None:
        """Lock the page of a hand-off that stands for an operator, who has still to sit down.

        Raises:
            DeskError: it has no page.
        """
        page = live.page
        if page is None:
            raise DeskError(f"The page of hand-off {handoff.id!r} is closed. Claim it again.")
        await page.overlay.hide()
        now = asyncio.get_running_loop().time()
        hold = Hold(session=live.session, handoff=handoff.id, operator=operator, since=datetime.now(UTC))
        live.hold = hold
        wheel = _Wheel(hold, live, page, RemoteInput(page.page), self._screencast(page), heard=now, worked=now)
        self._wheels[live.session] = wheel
        wheel.expiry = self._worker.spawn(self._expire(wheel))
        logger.info("{}: {} drives", live.session, operator)
        self._worker.changed()
        self.tell(live.session)

    # At the wheel

    def wheel(self, session: str, seat: str) -> tuple[CasePage, Screencast]:
        """The page that a seat drives, and its live picture.

        Raises:
            DeskError: the seat does not drive it, or not any more.
        """
        wheel = self._at(session, seat)
        return wheel.page, wheel.screencast

    def live(self, session: str) -> Live | None:
        """A session that is at work in this process."""
        return self._worker.lives.get(session)

    def sits(self, session: str, seat: str) -> bool:
        """Whether a seat drives the session's page."""
        wheel = self._wheels.get(session)
        return wheel is not None and bool(seat) and secrets.compare_digest(wheel.hold.seat.encode(), seat.encode())

    def beat(self, session: str, seat: str) -> None:
        """The operator is still there.

        Raises:
            DeskError: the seat does not drive the page, or not any more.
        """
        self._hear(self._at(session, seat))

    async def send(self, session: str, seat: str, message: Input) -> None:
        """Bring one input to the page.

        Raises:
            DeskError: the seat does not drive the page, or not any more. PageError: the page is gone.
        """
        wheel = self._at(session, seat)
        self._hear(wheel, worked=True)
        await wheel.input.send(message, *await wheel.screencast.size())

    async def answer(self, session: str, seat: str, accept: bool, text: str = "") -> None:
        """Answer the browser's own dialog (alert, confirm, prompt) that stands open; `text`: what a prompt asks for.

        Raises:
            DeskError: the seat does not drive the page, or not any more.
        """
        wheel = self._at(session, seat)
        self._hear(wheel, worked=True)
        await wheel.page.dialogs.answer(accept, text)

    async def give_back(self, session: str, seat: str, note: str = "") -> Returned:
        """The operator is through: the page is read again, what changed is told, and the agent goes on.

        Raises:
            DeskError: the seat does not drive the page, or not any more.
        """
        return await self._release(self._at(session, seat), note)

    async def returned(self, session: str, seat: str) -> Returned:
        """Wait until the takeover is over, by whatever way.

        Raises:
            DeskError: the seat does not drive the page, or not any more.
        """
        return await asyncio.shield(self._at(session, seat).returned)

    def check(self, session: str, operator: str) -> None:
        """Refuse what another than the driver wants of the hand-off that is being driven in.

        Raises:
            DeskError: an operator drives the page, and `operator` is another.
        """
        self._refuse_others(session, operator)

    # The end

    def ended(self, session: str, note: str = "") -> None:
        """The hand-off is over, in whatever way: the lock is gone with it."""
        wheel = self._wheels.pop(session, None)
        if wheel is None:
            return
        wheel.live.hold = None
        if wheel.expiry is not None and wheel.expiry is not asyncio.current_task():
            wheel.expiry.cancel()
        self._worker.spawn(wheel.input.close())
        if not wheel.returned.done():
            wheel.returned.set_result(Returned(operator=wheel.hold.operator, actions=wheel.live.acted(), note=note))
        logger.info("{}: {} drives no more", session, wheel.hold.operator)
        self.tell(session)

    async def _release(self, wheel: _Wheel, note: str) -> Returned:
        live, page = wheel.live, wheel.page
        handoff, _, _ = self._worker.store.handoff(wheel.hold.handoff)
        changes: tuple[str, ...] = ()
        try:
            await page.dialogs.dismiss()
            await wheel.input.release(*await wheel.screencast.size())
            await page.recorder.flush()
            changes = differences(handoff.view, await page.view())
        except BrowserError as error:
            # The page has gone; the agent opens another and looks at that.
            logger.info("{}: {}", live.session, error)
        if not wheel.returned.done():
            returned = Returned(operator=wheel.hold.operator, changes=changes, actions=live.acted(), note=note)
            wheel.returned.set_result(returned)
            await self._worker.desk.give_back(handoff.id, note)
        return wheel.returned.result()

    async def _expire(self, wheel: _Wheel) -> None:
        """Give the page back for an operator who has vanished."""
        loop = asyncio.get_running_loop()
        while True:
            gone = wheel.heard + self.settings.vanish
            idle = wheel.worked + self.settings.idle
            left = min(gone, idle) - loop.time()
            if left <= 0:
                break
            await asyncio.sleep(left)  # the moment moves on whenever the operator is heard of
        operator = wheel.hold.operator
        why = f"{operator} was not heard of" if gone <= idle else f"{operator} did nothing"
        seconds = self.settings.vanish if gone <= idle else self.settings.idle
        logger.warning("{}: {} for {:g} s; the page is the agent's again", wheel.hold.session, why, seconds)
        await self._release(wheel, f"{why} for {seconds:g} s.")

    def _at(self, session: str, seat: str) -> _Wheel:
        wheel = self._wheels.get(session)
        if wheel is None or not self.sits(session, seat):
            raise DeskError(f"You do not drive the page of {session!r}, or not any more. Take it over again.")
        return wheel

    def _hear(self, wheel: _Wheel, worked: bool = False) -> None:
        wheel.heard = asyncio.get_running_loop().time()
        if worked:
            wheel.worked = wheel.heard
