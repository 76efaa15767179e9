"""Page to snapshot: one call per frame serialises the rendered DOM; nothing in the page is touched.

`injected/capture/` does the reading. It is installed as an init script, and put in where it is missing (a page that was
open before casepilot joined).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib.resources import files
from typing import Any, TypeVar

from playwright.async_api import BrowserContext, ElementHandle, Frame, Page
from playwright.async_api import Error as PlaywrightError

from browser import wire
from browser.errors import PageError, StaleRefError, moved_on
from schema_extraction.snapshot import Changes, FrameSnapshot, Patch, Snapshot
from schema_extraction.view import Frozen

T = TypeVar("T")

PARTS = "page scene elements drawn links children seen frames clickable visit serialize".split()
"""Of the serialiser, in this order: `injected/capture/*.js` are one function."""

CHANGES = """options => {
  const pilot = globalThis[Symbol.for("casepilot")];
  return pilot?.changes ? [pilot.changes(options)] : null;
}"""
FIND = 'ref => globalThis[Symbol.for("casepilot")]?.element?.(ref) ?? null'
# Of the frame itself, or of the parent that inlines it: an element must be found from its own frame to be operated there.
FIND_FROM_WITHIN = """ref => {
  let holder = window;
  while (holder.frameElement) holder = holder.parent;
  return holder[Symbol.for("casepilot")].element(ref);
}"""
ROW = """text => {
  const fold = (said) => said.replace(/\\s+/g, " ").trim().toLowerCase();
  const wanted = fold(text);
  const roots = [document];
  for (const root of roots) for (const node of root.querySelectorAll("*")) if (node.shadowRoot) roots.push(node.shadowRoot);
  for (const root of roots) {
    for (const row of root.querySelectorAll("tr,[role=row]")) {
      if (!row.querySelector("table") && fold(row.textContent).includes(wanted) && row.checkVisibility()) {
        row.scrollIntoView({ block: "start" });
        return true;
      }
    }
  }
  return false;
}"""
PREFIX = 'globalThis[Symbol.for("casepilot")]?.prefix ?? ""'
REF_OF = 'element => globalThis[Symbol.for("casepilot")]?.refOf?.(element) ?? ""'


HOLDER_SECONDS = 1.0  # in which the page around a frame tells whether it is seen


class CaptureSettings(Frozen):
    """`attempts`: how often a capture that a navigation cut short is begun again. `answer_seconds`: how long a page may take
    to answer one call before it counts as hung; `frame_seconds`: how long a frame of another origin may take before the page
    is read without it, and `again_seconds`: how long once it has been hung."""

    attempts: int = 5
    answer_seconds: float = 15.0
    frame_seconds: float = 3.0
    again_seconds: float = 0.2


@cache
def script() -> str:
    """The source of the in-page serialiser and its journal, and of what they need to know of the page's handlers."""
    capture = "\n".join(_source(f"capture/{part}") for part in PARTS)
    return "\n".join((_source("listeners"), f"(() => {{\n{capture}}})();", _source("journal")))


def _source(name: str) -> str:
    return files("browser").joinpath(f"injected/{name}.js").read_text(encoding="utf-8")


async def install(target: Page | BrowserContext) -> None:
    """Put the serialiser into every document that `target` opens from now on."""
    await target.add_init_script(script=script())


def _first_line(error: PlaywrightError) -> str:
    """What it says, with a full stop."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".") + "."


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
            if page.is_closed() or not moved_on(error):
                raise PageError(f"Cannot read the page {page.url!r}: {_first_line(error)} Open it again.") from error
        try:
            await page.wait_for_load_state("domcontentloaded", timeout=settings.answer_seconds * 1000)
        except PlaywrightError as error:
            raise PageError(f"The page {page.url!r} does not load: {_first_line(error)} Open it again.") from error
    raise PageError(f"The page {page.url!r} navigated {settings.attempts} times during one capture; wait until it rests.")


@dataclass(slots=True)
class _Seen:
    """A frame that was read: its prefix, what to ask for its next changes, and the ref of the iframe that holds it."""

    prefix: str
    version: str
    owner: str = ""


class Sight:
    """Reads one page again and again; after the first time only what has changed."""

    def __init__(self, page: Page, settings: CaptureSettings = CaptureSettings()) -> None:
        self.page = page
        self.settings = settings
        self._seen: dict[Frame, _Seen] = {}
        self._inlined: dict[Frame, str] = {}  # frames that their parent writes, with their address
        self._hung: set[Frame] = set()  # frames that did not answer the last time

    def forget(self) -> None:
        """Read the whole page the next time."""
        self._seen = {}

    async def look(self, native_dialog: str | None = None) -> Snapshot | Changes:
        """What has changed since the last look, or the whole page where that cannot be told.

        `native_dialog` is the text of a browser dialog that stands open. Such a dialog stops the page's scripts, so the
        snapshot then has no frames.

        Raises:
            PageError: the page is gone, hung, or keeps navigating.
        """
        if native_dialog is not None:
            self.forget()
            return Snapshot(url=self.page.url, today=date.today(), frames=(), native_dialog=native_dialog)
        seen, self._seen = self._seen, {}  # a look that fails leaves nothing to go on from
        found = await _steady(self.page, lambda: self._read(seen), self.settings)
        if found is None:
            found = await _steady(self.page, lambda: self._read({}), self.settings)
        if found is None:
            raise PageError(f"The page {self.page.url!r} changes its frames faster than it can be read; look again.")
        return found

    async def _read(self, seen: dict[Frame, _Seen]) -> Snapshot | Changes | None:
        """One round over all frames; None when only some of them could tell what has changed."""
        main = self.page.main_frame
        others = [frame for frame in self.page.frames if frame is not main and not frame.is_detached()]
        found = await _changes(main, "", seen.get(main), self.settings.answer_seconds / 3)
        if found is None:
            raise PageError(
                f"The page {self.page.url!r} gives no answer: it is a frame of another page, which is to be captured, or its "
                "scripts have replaced what the browser needs; hand the step over."
            )
        now = {main: _Seen("", found["version"])}
        answers: list[tuple[_Seen, dict[str, Any]]] = [(now[main], found)]
        self._inlined = {frame: url for frame, url in self._inlined.items() if frame in others and frame.url == url}
        self._hung &= set(others)
        missing: list[str] = list(found["missing"])
        asked = [(f"f{number}", frame) for number, frame in enumerate(others, start=1) if frame not in self._inlined]
        answered = await asyncio.gather(*(self._child(frame, prefix, seen.get(frame)) for prefix, frame in asked))
        for (_, frame), answer in zip(asked, answered, strict=True):
            if answer is None:
                self._inlined[frame] = frame.url
            elif isinstance(answer, str):
                missing += [answer] if answer else []
            else:
                now[frame] = answer[0]
                answers.append(answer)
                missing += [f"in the frame {frame.url}: {words}" for words in answer[1]["missing"]]
        about = {
            "url": found["url"],
            "title": found["title"],
            "today": date.fromisoformat(found["date"]),
            "missing": tuple(missing),
        }
        whole = ["html" in answer for _, answer in answers]
        if seen and now.keys() == seen.keys() and not any(whole):
            self._seen = now
            patches = tuple(
                (frame.prefix, Patch(number=number, html=html))
                for frame, answer in answers
                for number, html in answer["patches"]
            )
            return Changes(patches=patches, **about)
        if not all(whole):
            return None
        self._seen = now
        frames = tuple(
            FrameSnapshot(frame=frame.prefix, url=answer["url"], html=answer["html"], owner=frame.owner)
            for frame, answer in answers
        )
        return Snapshot(frames=frames, **about)

    async def _child(self, frame: Frame, prefix: str, seen: _Seen | None) -> tuple[_Seen, dict[str, Any]] | str | None:
        """A frame of another origin; None where its parent writes it; in words what is missing with it where it does not
        answer, "" where that is nothing."""
        patience = self.settings.again_seconds if frame in self._hung else self.settings.frame_seconds
        try:
            async with asyncio.timeout(patience):
                found = await _changes(frame, prefix, seen, self.settings.frame_seconds / 2)
                if found is None:
                    return None
                owner = seen.owner if seen else ""
                if not owner or "html" in found:
                    holder = await frame.frame_element()
                    owner = await holder.evaluate(REF_OF)
        except TimeoutError:
            self._hung.add(frame)
            return await _unread(frame, "which does not answer")
        except PlaywrightError:
            # A frame that has gone leaves nothing behind; one that is navigating will be read when it is there.
            return "" if frame.is_detached() else await _unread(frame, "which is still loading")
        self._hung.discard(frame)
        if frame.url.startswith("chrome-error:"):
            return await _unread(frame, "which did not load")
        return _Seen(prefix, found["version"], owner), found


async def _changes(frame: Frame, prefix: str, seen: _Seen | None, seconds: float) -> dict[str, Any] | None:
    """The journal's answer for a frame, or None for one that its parent inlines. What has not been written after `seconds` is
    left out of it."""
    since = seen.version if seen and seen.prefix == prefix else ""
    options = {"prefix": f"{prefix}:" if prefix else "", "since": since, "seconds": seconds}
    page = frame.page
    ask = partial(wire.ask, page) if frame is page.main_frame else frame.evaluate
    answer = await ask(CHANGES, options)
    if answer is None:
        await frame.evaluate(script())
        answer = await ask(CHANGES, options)
    return answer[0] if answer else None


async def _unread(frame: Frame, why: str) -> str:
    """That a frame is missing, in words; "" where nobody sees it."""
    address = frame.url
    try:
        async with asyncio.timeout(HOLDER_SECONDS):
            holder = await frame.frame_element()
            if not await holder.is_visible():
                return ""
            address = await holder.get_attribute("src") or address
    except TimeoutError:
        pass  # the frame around it does not answer either; whether it is seen cannot be told
    except PlaywrightError:
        if frame.is_detached():
            return ""
    return f"the frame {address}, {why}"


async def capture(page: Page, native_dialog: str | None = None, settings: CaptureSettings = CaptureSettings()) -> Snapshot:
    """The page as a person would see it now.

    Raises:
        PageError: the page is gone, hung, or keeps navigating.
    """
    found = await Sight(page, settings).look(native_dialog)
    assert isinstance(found, Snapshot)  # a first look is a whole one
    return found


async def scroll_to_row(page: Page, text: str) -> bool:
    """Bring the first table row that says `text` (letter case and blanks aside) into sight; False where there is none.

    Raises:
        PageError: the page is gone, hung, or keeps navigating.
    """
    return bool(await _steady(page, lambda: page.evaluate(ROW, text), CaptureSettings()))


async def _frame_of(page: Page, ref: str, seconds: float) -> Frame | None:
    """The frame that gave out a ref. Frames come and go, so the prefix is looked up in the frames themselves, of which one that
    does not answer within `seconds` is passed over."""
    prefix, colon, _ = ref.rpartition(":")
    if not colon:
        return page.main_frame
    likely = int(prefix[1:]) if prefix[1:].isdecimal() else 0
    for frame in (*page.frames[likely : likely + 1], *page.frames):
        try:
            async with asyncio.timeout(seconds):
                if await frame.evaluate(PREFIX) == prefix + ":":
                    return frame
        except (PlaywrightError, TimeoutError):
            continue  # a frame on its way out holds no live refs
    return None


async def element(page: Page, ref: str, settings: CaptureSettings = CaptureSettings(), framed: bool = True) -> ElementHandle:
    """The element that a ref names, also inside shadow roots and frames. `framed`: False where it is known to be in no frame.

    Raises:
        StaleRefError: the ref names nothing on the present page.
        PageError: the page is gone, hung, or keeps navigating.
    """

    async def find() -> ElementHandle | None:
        frame = await _frame_of(page, ref, settings.frame_seconds)
        found = (await frame.evaluate_handle(FIND, ref)).as_element() if frame else None
        if frame is None or found is None:
            return None
        if not framed:
            return found
        owner = await found.owner_frame()
        if owner is None or owner is frame:
            return found
        return (await owner.evaluate_handle(FIND_FROM_WITHIN, ref)).as_element()

    found = await _steady(page, find, settings)
    if found is None:
        raise StaleRefError(f"Ref {ref!r} is not on the present page; capture again.")
    return found
