"""The practice BPM's scripted operators at the agent's desk: they look at each hand-off as people do, and answer it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

from loguru import logger

from agent.desk import Desk
from agent.errors import DeskError
from agent.handoff import Handoff
from browser.errors import BrowserError
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import PERSONAS, Persona
from policies.feedback import Reason, Verdict

PATIENCE_SECONDS = 30.0


class Staff:
    """Operators who answer a desk until it closes, each one hand-off at a time."""

    def __init__(self, desk: Desk, db: Path, seed: int = 0, personas: Mapping[str, Persona] = PERSONAS) -> None:
        self.desk = desk
        self.oracle = Oracle(db)
        self.people = [Operator(persona, self.oracle, seed) for persona in personas.values()]
        self._busy = {operator.name: asyncio.Lock() for operator in self.people}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Answer hand-offs; returns when the desk has closed."""
        try:
            async for handoff in self.desk:
                task = asyncio.create_task(self._answer(handoff))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.oracle.close()

    def _operator(self, handoff: Handoff) -> Operator:
        """The same operator for all hand-offs of a case, as when a case has an owner."""
        place = hashlib.blake2b(handoff.case_id.encode(), digest_size=4).digest()[0]
        return self.people[place % len(self.people)]

    async def _answer(self, waiting: Handoff) -> None:
        operator = self._operator(waiting)
        async with self._busy[operator.name]:
            try:
                handoff = await self.desk.claim(waiting.id, operator.name)
                await self._decide(operator, handoff)
            except DeskError as error:
                logger.info("{}: {}", waiting.id, error)
            except BrowserError as error:
                logger.warning("{}: {}: {}", waiting.id, operator.name, error)
                await self._back(handoff, str(error))

    async def _decide(self, operator: Operator, handoff: Handoff) -> None:
        page = self.desk.page(handoff.id)
        if page is None:
            raise DeskError(f"Hand-off {handoff.id!r} has no page.")
        if handoff.proposal is not None:
            view = await page.view()
            verdict = operator.judge(handoff.case_id, view, handoff.proposal.action)
        else:
            verdict = Verdict(kind="reject", operator=operator.name, reason=Reason.OTHER)
        await self.desk.verdict(handoff.id, verdict)
        if verdict.kind != "reject":
            return
        if not await operator.do_step(page.page, handoff.case_id):
            await self._back(handoff, "The case is over.")
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.desk.wait_ended(handoff.id)
        except TimeoutError:
            await self._back(handoff, "The step is done.")

    async def _back(self, handoff: Handoff, note: str) -> None:
        try:
            await self.desk.give_back(handoff.id, note)
        except DeskError as error:
            logger.info("{}: {}", handoff.id, error)
