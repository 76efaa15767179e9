"""What a person does at another screen, brought to the page as the mouse, the keyboard and the clipboard of this one.

The messages are a closed union. Points are shares of the picture that the person sees, so that any scale of it will do.
https://chromedevtools.github.io/devtools-protocol/tot/Input/
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError
from pydantic import Field, TypeAdapter

from browser.clipboard import clipboard_of
from browser.errors import PageError
from browser.popup import open_popup
from schema_extraction.view import Frozen

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Modifiers = Annotated[int, Field(ge=0, le=15)]
"""Bits: 1 Alt, 2 Ctrl, 4 Meta, 8 Shift."""
MOST_TEXT = 100_000
CTRL = 2

Button = Literal["none", "left", "middle", "right", "back", "forward"]


class Mouse(Frozen):
    """`x`, `y`: shares of the picture's width and height. `button`: what changed; `buttons`: those held after it (bits: 1 left,
    2 right, 4 middle). `clicks`: 2 for the second press of a double click."""

    kind: Literal["mouse"] = "mouse"
    action: Literal["move", "down", "up"]
    x: Share
    y: Share
    button: Button = "none"
    buttons: Annotated[int, Field(ge=0, le=31)] = 0
    clicks: Annotated[int, Field(ge=0, le=3)] = 0
    modifiers: Modifiers = 0


class Scroll(Frozen):
    """The wheel, in CSS pixels; positive is down and right."""

    kind: Literal["scroll"] = "scroll"
    x: Share
    y: Share
    dx: Annotated[float, Field(ge=-5000, le=5000)] = 0.0
    dy: Annotated[float, Field(ge=-5000, le=5000)] = 0.0
    modifiers: Modifiers = 0


class Key(Frozen):
    """One key down or up, in the words of the DOM's KeyboardEvent; `key_code` is its `keyCode`, by which Chromium knows
    shortcuts."""

    kind: Literal["key"] = "key"
    action: Literal["down", "up"]
    key: Annotated[str, Field(min_length=1, max_length=32)]
    code: Annotated[str, Field(max_length=32)] = ""
    key_code: Annotated[int, Field(ge=0, le=255)] = 0
    location: Annotated[int, Field(ge=0, le=3)] = 0
    repeat: bool = False
    modifiers: Modifiers = 0


class Text(Frozen):
    """Text that no single key makes: what an input method or an on-screen keyboard has composed."""

    kind: Literal["text"] = "text"
    text: Annotated[str, Field(max_length=MOST_TEXT)]


class Paste(Frozen):
    """The text on the person's own clipboard, pasted where the focus is."""

    kind: Literal["paste"] = "paste"
    text: Annotated[str, Field(max_length=MOST_TEXT)]


class Choose(Frozen):
    """The option of the open list that was picked, by its place in it; see `browser.popup`."""

    kind: Literal["choose"] = "choose"
    option: Annotated[int, Field(ge=0)]


Input = Mouse | Scroll | Key | Text | Paste | Choose
INPUT: TypeAdapter[Input] = TypeAdapter(Annotated[Input, Field(discriminator="kind")])

_MOUSE = {"move": "mouseMoved", "down": "mousePressed", "up": "mouseReleased"}
LIST_KEYS = {"Home": 36, "ArrowDown": 40, "Enter": 13}
_TYPED = {"Enter": "\r"}
"""Keys other than characters that type something."""


def key_event(key: Key) -> dict[str, Any]:
    """The parameters of `Input.dispatchKeyEvent` for one key."""
    shortcut = bool(key.modifiers & ~8)
    text = "" if shortcut or key.action == "up" else key.key if len(key.key) == 1 else _TYPED.get(key.key, "")
    event: dict[str, Any] = {
        "type": "keyUp" if key.action == "up" else "keyDown" if text else "rawKeyDown",
        "modifiers": key.modifiers,
        "key": key.key,
        "code": key.code,
        "windowsVirtualKeyCode": key.key_code,
        "autoRepeat": key.repeat,
        # The events of the numeric pad say so besides; the other sides (left, right) go with Ctrl, Shift and their like.
        "isKeypad": key.location == 3,
        "location": key.location if key.location in (1, 2) else 0,
    }
    if text:
        event |= {"text": text, "unmodifiedText": text}
    return event


class RemoteInput:
    """Brings input to one page. `held`: the keys and buttons that are down, which `release` lets go."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.held: dict[str, Key | Mouse] = {}
        self._session: CDPSession | None = None

    async def send(self, message: Input, width: float, height: float) -> None:
        """Carry out one message. `width`, `height`: of the viewport that the picture shows, in CSS pixels.

        Raises:
            PageError: the page is gone, its browser lets nothing be pasted, or the open list has no such option.
        """
        match message:
            case Mouse():
                self._hold(f"mouse {message.button}", message)
                await self._call("Input.dispatchMouseEvent", _mouse(message, width, height))
            case Scroll():
                point = {"x": message.x * width, "y": message.y * height, "modifiers": message.modifiers}
                await self._call(
                    "Input.dispatchMouseEvent", {"type": "mouseWheel", **point, "deltaX": message.dx, "deltaY": message.dy}
                )
            case Key():
                self._hold(f"key {message.code or message.key}", message)
                await self._call("Input.dispatchKeyEvent", key_event(message))
            case Text():
                await self._call("Input.insertText", {"text": message.text})
            case Paste():
                await self._paste(message.text)
            case Choose():
                await self._choose(message.option)

    async def release(self, width: float, height: float) -> None:
        """Let go of every key and button that is still down: the person has gone away in the middle of a press."""
        for held in list(self.held.values()):
            up = {"action": "up", "modifiers": 0} | ({"buttons": 0} if isinstance(held, Mouse) else {})
            await self.send(held.model_copy(update=up), width, height)

    async def close(self) -> None:
        """End the connection to the page."""
        session, self._session = self._session, None
        if session is not None and not self.page.is_closed():
            try:
                await session.detach()
            except PlaywrightError:
                pass  # the page has gone, and the connection with it

    def _hold(self, name: str, message: Key | Mouse) -> None:
        if message.action == "down":
            self.held[name] = message
        elif message.action == "up":
            self.held.pop(name, None)

    async def _paste(self, text: str) -> None:
        browser = self.page.context.browser
        if browser is None:
            raise PageError("This page's browser has no clipboard of its own. Type the text instead.")
        clipboard = clipboard_of(browser)
        async with clipboard.lock:
            await clipboard.write(text)
            try:
                await self._press(Key(action="down", key="v", code="KeyV", key_code=86, modifiers=CTRL))
            finally:
                await clipboard.write("")

    async def _choose(self, option: int) -> None:
        popup = await open_popup(self.page)
        if popup is None:
            return  # it has closed meanwhile, as the next picture shows
        try:
            names = popup.presses(option)
        except IndexError as error:
            raise PageError(str(error)) from error
        for name in names:
            await self._press(Key(action="down", key=name, code=name, key_code=LIST_KEYS[name]))

    async def _press(self, down: Key) -> None:
        for key in (down, down.model_copy(update={"action": "up"})):
            await self._call("Input.dispatchKeyEvent", key_event(key))

    async def _call(self, method: str, parameters: dict[str, Any]) -> None:
        try:
            if self._session is None:
                self._session = await self.page.context.new_cdp_session(self.page)
            await self._session.send(method, parameters)
        except PlaywrightError as error:
            first = str(error).splitlines()[0]
            raise PageError(f"The page {self.page.url!r} takes no input: {first} Claim the step again.") from error


def _mouse(mouse: Mouse, width: float, height: float) -> dict[str, Any]:
    return {
        "type": _MOUSE[mouse.action],
        "x": mouse.x * width,
        "y": mouse.y * height,
        "button": mouse.button,
        "buttons": mouse.buttons,
        "clickCount": mouse.clicks,
        "modifiers": mouse.modifiers,
        "pointerType": "mouse",
    }
