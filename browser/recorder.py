"""The recorder: what somebody else does on a page, told as (view, action) in the same union that the hands carry out."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from weakref import WeakKeyDictionary

from loguru import logger
from playwright.async_api import BrowserContext, Dialog, Frame, Page
from playwright.async_api import Error as PlaywrightError

from browser import capture, settle
from browser.errors import PageError
from browser.events import Heard, act, entering
from browser.fold import Folder
from browser.gestures import Gesture, Gestures
from browser.perform import ground
from schema_extraction.action import Action
from schema_extraction.errors import ExtractionError
from schema_extraction.extract import extract
from schema_extraction.profile import Profile
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.view import View

BINDING = "casepilotRecord"
KEPT = 64  # snapshots that later events may still refer to
TELL = '([method, argument]) => globalThis[Symbol.for("casepilot.recorder")]?.[method](argument) ?? null'
OnStep = Callable[[View, Action], Awaitable[None] | None]


@cache
def script() -> str:
    """The source of all that the recorder needs in a page, in order."""
    own = files("browser").joinpath("injected/recorder.js").read_text(encoding="utf-8")
    return "\n".join((capture.script(), settle.script(), ground.script(), own))


_heard_by: WeakKeyDictionary[BrowserContext | Page, list[Recorder]] = WeakKeyDictionary()
"""The recorders of each context, or of each page recorded alone, which share one binding, for a binding can be neither taken
away nor made twice."""


class Recorder:
    """Records a page, its frames, and the pages that its context opens later; `alone`: no other page of its context.

    `on_step(view, action)` is called in order, with the view as it was before the action. Only steps on case pages are told.
    Fills are told when the field is left; `flush` tells them now. `on_held(view, action)` is called for what is held back until
    the page has been looked at a while later, since it may be a part of something; `look` looks now.
    """

    def __init__(self, page: Page, profile: Profile, on_step: OnStep | None = None, *, alone: bool = False) -> None:
        self.page = page
        self.alone = alone
        self.profile = profile
        self.on_step = on_step
        self.on_held: Callable[[View, Action], None] | None = None
        self.started = False
        self.paused = False
        self._epoch = 0
        self._pages: list[Page] = []
        self._folders: WeakKeyDictionary[Page, Folder] = WeakKeyDictionary()
        self._gestures: WeakKeyDictionary[Page, Gestures] = WeakKeyDictionary()
        self._queue: asyncio.Queue[tuple[Page, Heard | None]] = asyncio.Queue()  # None: a new document
        self._snapshots: OrderedDict[tuple[str, int], Snapshot] = OrderedDict()
        self._views: OrderedDict[tuple[str, int], View] = OrderedDict()
        self._seen: dict[str, int] = {}
        self._arrived = asyncio.Condition()
        self._worker: asyncio.Task[None] | None = None

    @property
    def listening(self) -> bool:
        """Whether somebody else drives the page, and is recorded."""
        return self.started and not self.paused

    @property
    def _scope(self) -> BrowserContext | Page:
        return self.page if self.alone else self.page.context

    # Starting and stopping

    async def start(self) -> None:
        """Begin to record. The page may be open already, and somebody may be driving it.

        Raises:
            PageError: the page is gone.
        """
        if self.started:
            return
        self.started, self.paused = True, False
        scope = self._scope
        self._pages = [self.page]
        first = scope not in _heard_by
        _heard_by.setdefault(scope, []).append(self)
        self._worker = asyncio.create_task(self._work())
        if first:
            try:
                await scope.expose_binding(BINDING, _on_call)
                await scope.add_init_script(script=script())
            except PlaywrightError as error:
                raise PageError(f"The page {self.page.url!r} went away before it could be recorded.") from error
        if not self.alone:
            self.page.context.on("page", self._on_page)
        self.page.on("dialog", _leave)
        for frame in self.page.frames:
            try:
                await frame.evaluate(script())
            except PlaywrightError as error:
                logger.debug("Frame {!r} cannot be recorded yet: {}", frame.url, error)
        await self._in_frames("set", [True, self._epoch])

    async def stop(self) -> None:
        """Tell what is left, and stop."""
        if not self.started:
            return
        await self.pause()
        self.started = False
        if not self.alone:
            self.page.context.remove_listener("page", self._on_page)
        for page in self._pages:
            page.remove_listener("dialog", _leave)
        recorders = _heard_by.get(self._scope, [])
        if self in recorders:
            recorders.remove(self)
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None

    async def pause(self) -> None:
        """Tell what is left, and look away until `resume`."""
        if not self.started or self.paused:
            return
        await self._hear_all("pause")
        self.paused = True

    async def resume(self) -> None:
        """Look again, from now on: nothing that was begun while paused is told."""
        if not self.started or not self.paused:
            return
        self._epoch += 1
        for folder in self._folders.values():
            folder.reset()
        for gestures in self._gestures.values():
            gestures.reset()
        await self._in_frames("set", [True, self._epoch])
        self.paused = False

    @asynccontextmanager
    async def blind(self) -> AsyncIterator[None]:
        """Paused for as long as the block runs, if it was recording."""
        was = self.listening
        if was:
            await self.pause()
        try:
            yield
        finally:
            if was:
                await self.resume()

    async def flush(self) -> None:
        """Tell the fills that are under way, and return when every step so far has been told."""
        if not self.started:
            return
        await self._hear_all("flush")

    async def look(self) -> None:
        """Look at the page now, as it would be looked at a while after the last gesture: call it when the page is at rest."""
        if self.listening:
            await self._hear_all("look")

    async def _hear_all(self, method: Literal["look", "flush", "pause"]) -> None:
        """Have every frame tell what it has, and return when that has been told on."""
        await self._in_frames(method, self._epoch, self._until)
        await self._queue.join()
        if method != "look":
            for page, gestures in list(self._gestures.items()):
                await self._tell(self._fold(page, gestures.release()))

    async def _in_frames(self, method: str, argument: Any, then: Callable[..., Awaitable[None]] | None = None) -> None:
        """Call a method of the in-page part in all frames, and hand each answer on to `then`."""

        async def one(frame: Frame) -> None:
            try:
                async with asyncio.timeout(2):
                    answer = await frame.evaluate(TELL, [method, argument])
                    if then is not None and answer:
                        await then(*answer)
            except (PlaywrightError, TimeoutError):
                pass  # a frame that goes away has told what it had in its pagehide; a new document asks for the state itself

        await asyncio.gather(*(one(frame) for page in list(self._pages) for frame in page.frames))

    async def _until(self, doc: str, seq: int) -> None:
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._seen.get(doc, 0) >= seq)

    def _on_page(self, page: Page) -> None:
        self._pages.append(page)
        page.on("dialog", _leave)
        page.once("close", lambda closed: self._pages.remove(closed) if closed in self._pages else None)

    # Hearing

    def hears(self, page: Page) -> bool:
        return self.started and page in self._pages

    async def hear(self, page: Page, raw: dict[str, Any]) -> list[Any] | None:
        """One event from a page; the answer to "hello" is the recorder's state."""
        if raw["kind"] == "hello":
            self._queue.put_nowait((page, None))
            return [not self.paused, self._epoch]
        # Nothing is awaited up to here, so events are queued in the order in which they came.
        self._keep(raw)
        current = raw["epoch"] is None or raw["epoch"] == self._epoch
        if not self.paused and current:
            self._queue.put_nowait((page, Heard.of(raw)))
        async with self._arrived:
            self._seen[raw["doc"]] = max(raw["seq"], self._seen.get(raw["doc"], 0))
            self._arrived.notify_all()
        return None

    def _keep(self, raw: dict[str, Any]) -> None:
        snap = raw["snap"]
        if "html" not in snap:
            return
        frame = FrameSnapshot(frame="", url=snap["url"], html=snap["html"])
        made = Snapshot(url=snap["url"], title=snap["title"], today=date.fromisoformat(snap["date"]), frames=(frame,))
        self._snapshots[raw["doc"], snap["id"]] = made
        while len(self._snapshots) > KEPT:
            self._snapshots.popitem(last=False)

    # Telling

    async def _work(self) -> None:
        while True:
            page, heard = await self._queue.get()
            try:
                await self._tell(self._left(page) if heard is None else self._steps(page, heard))
            finally:
                self._queue.task_done()

    async def _tell(self, steps: list[tuple[View, Action]]) -> None:
        for view, action in steps:
            try:
                if self.on_step is not None and (answer := self.on_step(view, action)) is not None:
                    await answer
            except Exception:
                # `on_step` is somebody else's code: what it raises must not end the recording, and is logged in full.
                logger.exception("A recorded {} was lost", action.type)

    def _left(self, page: Page) -> list[tuple[View, Action]]:
        """What is known to have been done once there is another document."""
        gestures = self._gestures.get(page)
        return self._fold(page, gestures.release()) if gestures is not None else []

    def _steps(self, page: Page, heard: Heard) -> list[tuple[View, Action]]:
        """What is known to have been done once an event is heard."""
        gestures = self._gestures.setdefault(page, Gestures())
        if heard.kind == "rest" and not gestures.holding:
            return []
        view = self._view(heard)
        if view is None or (self.profile.case is not None and view.case_id is None):
            return self._fold(page, gestures.release())
        control = None if heard.kind == "rest" else act(view, heard)
        if control is not None:
            view, action = entering(view, control, heard)
            done = gestures.look(view)
            done += gestures.push(Gesture(view, view.control(control.key) or control, action, heard.submitted))
            if action is not None and self.on_held is not None and not any(gesture.action is action for gesture in done):
                self.on_held(view, action)
        else:
            done = gestures.look(view, rests=heard.kind == "rest")
            if heard.kind in ("click", "enter"):
                done += gestures.push(Gesture(view, None, None))
            elif heard.kind != "rest":
                logger.debug("A {} on {!r} has no control in the view", heard.kind, view.path)
        return self._fold(page, done)

    def _fold(self, page: Page, gestures: list[Gesture]) -> list[tuple[View, Action]]:
        folder = self._folders.setdefault(page, Folder(self.profile))
        return [
            step
            for gesture in gestures
            if gesture.control is not None and gesture.action is not None
            for step in folder.push(gesture.view, gesture.control, gesture.action, gesture.submitted)
        ]

    def _view(self, heard: Heard) -> View | None:
        if not heard.whole:
            logger.warning("A step inside a frame of another origin ({}) is not recorded", heard.doc)
            return None
        name = (heard.doc, heard.snap)
        if name not in self._views:
            snapshot = self._snapshots.get(name)
            if snapshot is None:
                logger.warning("A {} came without its page; not recorded", heard.kind)
                return None
            try:
                # A person focuses a field before typing into it: the focus would give away what they are about to do.
                self._views[name] = extract(snapshot, self.profile).model_copy(update={"focus": ""})
            except ExtractionError as error:
                logger.warning("A {} on {!r} is not recorded: {}", heard.kind, snapshot.url, error)
                return None
            while len(self._views) > KEPT:
                self._views.popitem(last=False)
        return self._views[name]


def _leave(dialog: Dialog) -> None:
    """A browser dialog is the person's to answer; without a listener it would be dismissed."""


async def _on_call(source: dict[str, Any], text: str) -> list[Any] | None:
    recorders = _heard_by.get(source["page"]) or _heard_by.get(source["context"], [])
    recorder = next((recorder for recorder in recorders if recorder.hears(source["page"])), None)
    if recorder is None:
        return [False, 0]
    return await recorder.hear(source["page"], json.loads(text))
