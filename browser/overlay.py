"""The hand-off card over the page: what casepilot would do, why it asks, and the operator's verdict on it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from loguru import logger
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page

from browser.errors import PageError, moved_on

BINDING = "casepilotVerdict"
CALL = """([method, argument]) => {
  const overlay = globalThis[Symbol.for("casepilot.overlay")];
  return overlay ? [overlay[method](argument)] : null;
}"""
REASONS = (
    ("wrong_action", "Wrong action"),
    ("wrong_value", "Right action, wrong value"),
    ("wrong_wording", "Wrong wording"),
    ("preferred_another_way", "Fine, but I do it another way"),
    ("optional_step", "Not needed here"),
    ("environment", "Something is wrong with the page"),
    ("other", "Another reason"),
)
"""Values of `policies.feedback.Reason` (which this package does not import) with the words an operator reads."""

OnVerdict = Callable[[str, str | None], Awaitable[None] | None]


@cache
def script() -> str:
    """The source of the in-page part."""
    return files("browser").joinpath("injected/overlay.js").read_text(encoding="utf-8")


class Overlay:
    """The card of one page. It stays through navigations, without its outline, until a verdict or `hide`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.shown = False
        self._token = ""
        self._on_verdict: OnVerdict | None = None
        self._bound = False
        self._card: dict[str, Any] = {}
        self._again: set[asyncio.Task[None]] = set()
        page.on("domcontentloaded", self._on_document)

    async def show(
        self,
        ref: str | None,
        suggestion: str,
        reason: str,
        alternatives: Sequence[str],
        on_verdict: OnVerdict,
        reasons: Sequence[tuple[str, str]] = REASONS,
        edit: Mapping[str, Any] | None = None,
        problem: str = "",
    ) -> bool:
        """Outline the field `ref` and show the card beside it; False when the field is not on the page.

        `on_verdict(kind, argument)` is called once: "accept" with None, "reject" with None or the first of a pair of `reasons`,
        "edit" with the value entered instead. `edit`: the input for that (label, kind, value, options, required, max_length,
        min, max), or None where there is nothing to edit. `problem`: why the value entered before was not taken.

        Raises:
            PageError: the page is gone.
        """
        if not self._bound:
            try:
                await self.page.expose_binding(BINDING, self._on_call)
            except PlaywrightError as error:
                raise PageError(f"The page {self.page.url!r} went away before the card was shown.") from error
            self._bound = True
        self._token, self._on_verdict = secrets.token_hex(16), on_verdict
        self._card = {
            "ref": ref,
            "suggestion": suggestion,
            "reason": reason,
            "alternatives": list(alternatives),
            "reasons": [list(pair) for pair in reasons],
            "token": self._token,
            "card": True,
            "edit": dict(edit) if edit is not None else None,
            "problem": problem,
        }
        found = await self._call("show", self._card)
        self.shown = True
        return bool(found)

    async def outline(self, ref: str) -> bool:
        """Outline a field without a card; False when it is not on the page."""
        return bool(await self._call("show", {"ref": ref, "alternatives": [], "reasons": [], "card": False}))

    async def hide(self) -> None:
        """Take card and outline away."""
        self._token, self._on_verdict, self.shown = "", None, False
        try:
            await self._call("hide", None)
        except PageError:
            logger.debug("The page {!r} went away before the card was hidden", self.page.url)

    async def _call(self, method: str, argument: Any) -> Any:
        try:
            answer = await self.page.evaluate(CALL, [method, argument])
            if answer is None:
                await self.page.evaluate(script())
                answer = await self.page.evaluate(CALL, [method, argument])
        except PlaywrightError as error:
            if moved_on(error) and not self.page.is_closed():
                return None
            first = str(error).strip().splitlines()[0]
            raise PageError(f"The page {self.page.url!r} cannot show a hand-off: {first} Open it again.") from error
        return answer[0] if answer else None

    async def _on_call(self, source: Any, token: str, kind: str, argument: str | None) -> None:
        # The page's own scripts can call the binding too, but do not know the token.
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            return
        if kind not in ("accept", "reject", "edit") or self._on_verdict is None:
            return
        on_verdict, self._on_verdict, self._token, self.shown = self._on_verdict, None, "", False
        answer = on_verdict(kind, argument)
        if answer is not None:
            await answer

    def _on_document(self, page: Page) -> None:
        if self.shown:
            task = asyncio.create_task(self._show_again())
            self._again.add(task)
            task.add_done_callback(self._again.discard)

    async def _show_again(self) -> None:
        try:
            await self._call("show", self._card)
        except PageError as error:
            logger.debug("The card cannot be shown again: {}", error)
