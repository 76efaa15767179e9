"""The browser's own dialogs (alert, confirm, prompt, beforeunload): heard, told, accepted by nobody but a person.

While nobody attends the page they are dismissed, which answers "no" to all that ask. While a person drives it they are left
to the person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from playwright.async_api import Dialog, Page
from playwright.async_api import Error as PlaywrightError

from schema_extraction.view import Frozen

ANSWER = 0.3  # seconds in which a page without a dialog answers


class Heard(Frozen):
    """A dialog that came up. `kind` is alert, confirm, prompt or beforeunload. Only an alert asks nothing."""

    kind: str
    text: str

    @property
    def asks(self) -> bool:
        return self.kind != "alert"


class Dialogs:
    """Listens to one page. `attended()`: whether a person drives it. `standing`: the text of the dialog that was last seen
    open, or None; `look` brings it up to date."""

    def __init__(self, page: Page, attended: Callable[[], bool] = lambda: False) -> None:
        self.page = page
        self.attended = attended
        self.standing: str | None = None
        self.heard: list[Heard] = []
        self.watchers: list[Callable[[Heard | None], None]] = []
        """Called with every dialog that comes up, and with None once it has been answered here."""
        self._open: Dialog | None = None
        page.on("dialog", self._on_dialog)

    async def _on_dialog(self, dialog: Dialog) -> None:
        text = dialog.message or ("Leave the page? Changes may not be saved." if dialog.type == "beforeunload" else "")
        heard = Heard(kind=dialog.type, text=text)
        self.heard.append(heard)
        self._open, self.standing = dialog, text
        for watcher in self.watchers:
            watcher(heard)
        if not self.attended():
            await self.dismiss()

    async def look(self) -> str | None:
        """The text of the dialog that stands open, or None. One that nobody attends any more is dismissed."""
        if self.standing is None:
            return None
        if not self.attended():
            await self.dismiss()
            return None
        try:
            # No event tells that the person has answered; a page with a dialog open answers nothing.
            async with asyncio.timeout(ANSWER):
                await self.page.evaluate("0")
        except TimeoutError:
            return self.standing
        except PlaywrightError:
            pass  # the page moved on, and a dialog would have kept it from that
        self._open = self.standing = None
        return None

    async def dismiss(self) -> None:
        """Answer "no" to the dialog that stands open, if one does."""
        await self.answer(False)

    async def answer(self, accept: bool, text: str = "") -> None:
        """Pass on a person's answer to the dialog that stands open, if one does; `text`: what a prompt asks for."""
        dialog, self._open, self.standing = self._open, None, None
        if dialog is None:
            return
        for watcher in self.watchers:
            watcher(None)
        try:
            await (dialog.accept(text) if accept else dialog.dismiss())
        except PlaywrightError:
            # The person, or the page's end, was quicker: the dialog is gone, which is what was asked for.
            pass
