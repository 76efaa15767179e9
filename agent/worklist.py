"""The open cases on the application's work list."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

from loguru import logger
from lxml import html

from agent.errors import RunError
from browser.page import CasePage
from schema_extraction.profile import Profile, compiled
from schema_extraction.snapshot import Snapshot


async def open_cases(page: CasePage, profile: Profile) -> list[str]:
    """The case ids that all pages of the profile's work list link to, in its order.

    Raises:
        RunError: the profile has no work list.
        PageError: the application cannot be reached.
    """
    if profile.work_list is None or profile.case is None:
        raise RunError(
            f"Profile {profile.name!r} has no work list. Name the cases with --case, or add `work_list` to the profile."
        )
    found: dict[str, None] = {}
    visited: set[str] = set()
    path: str | None = profile.work_list.path
    while path is not None and path not in visited:
        visited.add(path)
        await page.goto(path)
        found_here, path = on_page(await page.snapshot(), profile)
        found |= dict.fromkeys(found_here)
    logger.info("work list: {} open cases on {} pages", len(found), len(visited))
    return list(found)


def on_page(snapshot: Snapshot, profile: Profile) -> tuple[list[str], str | None]:
    """The case ids that a page of the work list links to, and the address of its next page."""
    found: dict[str, None] = {}
    following: str | None = None
    for link in _links(snapshot):
        address = link.get("href", "")
        if case_id := profile.case_id(address):
            found.setdefault(case_id)
        elif profile.work_list is not None and _is_next(link, profile.work_list.next):
            following = urljoin(snapshot.url, address)
    return list(found), following


def _links(snapshot: Snapshot) -> Iterator[html.HtmlElement]:
    for frame in snapshot.frames:
        if frame.html.strip():
            yield from html.fromstring(frame.html).iter("a")


def _is_next(link: html.HtmlElement, words: str) -> bool:
    text = " ".join(link.text_content().split())
    return "next" in link.get("rel", "").split() or compiled(words).search(text) is not None
