"""A scripted operator of the practice BPM as an outside program: all it knows of the agent comes over the console's API."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType

from loguru import logger

from agent.console.answers import Answer
from agent.console.api import Seen
from agent.console.client import ConsoleClient, over
from agent.errors import DeskError
from browser.errors import BrowserError
from browser.session import Browser, Page, attached, find_page
from fixtures.operators.operator import Operator
from policies.feedback import Reason, Verdict


class Clerk:
    """Answers hand-offs one at a time, as they come. What it rejects it does itself: it takes the page over, joins the browser
    at its DevTools address, does the step, and gives the page back.

    async with Clerk(console, operator) as clerk:
        await clerk.work()

    `answered`: how many of each kind. `heard`: (hand-off, change) of every event of the stream, in order.
    """

    def __init__(self, console: ConsoleClient, operator: Operator, on_answer: Callable[[], None] = lambda: None) -> None:
        self.console = console
        self.operator = operator
        self.answered: Counter[str] = Counter()
        self.heard: list[tuple[str, str]] = []
        self._on_answer = on_answer
        self._stack = AsyncExitStack()
        self._browser: Browser | None = None
        self._todo: asyncio.Queue[str | None] = asyncio.Queue()

    async def __aenter__(self) -> Clerk:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def work(self, ready: Callable[[], None] = lambda: None) -> None:
        """Answer what waits and what comes, until every case of the run is over. `ready` is called once the stream is open.

        Raises:
            ConsoleError: the console is not there, or does not take the token.
        """
        for place in await self.console.handoffs():
            self._todo.put_nowait(place.id)
        reading = asyncio.create_task(self._read(ready))
        try:
            while (id := await self._todo.get()) is not None:
                await self._answer(id)
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, ready: Callable[[], None]) -> None:
        """Take note of what the stream tells, also while a hand-off is being answered."""
        try:
            async for event in self.console.events(ready):
                if event.name == "handoff":
                    id, change = str(event.data["id"]), str(event.data["change"])
                    self.heard.append((id, change))
                    if change == "opened":
                        self._todo.put_nowait(id)
                if event.name == "state" and over(event.data):
                    return
        finally:
            self._todo.put_nowait(None)

    async def _answer(self, id: str) -> None:
        try:
            seen = await self.console.handoff(id)
            if seen.card.state == "ended" or seen.card.operator not in ("", self.operator.name):
                return
            verdict = self._verdict(seen)
            if seen.card.action is not None:
                await self.console.answer(
                    id, Answer(kind=verdict.kind, reason=verdict.reason, note=verdict.note, action=verdict.edited)
                )
            self.answered[verdict.kind] += 1
            self._on_answer()
            if verdict.kind == "reject":
                await self._do_it(seen)
        except DeskError as error:
            logger.info("{}: {}", id, error)  # it ended, or went to somebody else, before its turn came

    def _verdict(self, seen: Seen) -> Verdict:
        card = seen.card
        if card.action is None:
            return Verdict(kind="reject", operator=self.operator.name, reason=Reason.OTHER)
        return self.operator.judge(card.case_id, seen.view, card.action)

    async def _do_it(self, seen: Seen) -> None:
        hold = await self.console.take_over(seen.card.session)
        note = ""
        try:
            there = await self.console.handoff(hold.handoff)  # an evicted page was opened again, at another target
            page = await self._page(there)
            if not await self.operator.do_step(page, seen.card.case_id):
                note = "The case is over."
        except BrowserError as error:
            note = str(error)
            logger.warning("{}: {}", hold.handoff, note)
        await self.console.give_back(hold, note)

    async def _page(self, seen: Seen) -> Page:
        if self._browser is None:
            self._browser = await self._stack.enter_async_context(attached(seen.card.devtools, guest=True))
        return await find_page(self._browser, seen.target)
