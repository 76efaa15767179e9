"""Questions to a page's main frame over the shortest line to it.

Where the browser listens for DevTools clients, that is a connection of the page's own; a question takes half the time or less
there that it takes through Playwright's driver. Elsewhere it is Playwright's DevTools session, and in browsers other than
Chromium, which have none, `Page.evaluate`.

Answers come outside the order of Playwright's events: a request or a document that the page told of before it answered may be
heard of after. What has to be in order with them is to be asked with `Page.evaluate`.
"""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any, Protocol
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from loguru import logger
from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

CONNECT_SECONDS = 2.0


class _Session(Protocol):
    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]: ...


class _Cut(Exception):
    """The line ended before the answer came."""


class _Line:
    """A DevTools connection to one page."""

    def __init__(self, page: Page, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._over: Exception | None = None
        self._reading = asyncio.create_task(self._read())
        page.once("crash", lambda _: self._end(PlaywrightError("Target crashed")))

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of a DevTools method.

        Raises:
            _Cut: the connection is gone.
            PlaywrightError: the browser refuses, the document went away, or the page crashed.
        """
        if self._over is not None:
            raise self._over
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"id": number, "method": method, "params": params or {}}))
            said = await answer
        except ConnectionClosed as error:
            raise _Cut from error
        finally:
            del self._asked[number]
        if (refused := said.get("error")) is not None:
            raise PlaywrightError(f"{method}: {refused.get('message', 'refused')}")
        return dict(said["result"])

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                said = json.loads(text)
                answer = self._asked.get(said.get("id"))
                if answer is not None and not answer.done():
                    answer.set_result(said)
        except ConnectionClosed:
            pass
        self._end(_Cut())

    def _end(self, why: Exception) -> None:
        self._over = self._over or why
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._over)


_endpoints: WeakKeyDictionary[Browser, str] = WeakKeyDictionary()
_sessions: WeakKeyDictionary[Page, asyncio.Task[_Session | None]] = WeakKeyDictionary()
_targets: WeakKeyDictionary[Page, str] = WeakKeyDictionary()


def listens(browser: Browser, endpoint: str) -> None:
    """Say that a browser listens for DevTools clients at an address such as ``http://127.0.0.1:9222``."""
    _endpoints[browser] = endpoint


async def target_id(page: Page) -> str:
    """The page's CDP target id, by which another DevTools client finds the same page; it outlives navigations.

    Raises:
        PlaywrightError: the page is gone, or its browser is no Chromium.
    """
    if page in _targets:
        return _targets[page]
    session = await page.context.new_cdp_session(page)
    try:
        info = await session.send("Target.getTargetInfo")
        return _targets.setdefault(page, str(info["targetInfo"]["targetId"]))
    finally:
        await session.detach()


async def _session(page: Page) -> _Session | None:
    """What the page is asked over. Many may want it at once."""
    if page not in _sessions:
        _sessions[page] = asyncio.create_task(_open(page))
    return await asyncio.shield(_sessions[page])


async def _open(page: Page) -> _Session | None:
    return await _line(page) or await _driven(page)


async def _line(page: Page) -> _Line | None:
    browser = page.context.browser
    endpoint = urlsplit(_endpoints.get(browser, "") if browser else "")
    if endpoint.scheme != "http":
        return None
    try:
        address = f"ws://{endpoint.netloc}/devtools/page/{await target_id(page)}"
        socket = await connect(
            address, open_timeout=CONNECT_SECONDS, ping_interval=None, max_size=None, compression=None, proxy=None
        )
    except (OSError, WebSocketException) as error:  # a time-out is an OSError
        logger.debug("No line of its own to the page {!r}: {!r}", page.url, error)
        return None
    return _Line(page, socket)


async def _driven(page: Page) -> _Session | None:
    try:
        return await page.context.new_cdp_session(page)
    except PlaywrightError as error:
        if page.is_closed():
            raise PlaywrightError(f"The page {page.url!r} has been closed") from error
        return None


async def keep_focus(page: Page) -> None:
    """Let the page think that it has the focus, also while its window or its tab lies behind another.

    Raises:
        PlaywrightError: the page is gone.
    """
    session = await _driven(page)
    if session is not None:
        await session.send("Emulation.setFocusEmulationEnabled", {"enabled": True})


async def ask(page: Page, function: str, options: Any) -> Any:
    """What a JavaScript function says in the page's main frame to `options`; both are JSON. It may be asked twice.

    Raises:
        PlaywrightError: the page is gone, navigates meanwhile, or the function throws.
    """
    session = await _session(page)
    if session is None:
        return await page.evaluate(function, options)
    question = {"expression": f"({function})({json.dumps(options)})", "returnByValue": True, "awaitPromise": True}
    try:
        said = await session.send("Runtime.evaluate", question)
    except _Cut:
        _sessions[page] = asyncio.create_task(_driven(page))
        return await ask(page, function, options)
    if (thrown := said.get("exceptionDetails")) is not None:
        raise PlaywrightError(thrown.get("exception", {}).get("description") or thrown.get("text", "the page's script failed"))
    return said["result"].get("value")
