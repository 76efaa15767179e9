"""The clipboard of a browser, so that a paste is one to the page: with its event, its data and its input."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

from browser.errors import PageError

# A copy that hands over its own data needs no selection, no permission and no secure page.
COPY = """text => {
  const fill = event => { event.clipboardData.setData("text/plain", text); event.preventDefault(); };
  document.addEventListener("copy", fill, { once: true });
  return document.execCommand("copy");
}"""

_clipboards: WeakKeyDictionary[Browser, Clipboard] = WeakKeyDictionary()


class Clipboard:
    """The clipboard that all pages of a browser share. Hold `lock` from `write` until what was written has been pasted, and
    then `write` nothing, so that what one customer wrote is not pasted into the case of another."""

    def __init__(self, browser: Browser) -> None:
        self.lock = asyncio.Lock()
        self._browser = browser
        self._context: BrowserContext | None = None
        self._page: Page | None = None

    async def write(self, text: str) -> None:
        """Put `text` on the clipboard, from a blank page of its own.

        Raises:
            PageError: the browser does not let it.
        """
        try:
            if self._page is None or self._page.is_closed():
                self._context = await self._browser.new_context()
                self._page = await self._context.new_page()
            copied = await self._page.evaluate(COPY, text)
        except PlaywrightError as error:
            first = str(error).splitlines()[0]
            raise PageError(f"The clipboard cannot be written: {first} Type the text instead.") from error
        if not copied:
            raise PageError("The browser refused to write its clipboard. Type the text instead.")

    async def close(self) -> None:
        """Close the blank page."""
        context, self._context, self._page = self._context, None, None
        if context is not None:
            await context.close()


def clipboard_of(browser: Browser) -> Clipboard:
    """The one clipboard of a browser."""
    return _clipboards.setdefault(browser, Clipboard(browser))
