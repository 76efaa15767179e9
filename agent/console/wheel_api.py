"""Taking over and giving back for programs, each with its token: the same lock, the same inputs, the same trace."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request

from agent.console.body import read_body
from agent.console.caller import Caller, parts_of
from agent.console.wheel import takeovers_of
from agent.errors import DeskError
from agent.takeover import Hold, Returned
from browser.errors import PageError
from browser.remote_input import Input
from schema_extraction.view import Frozen


class Seated(Frozen):
    """`seat`: as `take` gave it."""

    seat: Annotated[str, Field(max_length=100)]


class Inputs(Seated):
    """In order."""

    inputs: Annotated[tuple[Annotated[Input, Field(discriminator="kind")], ...], Field(max_length=200)]


class Back(Seated):
    note: Annotated[str, Field(max_length=2000)] = ""


class Holder(Frozen):
    """`operator`: who drives the page; empty: the agent. `since`: ISO 8601."""

    operator: str = ""
    since: str = ""


class Sent(Frozen):
    sent: int


async def holder(request: Request, caller: Caller) -> Holder:
    hold = takeovers_of(request).holder(request.path_params["session"])
    return Holder(operator=hold.operator, since=hold.since.isoformat()) if hold else Holder()


async def take(request: Request, caller: Caller) -> Hold:
    """Once the agent has come to the end of its step."""
    session = request.path_params["session"]
    hold = await takeovers_of(request).take(session, caller.name)
    parts_of(request).audit.write(caller.name, "take_over", session, handoff=hold.handoff)
    return hold


async def send(request: Request, caller: Caller) -> Sent:
    """An empty list only tells that the program is still there."""
    given, session = await read_body(request, Inputs), request.path_params["session"]
    takeovers = takeovers_of(request)
    takeovers.beat(session, given.seat)
    try:
        for message in given.inputs:
            await takeovers.send(session, given.seat, message)
    except PageError as error:
        raise DeskError(str(error)) from error
    return Sent(sent=len(given.inputs))


async def give_back(request: Request, caller: Caller) -> Returned:
    """The answer says what has changed in the page and what was recorded."""
    session = request.path_params["session"]
    given = await read_body(request, Back)
    returned = await takeovers_of(request).give_back(session, given.seat, given.note)
    parts_of(request).audit.write(caller.name, "give_back", session, changes=list(returned.changes))
    return returned
