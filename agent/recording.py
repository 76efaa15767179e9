"""Recording: steps that somebody else takes in a browser, written as traces, one file a case."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from loguru import logger

from browser.errors import BrowserError
from browser.page import CasePage
from browser.session import Browser, BrowserContext, Page
from policies.proposal import is_critical
from policies.trace import Step, TraceWriter
from schema_extraction.action import Action
from schema_extraction.profile import Profile
from schema_extraction.view import View

LAST_LOOK_SECONDS = 6.0


class Recording:
    """Records every page of a browser until `stop`, the browser's end, or `cases` closed cases (0: no limit).

    `on_change(steps, closed)` is called after every step.
    """

    def __init__(
        self,
        profile: Profile,
        out: Path,
        operator: str,
        cases: int = 0,
        on_change: Callable[[int, int], None] = lambda steps, closed: None,
    ) -> None:
        self.profile = profile
        self.out = out
        self.operator = operator
        self.cases = cases
        self.steps = 0
        self.closed: set[str] = set()
        self._on_change = on_change
        self._writers: dict[str, TraceWriter] = {}
        self._counts: dict[str, int] = {}
        self._pages: dict[Page, CasePage] = {}
        self._joining: dict[Page, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._run = uuid.uuid4().hex[:8]

    async def watch(self, browser: Browser) -> None:
        """Join every page that is open in `browser`, and every one that is opened from now on."""
        browser.on("disconnected", lambda _: self.stop())
        for context in browser.contexts:
            await self.watch_context(context)

    async def watch_context(self, context: BrowserContext) -> None:
        context.on("page", self._join)
        context.on("close", lambda _: self.stop())
        for page in context.pages:
            await self.join(page)

    async def join(self, page: Page) -> None:
        """Record `page` from now on; once is enough."""
        await self._join(page)

    def stop(self) -> None:
        """End the recording; all steps so far are on disk."""
        self._ended.set()

    async def until_ended(self) -> None:
        """Return when the recording has ended."""
        await self._ended.wait()
        for page in list(self._pages.values()):
            try:
                await page.recorder.stop()
            except BrowserError as error:
                logger.info("stopping the recorder: {}", error)
        if self._tasks:
            # The last look at a case just closed; a page that hangs must not hold up the end.
            _, late = await asyncio.wait(self._tasks, timeout=LAST_LOOK_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for writer in self._writers.values():
            writer.close()

    def _join(self, page: Page) -> asyncio.Task[None]:
        if page not in self._joining:
            self._joining[page] = self._spawn(self._start(page))
        return self._joining[page]

    async def _start(self, page: Page) -> None:
        if page.is_closed():
            return
        case_page = CasePage(page, self.profile)
        self._pages[page] = case_page
        await case_page.install()
        case_page.recorder.on_step = lambda view, action: self._on_step(case_page, view, action)
        await case_page.recorder.start()
        page.once("close", lambda _: self._left(page))

    def _left(self, page: Page) -> None:
        self._pages.pop(page, None)
        if not self._pages:
            self.stop()

    def _on_step(self, page: CasePage, view: View, action: Action) -> None:
        case_id = view.case_id or self.profile.case_id(page.page.url) or "unknown"
        critical = is_critical(view, action)
        session = f"{''.join(c if c.isalnum() or c in '-_' else '_' for c in case_id)}-{self._run}"
        if session not in self._writers:
            self._writers[session] = TraceWriter(self.out, session)
        index = self._counts.get(session, 0)
        self._counts[session] = index + 1
        self._writers[session].write(
            Step(
                case_id=case_id,
                session=session,
                index=index,
                stage="logging",
                actor="operator",
                user=self.operator,
                view=view,
                critical=critical,
                action=action,
            )
        )
        self.steps += 1
        self._on_change(self.steps, len(self.closed))
        if critical:
            self._spawn(self._look(page, case_id, action))

    async def _look(self, page: CasePage, case_id: str, action: Action) -> None:
        """After a critical step: is the case closed now?"""
        try:
            await page.settle()
            view = await page.view()
        except BrowserError as error:
            logger.info("{}: {}", case_id, error)
            return
        left = view.case_id != case_id and action.type == "close_case"
        if left or (view.closed and view.case_id == case_id):
            self.closed.add(case_id)
            self._on_change(self.steps, len(self.closed))
            if self.cases and len(self.closed) >= self.cases:
                self.stop()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._reaped)
        return task

    def _reaped(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.opt(exception=error).warning("{}", error)
