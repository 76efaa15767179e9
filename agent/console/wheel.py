"""The live page of a session in the console: pictures to the browser, the operator's mouse and keys to the page.

One WebSocket a screen. Pictures go out as binary messages, each after the one before it has been drawn, so that a slow line
gets fewer of them and never old ones. All else is JSON with a `kind`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from loguru import logger
from pydantic import Field, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.console.caller import Caller, SignedOut, cookie_name, parts_of, person
from agent.console.pages import common
from agent.console.render import rendered
from agent.console.security import check_csrf, check_origin
from agent.errors import DeskError, UnknownError
from agent.takeover import Hold, Takeovers
from agent.words import describe
from browser.errors import PageError
from browser.popup import Popup, open_popup
from browser.remote_input import Choose, Input, Key, Mouse
from browser.screencast import Screencast
from schema_extraction.view import Frozen

SIGNED_OUT = 4401
REFUSED = 4403
AHEAD = 2
"""Pictures under way to a screen that has not yet said that it drew the last one."""
MOST_WAITING = 500
"""Inputs that wait for the page; a person makes no more before it answers."""
OPENING = frozenset({"Enter", " ", "F4", "ArrowDown", "ArrowUp"})
CLOSING = frozenset({"Enter", "Escape", "Tab"})
OPENS_SECONDS = 0.5
"""In which a native select opens its list after a press or one of the opening keys."""


class Take(Frozen):
    """`csrf`: of the page's login."""

    kind: Literal["take"]
    csrf: str


class GiveBack(Frozen):
    kind: Literal["give_back"]
    note: Annotated[str, Field(max_length=2000)] = ""


class Answer(Frozen):
    """To the browser's own dialog."""

    kind: Literal["answer"]
    accept: bool
    text: Annotated[str, Field(max_length=2000)] = ""


class Beat(Frozen):
    """The screen is still there."""

    kind: Literal["beat"]


class Drawn(Frozen):
    """A picture has been drawn."""

    kind: Literal["drawn"]


MESSAGE: TypeAdapter[Take | GiveBack | Answer | Beat | Drawn | Input] = TypeAdapter(
    Annotated[Take | GiveBack | Answer | Beat | Drawn | Input, Field(discriminator="kind")]
)


class Screen:
    """One operator's screen on one session: it watches, and drives while it has a seat."""

    def __init__(self, socket: WebSocket, caller: Caller, session: str, takeovers: Takeovers) -> None:
        self._socket = socket
        self._caller = caller
        self._session = session
        self._takeovers = takeovers
        self._parts = parts_of(socket)
        self._hold: Hold | None = None
        self._inputs: deque[Input] = deque()
        self._input = asyncio.Event()
        self._changed = asyncio.Event()
        self._page_changed = asyncio.Event()
        self._spawned: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AHEAD)
        self._worked = False
        self._popup: Popup | None = None
        self._dialogs: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Serve the screen until it goes away."""
        ends = self._takeovers.watch(self._told)
        self._told(self._session)
        tasks = [asyncio.create_task(part()) for part in (self._read, self._show, self._carry, self._state)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (WebSocketDisconnect, SignedOut) as error:
            if isinstance(error, SignedOut):
                await self._socket.close(SIGNED_OUT)
        finally:
            ends()
            self._dialogs()
            running = [*tasks, *self._spawned]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _told(self, session: str) -> None:
        if session == self._session:
            self._changed.set()
            self._page_changed.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._spawned.add(task)
        task.add_done_callback(self._reaped)

    def _reaped(self, task: asyncio.Task[None]) -> None:
        self._spawned.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.debug("{}: the screen was not told: {!r}", self._session, error)

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._socket.send_json({"kind": kind, **fields})

    # From the screen

    async def _read(self) -> None:
        while True:
            text = await self._socket.receive_text()
            try:
                message = MESSAGE.validate_json(text)
            except ValidationError as error:
                first = error.errors()[0]
                await self._send("refused", message=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
                continue
            try:
                await self._heard(message)
            except (DeskError, PageError) as error:
                await self._send("refused", message=str(error))
            except HTTPException as error:
                await self._send("refused", message=error.detail)

    async def _heard(self, message: Take | GiveBack | Answer | Beat | Drawn | Input) -> None:
        match message:
            case Drawn():
                self._room.release()
            case Beat():
                self._alive()
            case Take():
                check_csrf(self._caller.csrf, message.csrf)
                await self._take()
            case GiveBack():
                returned = await self._takeovers.give_back(self._session, self._seat, message.note)
                self._parts.audit.write(self._caller.name, "give_back", self._session, changes=list(returned.changes))
            case Answer():
                self._worked = True
                await self._takeovers.answer(self._session, self._seat, message.accept, message.text)
            case _:
                self._put(message)

    @property
    def _seat(self) -> str:
        return self._hold.seat if self._hold else ""

    def _alive(self) -> None:
        secret = self._socket.cookies.get(cookie_name(self._parts.settings.tls), "")
        if self._parts.logins.find(secret, touch=self._worked) is None:
            raise SignedOut
        self._worked = False
        if self._hold is not None:
            self._takeovers.beat(self._session, self._seat)

    async def _take(self) -> None:
        self._hold = await self._takeovers.take(self._session, self._caller.name)
        self._parts.audit.write(self._caller.name, "take_over", self._session, handoff=self._hold.handoff)
        page, _ = self._takeovers.wheel(self._session, self._seat)
        self._spawn(self._await_return(self._hold))
        self._dialogs()

        def dialog(heard: Any) -> None:
            told = {"dialog": heard.kind, "text": heard.text} if heard else {"dialog": None}
            self._spawn(self._send("dialog", **told))

        page.dialogs.watchers.append(dialog)
        self._dialogs = lambda: page.dialogs.watchers.remove(dialog) if dialog in page.dialogs.watchers else None

    async def _await_return(self, hold: Hold) -> None:
        returned = await self._takeovers.returned(hold.session, hold.seat)
        done = [describe(action.action) for action in returned.actions]
        await self._send("returned", operator=returned.operator, changes=returned.changes, done=done, note=returned.note)

    def _put(self, message: Input) -> None:
        last = self._inputs[-1] if self._inputs else None
        moves = isinstance(message, Mouse) and message.action == "move"
        if moves and isinstance(last, Mouse) and last.action == "move":
            self._inputs[-1] = message  # only where the mouse is now matters
        elif len(self._inputs) < MOST_WAITING:
            self._inputs.append(message)
        self._input.set()

    # To the page

    async def _carry(self) -> None:
        last: Input | None = None  # that may have opened or closed a list
        while True:
            await self._input.wait()
            if not self._inputs:
                self._input.clear()
                continue
            message = self._inputs.popleft()
            self._worked = True
            try:
                await self._takeovers.send(self._session, self._seat, message)
                last = last if isinstance(message, Mouse) and message.action == "move" else message
                if not self._inputs and last is not None:
                    await self._look_for_list(last)
                    last = None
            except (DeskError, PageError) as error:
                self._inputs.clear()
                await self._send("refused", message=str(error))

    async def _look_for_list(self, message: Input) -> None:
        """The lists of native selects are in no picture: tell the screen of one that opens or closes."""
        opens = isinstance(message, Mouse) or (isinstance(message, Key) and message.action == "down" and message.key in OPENING)
        if isinstance(message, Choose) or (isinstance(message, Key) and message.key in CLOSING):
            self._popup = None  # the screen knows
        if not opens and self._popup is None:
            return
        page, screencast = self._takeovers.wheel(self._session, self._seat)
        popup = await open_popup(page.page, OPENS_SECONDS if opens else 0.0)
        if popup == self._popup:
            return
        self._popup = popup
        if popup is None:
            await self._send("list", options=None)
            return
        width, height = await screencast.size()
        await self._send(
            "list",
            x=popup.left / width,
            y=(popup.top + popup.height) / height,
            width=popup.width / width,
            options=[option.model_dump() for option in popup.options],
        )

    # To the screen

    async def _show(self) -> None:
        while True:
            screencast = self._takeovers.screencast(self._session)
            self._page_changed.clear()
            if screencast is not None:
                try:
                    await self._stream(screencast)
                except PageError as error:
                    logger.debug("{}: {}", self._session, error)
            else:
                await self._send("dark")
                await self._page_changed.wait()

    async def _stream(self, screencast: Screencast) -> None:
        async with screencast.watch() as frames:
            async for frame in frames:
                await self._room.acquire()
                await self._socket.send_bytes(frame.jpeg)

    async def _state(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            live = self._takeovers.live(self._session)
            hold = self._takeovers.holder(self._session)
            mine = self._takeovers.sits(self._session, self._seat)
            open = live.handoff if live is not None else None
            handoff = self._parts.floor.shown(open) if open is not None else None
            done = [describe(action.action) for action in live.acted()] if live is not None and hold is not None else []
            await self._send(
                "state",
                over=live is None,
                driver=hold.operator if hold else "",
                mine=mine,
                since=hold.since.isoformat() if hold else "",
                waits=bool(live is not None and live.standing.is_set()),
                suggestion=handoff.suggestion if handoff else "",
                reason=handoff.reason if handoff else "",
                done=done,
            )


def takeovers_of(connection: Request | WebSocket) -> Takeovers:
    """The locks of the pages of the run that the console stands beside.

    Raises:
        DeskError: no agents work in this process.
    """
    floor = parts_of(connection).floor
    if not floor.running:
        raise DeskError("The agents are not running, so there is no page to drive. Start them with `casepilot run --console`.")
    return floor.desk.takeovers


async def page(request: Request) -> Response:
    caller, floor, name = person(request), parts_of(request).floor, request.path_params["session"]
    state = floor.session(name)
    if state is None:
        raise UnknownError(f"There is no session {name!r} in this run.")
    shown = floor.find(state.handoff) if state.handoff else None
    return HTMLResponse(rendered("wheel.html", state=state, handoff=shown, **common(request, caller, "sessions")))


async def wheel(socket: WebSocket) -> None:
    try:
        if "origin" not in socket.headers:
            raise HTTPException(403, "Expected the Origin that a browser sends. Programs use the API.")
        check_origin(socket)
        caller, takeovers = person(socket), takeovers_of(socket)
    except SignedOut:
        await socket.close(SIGNED_OUT)
        return
    except (HTTPException, DeskError) as error:
        logger.info("a screen is refused: {}", error)
        await socket.close(REFUSED)
        return
    await socket.accept()
    await Screen(socket, caller, socket.path_params["session"], takeovers).run()


ROUTES: list[BaseRoute] = [
    Route("/sessions/{session}/page", page),
    WebSocketRoute("/sessions/{session}/wheel", wheel),
]
