"""A run: opens the browser, signs in once, works the cases, and can be picked up again from its folder.

async with Runner(settings, policy, gate_factory, desk) as runner:
    summaries = await runner.run(await runner.open_cases())
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from dbos import DBOS, DBOSConfig, Queue, SetWorkflowID
from loguru import logger

from agent.desk import Desk
from agent.errors import RunError
from agent.logs import tame_dbos
from agent.session import SESSION_VERSION, serve, work_case
from agent.settings import RunSettings
from agent.store import CaseSummary, Store
from agent.worker import GateFactory, Worker
from agent.worklist import open_cases
from browser.launch import BrowserSettings
from browser.page import new_case_page
from browser.session import Browser, StorageState, attached, free_port, opened
from policies.proposal import Policy
from schema_extraction.view import Frozen

QUEUE = "sessions"
MESSAGE_POLL_SECONDS = 1.0
QUEUE_POLL_SECONDS = 0.5
"""How often the durable engine looks into SQLite for messages (which `agent.wake` tells of at once) and for new sessions."""


class RunState(Frozen):
    """Where a run stands: numbers of cases. `waiting` ones wait for an operator now."""

    total: int = 0
    working: int = 0
    waiting: int = 0
    done: int = 0
    automated: int = 0
    handed_off: int = 0
    failed: int = 0


class Runner:
    """One run in this process. Summaries come back in the order of the cases given; those of a stopped run that were not
    finished have the status `stopped` and go on when a Runner is opened on the same folder again.

    Raises, on entering:
        RunError: the folder is in use, or belongs to a run with another profile.
        LaunchError, PageError, SignInError: the browser or the application cannot be had.
    """

    def __init__(
        self,
        settings: RunSettings,
        policy: Policy,
        gate_factory: GateFactory,
        desk: Desk,
        on_state: Callable[[RunState], None] | None = None,
    ) -> None:
        self.settings = settings
        self.desk = desk
        self._policy = policy
        self._gates = gate_factory
        self._watchers = [on_state] if on_state else []
        self._sessions: dict[str, str] = {}
        self._summaries: dict[str, CaseSummary] = {}
        self._stopped = asyncio.Event()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Runner:
        async with AsyncExitStack() as stack:
            folder = self.settings.run_dir
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder))
            _same_profile(folder, self.settings)
            self.store = Store(folder / "casepilot.sqlite")
            stack.callback(self.store.close)
            port = self.settings.devtools_port or free_port()
            self.browser = await stack.enter_async_context(self._browser(port))
            storage = await self._sign_in()
            self.worker = Worker(
                self.settings,
                self._policy,
                self._gates,
                self.desk,
                self.store,
                self.browser,
                self.settings.attach or f"http://127.0.0.1:{port}",
                storage,
                self._changed,
            )
            stack.push_async_callback(self._leave)
            self.desk.bind(self.worker)
            self.browser.on("disconnected", lambda _: self.stop())
            serve(self.worker)
            self._queue = await _launch(folder)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def devtools(self) -> str:
        """The DevTools endpoint under which other programs can join the browser."""
        return self.worker.devtools

    async def open_cases(self) -> list[str]:
        """The case ids on the profile's work list.

        Raises:
            RunError: the profile has no work list. PageError: the application cannot be reached.
        """
        page = await self.worker.new_page()
        try:
            return await open_cases(page, self.settings.profile)
        finally:
            await page.close()

    def watch(self, watcher: Callable[[RunState], None]) -> None:
        """Have `watcher` called with where the run stands after every change."""
        self._watchers.append(watcher)

    def unfinished(self) -> list[str]:
        """Cases that an earlier run in this folder began and did not finish, oldest first."""
        return list(self.store.unfinished())

    async def run(self, case_ids: Sequence[str]) -> list[CaseSummary]:
        """Work the cases; finished ones of an earlier run in this folder are not worked again."""
        for case_id in case_ids:
            self._sessions[case_id] = await self._started(case_id)
        self._changed()
        while not self._stopped.is_set():
            self._news.clear()
            if len(self._finished()) == len(self._sessions):
                break
            await self._news.wait()
        await asyncio.gather(*self.worker.tasks.values(), return_exceptions=True)
        return [self._summary(case_id, session) for case_id, session in self._sessions.items()]

    def stop(self) -> None:
        """End the run cleanly: sessions finish their present step; all that is recorded is kept. Safe to call twice."""
        if not self._stopped.is_set():
            logger.info("stopping")
            self._stopped.set()
            self.worker.stop()
            self._news.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    @property
    def state(self) -> RunState:
        """Where the run stands now."""
        summaries = self._finished()
        phases = [live.phase for live in self.worker.lives.values()]
        return RunState(
            total=len(self._sessions),
            working=phases.count("working"),
            waiting=phases.count("waiting"),
            done=sum(s.status != "failed" for s in summaries),
            automated=sum(s.automated for s in summaries),
            handed_off=sum(s.handoffs for s in summaries) + self.store.count_open(),
            failed=sum(s.status == "failed" for s in summaries),
        )

    def _browser(self, port: int) -> AbstractAsyncContextManager[Browser]:
        settings = self.settings
        if settings.attach:
            return attached(settings.attach, guest=True)
        return opened(BrowserSettings(headed=settings.headed, devtools_port=port, isolate_sites=settings.isolate_sites))

    async def _sign_in(self) -> StorageState | None:
        """One login for all sessions: cookies and local storage of a signed-in context; None when there is no login, or the
        browser is a person's own, where they are signed in themselves and whose cookies are nobody's business."""
        credentials = self.settings.credentials
        if credentials is None or self.settings.attach:
            return None
        page = await new_case_page(self.browser, self.settings.profile)
        try:
            await page.sign_in(credentials.username, credentials.password.get_secret_value())
            return await page.storage_state()
        finally:
            await page.close()

    async def _started(self, case_id: str) -> str:
        """The session of a case, started unless it already is; the durable engine itself resumes those that are."""
        session = self.store.session_of(case_id)
        if session is None:
            session = f"{re.sub(r'[^A-Za-z0-9_-]+', '_', case_id)}-{uuid.uuid4().hex[:8]}"
            self.store.begin(session, case_id)
        if self.store.summary(session) is None and await DBOS.get_workflow_status_async(session) is None:
            with SetWorkflowID(session):
                await self._queue.enqueue_async(work_case, session, case_id)
        return session

    def _summary(self, case_id: str, session: str) -> CaseSummary:
        return self.store.summary(session) or CaseSummary(case_id=case_id, session=session, status="stopped")

    def _finished(self) -> list[CaseSummary]:
        if self.store.count_finished() != len(self._summaries):
            for session in self._sessions.values():
                if session not in self._summaries and (summary := self.store.summary(session)):
                    self._summaries[session] = summary
        return list(self._summaries.values())

    def _changed(self) -> None:
        self._news.set()
        for watcher in self._watchers:
            watcher(self.state)

    async def _leave(self) -> None:
        """Stop the sessions, then the durable engine, then the pages; the browser and the files follow."""
        self._stopped.set()
        self.worker.stop()
        await asyncio.gather(*self.worker.tasks.values(), return_exceptions=True)
        self.desk.close()
        await self.worker.close()
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(max_workers=1) as leaving:
            await loop.run_in_executor(leaving, DBOS.destroy)
        # The engine had made its own pool the loop's default, and that is shut down now.
        loop.set_default_executor(ThreadPoolExecutor())
        serve(None)


async def _launch(folder: Path) -> Queue:
    path = (folder / "sessions.sqlite").resolve()

    def connect() -> sqlite3.Connection:
        db = sqlite3.connect(path, check_same_thread=False)
        # As the store beside it: with a rollback journal each message and each round waits three times for the disk.
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        return db

    config: DBOSConfig = {
        "name": "casepilot",
        "system_database_url": f"sqlite:///{path}",
        "db_engine_kwargs": {"creator": connect},
        "application_version": SESSION_VERSION,
        "notification_listener_polling_interval_sec": MESSAGE_POLL_SECONDS,
        "enable_otlp": False,
        "log_level": "WARNING",
    }
    tame_dbos()
    DBOS(config=config)
    # In the loop's own thread, so that the engine runs the workflows in this loop, the browser's.
    DBOS.launch()
    return await DBOS.register_queue_async(QUEUE, polling_interval_sec=QUEUE_POLL_SECONDS)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else may use the run folder while inside.

    Raises:
        RunError: somebody does already.
    """
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                f"The run folder {str(folder)!r} is in use by another run. Stop that, or give another --run-dir."
            ) from error
        yield


def _same_profile(folder: Path, settings: RunSettings) -> None:
    path = folder / "run.json"
    if path.exists():
        earlier = json.loads(path.read_text(encoding="utf-8")).get("profile")
        if earlier != settings.profile.name:
            raise RunError(
                f"The run folder {str(folder)!r} holds a run of profile {earlier!r}, not {settings.profile.name!r}. "
                "Give another --run-dir."
            )
        return
    path.write_text(json.dumps({"profile": settings.profile.name, "stage": settings.stage}), encoding="utf-8")
