"""Live updates: hands what happens to every open stream. A stream that does not keep up is told to look at everything again."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from schema_extraction.view import Frozen

HEARTBEAT_SECONDS = 15.0
KEPT = 1000
"""Events that can be given again to a stream that was cut off."""
WAITING = 500


class Event(Frozen):
    """`name`: `handoff`, `session`, `queue` or `again` (look at everything anew). `to`: the only operator
    whom it is for, if any."""

    id: int
    name: str
    data: dict[str, Any]
    to: str = ""

    def text(self) -> str:
        """As in the event-stream format (HTML Living Standard, 9.2)."""
        return f"id: {self.id}\nevent: {self.name}\ndata: {json.dumps(self.data)}\n\n"


class Hub:
    def __init__(self) -> None:
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._streams: dict[asyncio.Queue[Event | None], str] = {}
        # Counted on from the clock, so that ids grow over restarts and a page that comes back sees that it missed something.
        self._last = int(time.time() * 1000)
        self.closed = False

    @property
    def last(self) -> int:
        """The id of the newest event."""
        return self._last

    def publish(self, name: str, to: str = "", **data: Any) -> None:
        self._last += 1
        event = Event(id=self._last, name=name, data=data, to=to)
        self._kept.append(event)
        for queue, operator in self._streams.items():
            if to and to != operator:
                continue
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(Event(id=self._last, name="again", data={}))
            else:
                queue.put_nowait(event)

    async def stream(self, operator: str, after: int | None, alive: Callable[[], bool]) -> AsyncIterator[str]:
        """What happens from now on, or since the event `after`; ends when `alive` says no, at a heartbeat at the latest."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(WAITING)
        self._streams[queue] = operator
        try:
            yield f"retry: 1000\n\n{''.join(event.text() for event in self._missed(operator, after))}"
            while not self.closed and alive():
                event: Event | None = None
                with suppress(TimeoutError):
                    event = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
                    if event is None:
                        return
                yield event.text() if event else ": still here\n\n"
            yield Event(id=self._last, name="signed-out", data={}).text()
        finally:
            del self._streams[queue]

    def _missed(self, operator: str, after: int | None) -> list[Event]:
        if after is None:
            return []
        oldest = self._kept[0].id if self._kept else self._last + 1
        if after > self._last or after < oldest - 1:
            return [Event(id=self._last, name="again", data={})]
        return [event for event in self._kept if event.id > after and event.to in ("", operator)]

    def listeners(self) -> int:
        return len(self._streams)

    def close(self) -> None:
        """End every stream, so that open pages do not keep the server from shutting down."""
        self.closed = True
        for queue in self._streams:
            while queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
