"""A program's side of the console: its API over HTTP with a token, from any machine that can reach it.

async with ConsoleClient("http://127.0.0.1:8020", token) as console:
    async for event in console.events():
        ...
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from agent.console.answers import Answer, Receipt
from agent.console.api import EVENTS, PREFIX, Seen, Waits
from agent.console.api import Queue as Waiting
from agent.errors import ConsoleError, DeskError, EndedError, UnknownError
from agent.takeover import Hold, Returned
from browser.remote_input import Input
from schema_extraction.view import Frozen

SECONDS = 120.0
"""An answer may take as long as the agent's present step, where a page is taken over."""
TRIES = 5
PAUSE_SECONDS = 0.5


class Told(Frozen):
    """One event of the stream. `name`: `handoff` (`data` has `id`, `change`, `operator`), `state`, `problem`, or `again`: some
    were lost, so look at everything anew."""

    id: int
    name: str
    data: dict[str, Any]


def over(state: dict[str, Any], cases: int = 1) -> bool:
    """Whether a `state` event says that every case of the run is over. `cases`: so many there are to be, also where the run
    does not know of all of them yet."""
    return bool(max(cases, state["total"]) <= state["done"] + state["failed"])


class ConsoleClient:
    """Methods are named after what operators do. Each raises what the console answers with:

    Raises:
        UnknownError, EndedError, DeskError: there is no such hand-off, it has ended, or it is another operator's.
        ConsoleError: the console is not there, or does not take the token or what was sent.
    """

    def __init__(self, address: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(base_url=address + PREFIX, headers=headers, timeout=SECONDS, trust_env=False)

    async def __aenter__(self) -> ConsoleClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def handoffs(self) -> tuple[Waits, ...]:
        """Those that wait, most urgent first."""
        return Waiting.model_validate_json(await self._get("/handoffs")).handoffs

    async def handoff(self, id: str) -> Seen:
        """Card and view of a hand-off."""
        return Seen.model_validate_json(await self._get(f"/handoffs/{quote(id)}"))

    async def claim(self, id: str) -> None:
        """Keep a hand-off, so that nobody else can answer it."""
        await self._post(f"/handoffs/{quote(id)}/claim", {})

    async def answer(self, id: str, answer: Answer) -> Receipt:
        """Accept, edit or reject a suggestion."""
        body = answer.model_dump(mode="json", exclude_none=True)
        return Receipt.model_validate_json(await self._post(f"/handoffs/{quote(id)}/verdict", body))

    async def take_over(self, session: str) -> Hold:
        """Drive the page of a session, once the agent has come to the end of its step."""
        return Hold.model_validate_json(await self._post(f"/sessions/{quote(session)}/takeover", {}))

    async def send(self, hold: Hold, *inputs: Input) -> None:
        """Bring inputs to the page that is driven; none only tells that the program is still there."""
        body = {"seat": hold.seat, "inputs": [one.model_dump(mode="json") for one in inputs]}
        await self._post(f"/sessions/{quote(hold.session)}/takeover/input", body)

    async def give_back(self, hold: Hold, note: str = "") -> Returned:
        """End a takeover: what has changed in the page, and what was recorded."""
        path = f"/sessions/{quote(hold.session)}/takeover/give-back"
        return Returned.model_validate_json(await self._post(path, {"seat": hold.seat, "note": note}))

    async def events(self, ready: Callable[[], None] = lambda: None) -> AsyncIterator[Told]:
        """What happens from now on, until the console ends. A line that breaks is taken up where it was. `ready` is called when
        the line stands.

        Raises:
            ConsoleError: the token is not taken.
        """
        last = ""
        tries = 0
        while tries < TRIES:
            try:
                headers = {"last-event-id": last} if last else {}
                async with self._http.stream("GET", EVENTS, headers=headers, timeout=None) as answer:
                    if answer.status_code != 200:
                        raise _refusal(answer.status_code, await answer.aread())
                    tries = 0
                    ready()
                    async for event in _parsed(answer):
                        last = str(event.id)
                        if event.name == "signed-out":
                            return
                        yield event
            except httpx.TransportError:
                pass  # it went away; whether it is back shows at the next try
            tries += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _get(self, path: str) -> bytes:
        return await self._asked("GET", path)

    async def _post(self, path: str, body: dict[str, Any]) -> bytes:
        return await self._asked("POST", path, body)

    async def _asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise ConsoleError(f"The console at {self._http.base_url} cannot be reached: {error}. Is it running?") from error
        if answer.status_code != 200:
            raise _refusal(answer.status_code, answer.content)
        return answer.content


async def _parsed(answer: httpx.Response) -> AsyncIterator[Told]:
    """The events of a stream (HTML Living Standard, 9.2.6); comments and unknown fields are passed over."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            yield Told(id=int(fields["id"]), name=fields["event"], data=json.loads(fields["data"]))
        fields = {}


def _refusal(status: int, body: bytes) -> DeskError | ConsoleError:
    """The error that an answer other than 200 stands for."""
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = f"The console answered {status}."
    kinds: dict[int, type[DeskError | ConsoleError]] = {404: UnknownError, 409: DeskError, 410: EndedError}
    return kinds.get(status, ConsoleError)(message)
