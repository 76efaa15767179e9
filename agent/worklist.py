"""The open cases on the application's work list."""

from __future__ import annotations

from loguru import logger
from lxml import html

from agent.errors import RunError
from browser.page import CasePage
from schema_extraction.profile import Profile


async def open_cases(page: CasePage, profile: Profile) -> list[str]:
    """The case ids that the profile's work list links to, in its order.

    Raises:
        RunError: the profile has no work list.
        PageError: the application cannot be reached.
    """
    if profile.work_list is None or profile.case is None:
        raise RunError(
            f"Profile {profile.name!r} has no work list. Name the cases with --case, or add `work_list` to the profile."
        )
    await page.goto(profile.work_list.path)
    snapshot = await page.snapshot()
    found: dict[str, None] = {}
    for frame in snapshot.frames:
        if not frame.html.strip():
            continue
        for link in html.fromstring(frame.html).iter("a"):
            if case_id := profile.case_id(link.get("href", "")):
                found.setdefault(case_id)
    logger.info("work list: {} open cases", len(found))
    return list(found)
