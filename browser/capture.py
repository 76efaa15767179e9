"""Page to snapshot: one call per frame serialises the rendered DOM; nothing in the page is touched.

`injected/capture.js` does the reading. It is installed as an init script, and put in where it is missing (a page that was
open before casepilot joined).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from playwright.async_api import BrowserContext, ElementHandle, Frame, Page
from playwright.async_api import Error as PlaywrightError

from browser.errors import PageError, StaleRefError
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.view import Frozen

T = TypeVar("T")

SERIALIZE = """options => {
  const pilot = globalThis[Symbol.for("casepilot")];
  return pilot?.serialize ? [pilot.serialize(options)] : null;
}"""
FIND = 'ref => globalThis[Symbol.for("casepilot")]?.element?.(ref) ?? null'
# Of the frame itself, or of the parent that inlines it: an element must be found from its own frame to be operated there.
FIND_FROM_WITHIN = """ref => {
  let holder = window;
  while (holder.frameElement) holder = holder.parent;
  return holder[Symbol.for("casepilot")].element(ref);
}"""
PREFIX = 'globalThis[Symbol.for("casepilot")]?.prefix ?? ""'
REF_OF = 'element => globalThis[Symbol.for("casepilot")]?.refOf?.(element) ?? ""'


class CaptureSettings(Frozen):
    """`attempts`: how often a capture that a navigation cut short is begun again. `answer_seconds`: how long a page may take
    to answer one call before it counts as hung."""

    attempts: int = 5
    answer_seconds: float = 15.0


@cache
def script() -> str:
    """The source of the in-page serialiser."""
    return files("browser").joinpath("injected/capture.js").read_text(encoding="utf-8")


async def install(target: Page | BrowserContext) -> None:
    """Put the serialiser into every document that `target` opens from now on."""
    await target.add_init_script(script=script())


def _first_line(error: PlaywrightError) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _moved_on(error: PlaywrightError) -> bool:
    """Whether the document went away under a call, rather than the page or its browser."""
    text = str(error)
    return any(
        part in text
        for part in ("context was destroyed", "Cannot find context", "Frame was detached", "frame got detached", "navigation")
    )


async def _steady(page: Page, call: Callable[[], Awaitable[T]], settings: CaptureSettings) -> T:
    """`call()`, begun again after the next document is there when a navigation cuts it short.

    Raises:
        PageError: the page is gone, hung, or keeps navigating.
    """
    for _ in range(settings.attempts):
        try:
            async with asyncio.timeout(settings.answer_seconds):
                return await call()
        except TimeoutError as error:
            raise PageError(
                f"The page {page.url!r} did not answer within {settings.answer_seconds:g} s; reload it, or hand the step over."
            ) from error
        except PlaywrightError as error:
            if page.is_closed() or not _moved_on(error):
                raise PageError(f"Cannot read the page {page.url!r}: {_first_line(error)} Open it again.") from error
        try:
            await page.wait_for_load_state("domcontentloaded", timeout=settings.answer_seconds * 1000)
        except PlaywrightError as error:
            raise PageError(f"The page {page.url!r} does not load: {_first_line(error)} Open it again.") from error
    raise PageError(f"The page {page.url!r} navigated {settings.attempts} times during one capture; wait until it rests.")


async def _serialize(frame: Frame, prefix: str) -> dict[str, Any] | None:
    """The serialiser's answer for a frame, or None for one that its parent inlines."""
    answer = await frame.evaluate(SERIALIZE, {"prefix": prefix})
    if answer is None:
        await frame.evaluate(script())
        answer = await frame.evaluate(SERIALIZE, {"prefix": prefix})
    return answer[0] if answer else None


async def _child(frame: Frame, index: int) -> FrameSnapshot | None:
    """A cross-origin frame, or None when it is inlined by its parent, hidden, or goes away meanwhile."""
    try:
        found = await _serialize(frame, f"f{index}:")
        if found is None:
            return None
        holder = await frame.frame_element()
        owner = await holder.evaluate(REF_OF)
    except PlaywrightError:
        # A frame that is navigating or leaving cannot be read now; its going shows as a DOM change, which is captured anew.
        return None
    return FrameSnapshot(frame=f"f{index}", url=found["url"], html=found["html"], owner=owner)


async def _read(page: Page) -> Snapshot:
    found = await _serialize(page.main_frame, "")
    if found is None:
        raise PageError(f"The page {page.url!r} is a frame of another page; capture that page.")
    frames = [FrameSnapshot(frame="", url=found["url"], html=found["html"])]
    for index, frame in enumerate(page.frames):
        if frame is not page.main_frame and not frame.is_detached() and (child := await _child(frame, index)):
            frames.append(child)
    return Snapshot(url=found["url"], title=found["title"], today=date.fromisoformat(found["date"]), frames=tuple(frames))


async def capture(page: Page, native_dialog: str | None = None, settings: CaptureSettings = CaptureSettings()) -> Snapshot:
    """The page as a person would see it now.

    `native_dialog` is the text of a browser dialog that stands open. Such a dialog stops the page's scripts, so the snapshot
    then has no frames.

    Raises:
        PageError: the page is gone, hung, or keeps navigating.
    """
    if native_dialog is not None:
        return Snapshot(url=page.url, today=date.today(), frames=(), native_dialog=native_dialog)
    return await _steady(page, lambda: _read(page), settings)


async def _frame_of(page: Page, ref: str) -> Frame | None:
    """The frame that gave out a ref. Frames come and go, so the prefix is looked up in the frames themselves."""
    prefix, colon, _ = ref.rpartition(":")
    if not colon:
        return page.main_frame
    for frame in page.frames:
        try:
            if await frame.evaluate(PREFIX) == prefix + ":":
                return frame
        except PlaywrightError:
            continue  # a frame on its way out holds no live refs
    return None


async def element(page: Page, ref: str, settings: CaptureSettings = CaptureSettings()) -> ElementHandle:
    """The element that a ref names, also inside shadow roots and frames.

    Raises:
        StaleRefError: the ref names nothing on the present page.
        PageError: the page is gone, hung, or keeps navigating.
    """

    async def find() -> ElementHandle | None:
        frame = await _frame_of(page, ref)
        found = (await frame.evaluate_handle(FIND, ref)).as_element() if frame else None
        if frame is None or found is None:
            return None
        owner = await found.owner_frame()
        if owner is None or owner is frame:
            return found
        return (await owner.evaluate_handle(FIND_FROM_WITHIN, ref)).as_element()

    found = await _steady(page, find, settings)
    if found is None:
        raise StaleRefError(f"Ref {ref!r} is not on the present page; capture again.")
    return found
