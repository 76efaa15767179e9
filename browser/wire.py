"""A page's own DevTools session: a question to its main frame takes it two thirds of the time that `Page.evaluate` does.

Only Chromium has such sessions; other browsers are asked by `evaluate`.
"""

from __future__ import annotations

import json
from typing import Any
from weakref import WeakKeyDictionary

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

_sessions: WeakKeyDictionary[Page, CDPSession | None] = WeakKeyDictionary()


async def _session(page: Page) -> CDPSession | None:
    if page not in _sessions:
        try:
            _sessions[page] = await page.context.new_cdp_session(page)
        except PlaywrightError:
            if page.is_closed():
                raise
            _sessions[page] = None
    return _sessions[page]


async def keep_focus(page: Page) -> None:
    """Let the page think that it has the focus, also while its window or its tab lies behind another.

    Raises:
        PlaywrightError: the page is gone.
    """
    session = await _session(page)
    if session is not None:
        await session.send("Emulation.setFocusEmulationEnabled", {"enabled": True})


async def ask(page: Page, function: str, options: dict[str, Any]) -> Any:
    """What a JavaScript function says in the page's main frame to `options`; both are JSON.

    Raises:
        PlaywrightError: the page is gone, navigates meanwhile, or the function throws.
    """
    session = await _session(page)
    if session is None:
        return await page.evaluate(function, options)
    said = await session.send(
        "Runtime.evaluate", {"expression": f"({function})({json.dumps(options)})", "returnByValue": True, "awaitPromise": True}
    )
    if (thrown := said.get("exceptionDetails")) is not None:
        raise PlaywrightError(thrown.get("exception", {}).get("description") or thrown.get("text", "the page's script failed"))
    return said["result"].get("value")
