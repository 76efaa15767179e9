"""Waiting for a page to come to rest, or to change: by its mutations, requests and navigations, never by a fixed sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame, Page

from browser import wire
from browser.errors import PageError, moved_on
from browser.traffic import Traffic
from schema_extraction.view import Frozen

CALL = """([method, argument]) => {
  const settle = globalThis[Symbol.for("casepilot.settle")];
  return settle ? Promise.resolve(settle[method](argument)).then((answer) => [answer]) : null;
}"""
PARTS = ("causes", "motion", "settle")
HUNG = "hung"
LEFT = "left"
STILL = 0.005  # seconds without a change after which a page is worth reading, whatever may still come
LATENCY = 0.005  # seconds that an answer of the page's takes to come here
AGAIN = 0.1  # seconds that a frame which hung the last time is waited for


class SettleSettings(Frozen):
    """Seconds. `window`: for how long the DOM must be still. `limit`: the longest wait. `grace`: how long a page may take to
    answer beyond that before it counts as hung."""

    window: float = 0.015
    limit: float = 5.0
    grace: float = 2.0


class Rest(Frozen):
    """How a wait ended. `stamp` is the same as long as nothing on the page changes; empty when the page did not answer.
    `quiet` is False when the bound was hit first. `at`: when it ended, in monotonic seconds. `report`: what the main document
    noted of the last click, where that was asked for."""

    stamp: tuple[str, ...] = ()
    quiet: bool = False
    at: float = 0.0
    report: Any = None


@cache
def script() -> str:
    """The source of the in-page part."""
    return "\n".join(files("browser").joinpath(f"injected/{part}.js").read_text(encoding="utf-8") for part in PARTS)


async def ask(frame: Frame, method: str, argument: Any = None) -> Any:
    """Call `method` of the in-page part in `frame`, which is put in where it is missing."""
    answer = await frame.evaluate(CALL, [method, argument])
    if answer is None:
        await frame.evaluate(script())
        answer = await frame.evaluate(CALL, [method, argument])
    return answer[0] if answer else None


class Settler:
    """Waits on one page. Make it before the page is used, so that it sees every request."""

    def __init__(self, page: Page, traffic: Traffic, settings: SettleSettings = SettleSettings()) -> None:
        self.page = page
        self.traffic = traffic
        self.settings = settings
        self._hung: set[Frame] = set()  # frames that did not answer the last time

    async def install(self) -> None:
        """Put the in-page part into every document from now on."""
        await self.page.add_init_script(script=script())

    async def settle(
        self,
        limit: float | None = None,
        fresh: bool = True,
        report: bool = False,
        meanwhile: Callable[[], Awaitable[object]] | None = None,
    ) -> Rest:
        """Wait until the DOM is still, no tracked request is under way, and nothing visible is marked busy.

        `fresh`: the stillness counts from the action at the earliest (from now or the last answer, where that has sent for
        something), not from the last change. `report`: ask for what the last click did. `meanwhile`: done once, when the DOM
        has become still and more may be to come.

        Raises:
            PageError: the page or its browser is gone.
        """
        started, traffic = time.monotonic(), self.traffic
        deadline = started + (self.settings.limit if limit is None else limit)
        while True:
            idle = await traffic.idle(deadline)
            serial, navigations = traffic.serial, traffic.navigations
            left = max(0.0, deadline - time.monotonic())
            since = "change" if not fresh else "act" if serial == traffic.began else "answer"
            ago = (time.monotonic() - max(started, traffic.last)) * 1000
            arguments = [self.settings.window * 1000, left * 1000, since, ago, report]
            try:
                async with asyncio.timeout(left + self.settings.grace):
                    answers, at, done = await self._quiet(arguments, left, meanwhile)
            except TimeoutError:
                return Rest()
            except PlaywrightError as error:
                self._check(error)
                if time.monotonic() >= deadline:
                    return Rest()
                await self._loaded(deadline)
                continue
            meanwhile = None if done else meanwhile
            if None in answers:
                return Rest()  # a page that has replaced the browser's own functions
            rest = Rest(
                stamp=tuple(answer["stamp"] for answer in answers),
                quiet=idle and all(answer["quiet"] for answer in answers),
                at=at,
                report=answers[0].get("report"),
            )
            if time.monotonic() >= deadline:
                return rest.model_copy(update={"quiet": False})
            if rest.quiet and (serial, navigations) == (traffic.serial, traffic.navigations):
                return rest
            # What came and went meanwhile has been over for as long as the DOM has to be still.
            over = not traffic.busy() and rest.at - traffic.last > self.settings.window + LATENCY
            if rest.quiet and over and len(answers) == len(self._attached()):
                return rest
            fresh = True

    async def _quiet(
        self, arguments: list[Any], left: float, meanwhile: Callable[[], Awaitable[object]] | None
    ) -> tuple[list[Any], float, bool]:
        """The answers of all frames at rest, when they came, and whether `meanwhile` has been done, which it is where the main
        frame's DOM becomes still first."""
        answering = asyncio.ensure_future(self._frames("quiet", arguments, left + self.settings.grace / 2))
        try:
            if meanwhile is None or not await self._still(answering, left):
                return await answering, time.monotonic(), False
            begun = time.monotonic()
            await meanwhile()
            ended = time.monotonic()
            answers = await answering
            at = time.monotonic()
            # Answers may have lain there while nobody listened.
            return answers, begun if at - ended < LATENCY else at, True
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _still(self, answering: asyncio.Future[Any], left: float) -> bool:
        still = asyncio.ensure_future(wire.ask(self.page, CALL, ["still", [STILL * 1000, left * 1000]]))
        try:
            await asyncio.wait({answering, still}, return_when=asyncio.FIRST_COMPLETED)
            return not answering.done() and still.exception() is None and still.result() == [True]
        finally:
            still.cancel()
            await asyncio.gather(still, return_exceptions=True)

    async def stamp(self) -> tuple[str, ...]:
        """The page's present stamp; empty while it is loading, hung, or has a browser dialog open."""
        try:
            async with asyncio.timeout(self.settings.grace):
                return tuple(await self._frames("stamp", None, self.settings.grace / 2))
        except TimeoutError:
            return ()
        except PlaywrightError as error:
            self._check(error)
            return ()

    async def changed(self, stamp: tuple[str, ...], timeout: float) -> bool:
        """Wait until the page differs from `stamp`, by a change in the DOM or a field, or by a navigation; at most `timeout`
        seconds."""
        frames = self._attached()
        if len(frames) != len(stamp):
            return True
        tasks = [
            asyncio.create_task(self._changed(frame, before, timeout)) for frame, before in zip(frames, stamp, strict=True)
        ]
        try:
            for first in asyncio.as_completed(tasks, timeout=timeout + self.settings.grace):
                if await first:
                    return True
            return False
        except TimeoutError:
            return False
        except PlaywrightError as error:
            self._check(error)
            return True
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _attached(self) -> list[Frame]:
        return [frame for frame in self.page.frames if not frame.is_detached()]

    async def _changed(self, frame: Frame, before: str, timeout: float) -> bool:
        try:
            return bool(await ask(frame, "changed", [before, timeout * 1000]))
        except PlaywrightError:
            if frame is self.page.main_frame:
                raise
            return True  # a frame that goes away is a change

    async def _frames(self, method: str, argument: Any, patience: float) -> list[Any]:
        """The answers of all frames. `patience`: seconds that frames other than the main one are waited for."""
        frames = self._attached()
        self._hung.intersection_update(frames)
        return list(await asyncio.gather(*(self._answer(frame, method, argument, patience) for frame in frames)))

    async def _answer(self, frame: Frame, method: str, argument: Any, patience: float) -> Any:
        """A frame that hangs keeps nobody waiting for the page around it: it counts as at rest."""
        if frame is self.page.main_frame:
            return await ask(frame, method, argument)
        try:
            async with asyncio.timeout(AGAIN if frame in self._hung else patience):
                answer = await ask(frame, method, argument)
        except TimeoutError:
            self._hung.add(frame)
            return HUNG if method == "stamp" else {"stamp": HUNG, "quiet": True}
        except PlaywrightError as error:
            if self.page.is_closed() or "has been closed" not in str(error):
                raise
            # It is the frame that was closed; the page goes on, and is not at rest.
            return LEFT if method == "stamp" else {"stamp": LEFT, "quiet": False}
        self._hung.discard(frame)
        return answer

    async def _loaded(self, deadline: float) -> None:
        try:
            left = max(1.0, (deadline - time.monotonic()) * 1000)
            await self.page.wait_for_load_state("domcontentloaded", timeout=left)
        except PlaywrightError as error:
            self._check(error)

    def _check(self, error: PlaywrightError) -> None:
        if self.traffic.crashed:
            raise PageError(f"The page {self.page.url!r} crashed; open it again.") from error
        if self.page.is_closed() or "has been closed" in str(error):
            raise PageError(f"The page {self.page.url!r} was closed; open it again.") from error
        if not moved_on(error) and "Timeout" not in str(error):
            first = str(error).splitlines()[0].rstrip(".")
            raise PageError(f"Cannot read the page {self.page.url!r}: {first}. Open it again.") from error
