"""Opens pages of the bad site and looks at them."""

from __future__ import annotations

import asyncio
import time

from anyio.from_thread import BlockingPortal

from browser.capture import CaptureSettings
from browser.page import CasePage, PageSettings
from browser.settle import SettleSettings
from schema_extraction.view import View
from tests.browser.bad_site import BadSite

SETTINGS = PageSettings(
    open_seconds=2.0,
    settle=SettleSettings(limit=0.5, grace=1.0),
    capture=CaptureSettings(answer_seconds=3.0, frame_seconds=1.0),
)
LONGEST = SETTINGS.settle.limit + 2 * SETTINGS.settle.grace + SETTINGS.capture.answer_seconds + 3.0
"""Seconds until a view must be there, or an error: waiting for rest, asking whether it still rests, the answer, and some leave
for a busy machine."""


class Visitor:
    """Opens pages of the bad site and looks at them, from a test's own thread."""

    def __init__(self, portal: BlockingPortal, page: CasePage, site: BadSite) -> None:
        self.portal, self.page, self.site = portal, page, site

    def open(self, path: str, body: str = "") -> None:
        if body:
            self.site.pages[path] = ("text/html; charset=utf-8", body.encode())
        self.portal.call(self.page.goto, path)

    def run(self, script: str) -> object:
        return self.portal.call(self.page.page.evaluate, script)

    def view(self, longest: float = LONGEST) -> View:
        """The view, in time; fails where it takes longer, also to say that there is none."""
        started = time.monotonic()
        try:
            return self.portal.call(self.page.view)
        finally:
            assert time.monotonic() - started < longest

    def wait(self, seconds: float) -> None:
        self.portal.call(asyncio.sleep, seconds)


def names(view: View) -> list[str]:
    return [control.name for control in view.controls]


def told(view: View) -> str:
    return "\n".join(section.text for section in view.sections)
