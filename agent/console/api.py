"""The API for programs, under `/api/v1`: what operators can do in the pages, as JSON with a bearer token.

`ENDPOINTS` is the one list from which both the routes and the OpenAPI description are made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.console import wheel_api as wheel
from agent.console.accounts import Role
from agent.console.answers import MOST_NOTE, Answer, Receipt
from agent.console.audit import Entry
from agent.console.body import read_body
from agent.console.caller import Caller, bearer, parts_of, program
from agent.console.card import Card, card
from agent.console.floor import SessionState
from agent.console.queue import Place, ordered, placed
from agent.console.supervision import Supervision, supervision
from agent.errors import UnknownError
from agent.takeover import Hold, Returned
from schema_extraction.view import Frozen, View


class Message(Frozen):
    message: str


class Waits(Frozen):
    """One place in the queue."""

    id: str
    session: str
    case_id: str
    process: str
    suggestion: str
    reason: str
    state: str
    operator: str
    critical: bool
    waited_seconds: float
    deadline: str
    risk: str
    urgency: float


class Queue(Frozen):
    handoffs: tuple[Waits, ...]


class Seen(Frozen):
    """`card`: as operators see it. `view`: the page, as the agent reads it. `target`: the page's CDP target id, by which a
    program that joins the browser at the card's `devtools` finds it; empty while no page is open."""

    card: Card
    view: View
    target: str


class Sessions(Frozen):
    sessions: tuple[SessionState, ...]


class Entries(Frozen):
    entries: tuple[Entry, ...]


class Verdict(Answer):
    """`undo_seconds`: how long an accepted critical action waits, so that it can be taken back; a program's leaves at once."""

    undo_seconds: float = Field(default=0.0, ge=0.0, le=60.0)


class Note(Frozen):
    note: str = Field(default="", max_length=MOST_NOTE)


class Nothing(Frozen):
    """An empty body will do."""


class Done(Frozen):
    handoff: str
    state: str


@dataclass(frozen=True)
class Endpoint:
    """`body` is what a request brings, `answer` what it gets with 200."""

    path: str
    method: str
    summary: str
    run: Callable[[Request, Caller], Awaitable[BaseModel]]
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    role: Role = "operator"
    query: tuple[str, ...] = ()


def _waits(place: Place) -> Waits:
    handoff = place.handoff
    return Waits(
        id=handoff.id,
        session=handoff.session,
        case_id=handoff.case_id,
        process=handoff.view.slice,
        suggestion=handoff.suggestion,
        reason=handoff.reason,
        state=place.waiting.state,
        operator=place.waiting.operator,
        critical=handoff.critical,
        waited_seconds=place.waited_seconds,
        deadline=place.deadline.isoformat() if place.deadline else "",
        risk=place.risk,
        urgency=place.urgency,
    )


async def handoffs(request: Request, caller: Caller) -> Queue:
    parts = parts_of(request)
    places = ordered(parts.floor.waiting(), "urgency", parts.answers.snoozed(caller.name))
    return Queue(handoffs=tuple(_waits(place) for place in places))


async def handoff(request: Request, caller: Caller) -> Seen:
    parts, id = parts_of(request), request.path_params["id"]
    waiting = parts.floor.find(id)
    parts.answers.seen(id, caller.name)
    shown = card(placed(waiting), parts.floor.picture(id) is not None)
    return Seen(card=shown, view=waiting.handoff.view, target=waiting.handoff.target_id)


async def claim(request: Request, caller: Caller) -> Done:
    await read_body(request, Nothing)
    parts_of(request).answers.claim(request.path_params["id"], caller.name)
    return Done(handoff=request.path_params["id"], state="claimed")


async def release(request: Request, caller: Caller) -> Done:
    await read_body(request, Nothing)
    await parts_of(request).answers.release(request.path_params["id"], caller.name)
    return Done(handoff=request.path_params["id"], state="released")


async def verdict(request: Request, caller: Caller) -> Receipt:
    given = await read_body(request, Verdict)
    answer = Answer.model_validate(given.model_dump(exclude={"undo_seconds"}))
    return await parts_of(request).answers.answer(request.path_params["id"], caller.name, answer, given.undo_seconds)


async def undo(request: Request, caller: Caller) -> Done:
    await read_body(request, Nothing)
    await parts_of(request).answers.undo(request.path_params["id"], caller.name)
    return Done(handoff=request.path_params["id"], state="undone")


async def give_back(request: Request, caller: Caller) -> Done:
    note = await read_body(request, Note)
    await parts_of(request).answers.give_back(request.path_params["id"], caller.name, note.note)
    return Done(handoff=request.path_params["id"], state="given_back")


async def end(request: Request, caller: Caller) -> Done:
    note = await read_body(request, Note)
    await parts_of(request).answers.end_session(request.path_params["id"], caller.name, note.note)
    return Done(handoff=request.path_params["id"], state="ended")


async def sessions(request: Request, caller: Caller) -> Sessions:
    return Sessions(sessions=tuple(parts_of(request).floor.sessions()))


async def session(request: Request, caller: Caller) -> SessionState:
    state = parts_of(request).floor.session(request.path_params["session"])
    if state is None:
        raise UnknownError(f"There is no session {request.path_params['session']!r} in this run.")
    return state


async def figures(request: Request, caller: Caller) -> Supervision:
    parts = parts_of(request)
    return supervision(parts.db, 24.0, parts.settings.rushed_seconds)


async def entries(request: Request, caller: Caller) -> Entries:
    return Entries(entries=tuple(parts_of(request).audit.entries(subject=request.query_params.get("subject", ""))))


ENDPOINTS = (
    Endpoint("/handoffs", "GET", "The hand-offs that wait, most urgent first", handoffs, Queue),
    Endpoint("/handoffs/{id}", "GET", "One hand-off: card and view", handoff, Seen),
    Endpoint("/handoffs/{id}/claim", "POST", "Take a hand-off, so that nobody else can answer it", claim, Done, Nothing),
    Endpoint("/handoffs/{id}/release", "POST", "Leave a hand-off to others again", release, Done, Nothing),
    Endpoint("/handoffs/{id}/verdict", "POST", "Accept, edit or reject the suggestion", verdict, Receipt, Verdict),
    Endpoint("/handoffs/{id}/undo", "POST", "Take back an accepted action that has not left", undo, Done, Nothing),
    Endpoint("/handoffs/{id}/give-back", "POST", "Give the page back: the agent looks again", give_back, Done, Note),
    Endpoint("/handoffs/{id}/end", "POST", "End the session: the agent leaves the case alone", end, Done, Note),
    Endpoint("/sessions", "GET", "Every session of the run", sessions, Sessions),
    Endpoint("/sessions/{session}", "GET", "One session", session, SessionState),
    Endpoint("/sessions/{session}/takeover", "GET", "Who drives the page of a session", wheel.holder, wheel.Holder),
    Endpoint("/sessions/{session}/takeover", "POST", "Take the page of a session over", wheel.take, Hold, Nothing),
    Endpoint(
        "/sessions/{session}/takeover/input",
        "POST",
        "Bring inputs to the page",
        wheel.send,
        wheel.Sent,
        wheel.Inputs,
    ),
    Endpoint("/sessions/{session}/takeover/give-back", "POST", "Give the page back", wheel.give_back, Returned, wheel.Back),
    Endpoint("/supervision", "GET", "Figures of the last 24 hours", figures, Supervision, role="supervisor"),
    Endpoint("/audit", "GET", "The audit log, newest first", entries, Entries, role="supervisor", query=("subject",)),
)
PREFIX = "/api/v1"
EVENTS = "/events"


def _route(endpoint: Endpoint) -> Route:
    async def answered(request: Request) -> Response:
        caller = program(request, endpoint.role)
        found = await endpoint.run(request, caller)
        return JSONResponse(found.model_dump(mode="json"))

    return Route(PREFIX + endpoint.path, answered, methods=[endpoint.method], name=f"{endpoint.method} {endpoint.path}")


async def events(request: Request) -> Response:
    """What happens, as it happens: an event stream that a program can take up again by `Last-Event-ID`."""
    caller, parts = program(request), parts_of(request)
    after = request.headers.get("last-event-id", "")
    secret = bearer(request)
    stream = parts.hub.stream(
        caller.name, int(after) if after.isdecimal() else None, lambda: parts.tokens.owner(secret) is not None
    )
    return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def description(request: Request) -> Response:
    from agent.console.openapi import described

    return JSONResponse(described(ENDPOINTS, PREFIX, EVENTS))


ROUTES: list[Any] = [
    Route(f"{PREFIX}/openapi.json", description),
    Route(PREFIX + EVENTS, events),
    *map(_route, ENDPOINTS),
]
