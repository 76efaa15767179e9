"""Reads HTML in a real browser, from a test's own thread."""

from __future__ import annotations

from typing import Any

from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser.capture import capture, element
from schema_extraction.extract import extract
from schema_extraction.snapshot import Snapshot
from schema_extraction.view import View


class Reader:
    """Loads HTML into a page and reads it, from a test's own thread."""

    def __init__(self, portal: BlockingPortal, page: Page) -> None:
        self.portal, self.page = portal, page

    def load(self, body: str) -> None:
        self.portal.call(self.page.set_content, f"<!doctype html><title>T</title>{body}")

    def run(self, script: str) -> Any:
        return self.portal.call(self.page.evaluate, script)

    def snapshot(self) -> Snapshot:
        return self.portal.call(capture, self.page)

    def html(self, body: str | None = None) -> str:
        if body is not None:
            self.load(body)
        return self.snapshot().frames[0].html

    def view(self, body: str | None = None) -> View:
        if body is not None:
            self.load(body)
        return extract(self.snapshot())

    def ref(self, name: str) -> str:
        return next(control.ref for control in self.view().controls if control.name == name)

    def act(self, ref: str, method: str, *arguments: Any) -> Any:
        async def do() -> Any:
            return await getattr(await element(self.page, ref), method)(*arguments)

        return self.portal.call(do)


def names(view: View) -> list[str]:
    return [control.name for control in view.controls]
