"""Taking over and giving back for programs, each with its token: the same lock, the same inputs, the same trace."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agent.console.caller import parts_of, program
from agent.console.wheel import takeovers_of
from agent.errors import DeskError
from browser.errors import PageError
from browser.remote_input import Input
from schema_extraction.view import Frozen

T = TypeVar("T", bound=BaseModel)


class Seated(Frozen):
    """`seat`: as `take` gave it."""

    seat: Annotated[str, Field(max_length=100)]


class Inputs(Seated):
    """In order."""

    inputs: Annotated[tuple[Annotated[Input, Field(discriminator="kind")], ...], Field(max_length=200)]


class Back(Seated):
    note: Annotated[str, Field(max_length=2000)] = ""


async def _body(request: Request, kind: type[T]) -> T:
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors()[0]
        raise HTTPException(422, f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}.") from error


async def holder(request: Request) -> Response:
    """Who drives the page of a session; an empty `operator`: the agent."""
    program(request)
    hold = takeovers_of(request).holder(request.path_params["session"])
    return JSONResponse(hold.model_dump(mode="json", exclude={"seat"}) if hold else {"operator": ""})


async def take(request: Request) -> Response:
    """Take the page over, once the agent has come to the end of its step."""
    caller, session = program(request), request.path_params["session"]
    hold = await takeovers_of(request).take(session, caller.name)
    parts_of(request).audit.write(caller.name, "take_over", session, handoff=hold.handoff)
    return JSONResponse(hold.model_dump(mode="json"))


async def send(request: Request) -> Response:
    """Bring inputs to the page. An empty list only tells that the program is still there."""
    program(request)
    given, session = await _body(request, Inputs), request.path_params["session"]
    takeovers = takeovers_of(request)
    takeovers.beat(session, given.seat)
    try:
        for message in given.inputs:
            await takeovers.send(session, given.seat, message)
    except PageError as error:
        raise DeskError(str(error)) from error
    return JSONResponse({"sent": len(given.inputs)})


async def give_back(request: Request) -> Response:
    """Give the page back; the answer says what has changed in it and what was recorded."""
    caller, session = program(request), request.path_params["session"]
    given = await _body(request, Back)
    returned = await takeovers_of(request).give_back(session, given.seat, given.note)
    parts_of(request).audit.write(caller.name, "give_back", session, changes=list(returned.changes))
    return JSONResponse(returned.model_dump(mode="json"))


ROUTES: list[BaseRoute] = [
    Route("/api/sessions/{session}/takeover", holder, methods=["GET"]),
    Route("/api/sessions/{session}/takeover", take, methods=["POST"]),
    Route("/api/sessions/{session}/takeover/input", send, methods=["POST"]),
    Route("/api/sessions/{session}/takeover/give-back", give_back, methods=["POST"]),
]
