"""What the sessions of one process share: browser, policy, gates, desk, store, slots. One worker runs at a time, because the
durable engine (DBOS) is one per process."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from dbos import DBOS
from loguru import logger

from agent.desk import Desk
from agent.live import Live
from agent.settings import RunSettings
from agent.slots import Slots
from agent.store import Store
from agent.takeover import Takeovers
from agent.wake import wake
from browser.errors import BrowserError, SignInError
from browser.page import CasePage, new_case_page
from policies.proposal import Concurrent, Decision, History, Policy, Proposal
from schema_extraction.view import View

if TYPE_CHECKING:
    from browser.session import Browser, StorageState

T = TypeVar("T")


class Decider(Protocol):
    """What decides a step: `policies.gate.Gate`, or a double."""

    def decide(self, view: View, history: History, ranked: tuple[Proposal, ...], slice: str) -> Decision: ...


GateFactory = Callable[[str], Decider]
"""Makes the gate of one session, given the session's id (a seed for its blind audits)."""


class Worker:
    """`devtools`: the endpoint under which other programs can join the browser. `on_change` is called after every change
    of a session's state."""

    def __init__(
        self,
        settings: RunSettings,
        policy: Policy,
        gates: GateFactory,
        desk: Desk,
        store: Store,
        browser: Browser,
        devtools: str,
        storage_state: StorageState | None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.gates = gates
        self.desk = desk
        self.store = store
        self.browser = browser
        self.devtools = devtools
        self.storage_state = storage_state
        self.slots = Slots(settings.concurrency)
        self.lives: dict[str, Live] = {}
        self.tasks: dict[str, asyncio.Task[Any]] = {}
        self.stopping = False
        self.takeovers = Takeovers(self)
        self._spare: list[CasePage] = []
        self._on_change = on_change
        self._signing_in = asyncio.Lock()
        self._spawned: set[asyncio.Task[Any]] = set()
        # Messages to a workflow must not be sent in the context of one, or they would count as its steps.
        self._context = contextvars.copy_context()
        # Most models are not made for concurrent calls; those that are answer several sessions in one batch. The loop
        # stays free for the browser either way.
        threads = settings.concurrency if isinstance(policy, Concurrent) else 1
        self._thinker = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="policy")

    def changed(self) -> None:
        self._on_change()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` outside any session; its failure is logged."""
        task = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self._spawned.add(task)
        task.add_done_callback(self._reaped)
        return task

    def _reaped(self, task: asyncio.Task[Any]) -> None:
        self._spawned.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.opt(exception=error).warning("{}", error)

    async def send(self, session: str, topic: str, text: str) -> None:
        """Deliver a message to a session's workflow; the first on a topic counts."""
        await asyncio.get_running_loop().create_task(
            DBOS.send_async(session, text, topic=topic, idempotency_key=topic), context=self._context.copy()
        )
        wake(session, topic)

    async def think(self, live: Live, view: View, history: History) -> tuple[tuple[Proposal, ...], Decision]:
        """Propose and decide, in a thread of the policy's own."""
        gate = self.gates(live.session)

        def both() -> tuple[tuple[Proposal, ...], Decision]:
            ranked = tuple(self.policy.propose(view, history))
            return ranked, gate.decide(view, history, ranked, view.slice)

        return await asyncio.get_running_loop().run_in_executor(self._thinker, both)

    def check_stop(self) -> None:
        """Leave the session here, to be resumed by a later run, when this run is stopping."""
        if self.stopping:
            raise asyncio.CancelledError("the run is stopping")

    def stop(self) -> None:
        """Let every session finish its present step and go no further; those that wait stop at once."""
        self.stopping = True
        for session, task in self.tasks.items():
            live = self.lives.get(session)
            if live is not None and live.phase != "working":
                task.cancel()

    def has_room(self) -> bool:
        """Whether one more page may be opened without evicting another."""
        return sum(live.page is not None for live in self.lives.values()) < self.settings.page_limit

    async def make_room(self, live: Live, pages: int = 1) -> None:
        """Before `live` opens `pages` more: close the page that has waited longest for an operator if there are too many."""
        opened = [other for other in self.lives.values() if other.page is not None and other is not live]
        if len(opened) + pages <= self.settings.page_limit:
            return
        idle = [other for other in opened if other.evictable]
        if idle:
            longest = min(idle, key=lambda other: other.handoff.opened_at.timestamp() if other.handoff else 0.0)
            logger.info("{}: page evicted while it waits", longest.session)
            await longest.close()

    async def take_page(self) -> CasePage:
        """A blank page that is signed in: one that an earlier session is through with, or a new one, which takes Chromium
        most of a second of processor time.

        Raises:
            PageError: the browser is gone.
        """
        return self._spare.pop() if self._spare else await self.new_page()

    async def new_page(self) -> CasePage:
        """A new page that is signed in.

        Raises:
            PageError: the browser is gone.
        """
        shared = bool(self.settings.attach)
        return await new_case_page(self.browser, self.settings.profile, self.storage_state, shared=shared)

    async def give_page(self, page: CasePage) -> None:
        """Take back the page of a session that is over."""
        try:
            if not self.stopping and len(self._spare) < self.settings.concurrency:
                await page.clear()
                self._spare.append(page)
            else:
                await page.close()
        except BrowserError as error:
            logger.info("a page is not used again: {}", error)

    async def sign_in_again(self, page: CasePage) -> None:
        """Renew the login that all sessions share, on one page at a time.

        Raises:
            SignInError: the application refuses it, or there are no credentials.
        """
        credentials = self.settings.credentials
        if credentials is None:
            here = "Sign in in the browser, or set" if self.settings.attach else "Set"
            raise SignInError(f"The application wants a login. {here} CASEPILOT_USERNAME and CASEPILOT_PASSWORD.")
        async with self._signing_in:
            await page.sign_in(credentials.username, credentials.password.get_secret_value())
            if not page.shared:
                self.storage_state = await page.storage_state()

    async def close(self) -> None:
        """Close every page and stop what was spawned."""
        self.stopping = True
        for task in list(self._spawned):
            task.cancel()
        await asyncio.gather(*self._spawned, return_exceptions=True)
        await asyncio.gather(*(live.end() for live in self.lives.values()), return_exceptions=True)
        # A person's own browser goes on after the run, and must be left as it was.
        await asyncio.gather(*(page.close() for page in self._spare), return_exceptions=True)
        self._spare.clear()
        self._thinker.shutdown(wait=True)
