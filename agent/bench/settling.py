"""How soon after a page has become quiet the next view of it is there, and whether it comes too early."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from browser.page import CasePage, new_case_page
from browser.session import Browser
from fixtures.pages.unrest import PAGES, UnrestPage, serving
from fixtures.pages.unrest.pages import QUIET_AT, READY
from schema_extraction.action import Action, Click, Fill, Target
from schema_extraction.profile import Profile
from schema_extraction.view import Frozen, View

RUNS = 30
LATE = 150.0
"""Milliseconds after quiet by which the next view is to be there, at the 95th percentile."""


class Observation(Frozen):
    """The view after one action. `stale`: in words what it should have said, or what it still said, or that the page was not
    quiet yet; empty for a true one. `late`: milliseconds from quiet to view. `busy`: the view says that the page is."""

    stale: str = ""
    late: float = 0.0
    busy: bool = False
    outcome: str = ""


class Settling(Frozen):
    """One page over all runs. `early` counts the stale views; `p50`, `p95` and `worst` are lateness in milliseconds."""

    page: str
    runs: int
    early: int
    busy: int
    p50: float
    p95: float
    worst: float
    why: str = ""

    @property
    def good(self) -> bool:
        return self.early == 0 and self.p95 <= LATE


def _profile(url: str) -> Profile:
    return Profile.model_validate({"name": "unrest", "base_url": url, "requests_per_second": 1000})


def _target(view: View, name: str) -> Target:
    control = next(control for control in view.controls if control.name == name)
    return Target(key=control.key, role=control.role, name=control.name, ref=control.ref)


def _action(view: View, unrest: UnrestPage) -> Action:
    target = _target(view, unrest.control)
    return Fill(target=target, value=unrest.value) if unrest.act == "fill" else Click(target=target)


async def observe(page: CasePage, unrest: UnrestPage) -> Observation:
    """Open the page, act on it, and look at it as casepilot does next.

    Raises:
        PageError: the page is gone.
    """
    await page.goto(f"/{unrest.name}")
    await page.page.wait_for_function(READY)
    view = await page.view()
    outcome = await page.perform(view, _action(view, unrest))
    after = await page.view()
    seen = time.time() * 1000
    quiet = await page.page.evaluate(QUIET_AT)
    said = after.model_dump_json()
    wrong = [f"{text!r} is missing" for text in unrest.says if text not in said]
    wrong += [f"{text!r} is still there" for text in unrest.gone if text in said]
    if quiet is None or quiet > seen:
        wrong.append("not quiet yet")
    return Observation(
        stale="; ".join(wrong),
        late=max(0.0, seen - quiet) if quiet is not None else 0.0,
        busy=after.busy,
        outcome=outcome.result,
    )


async def measure(browser: Browser, pages: Sequence[UnrestPage] = PAGES, runs: int = RUNS) -> tuple[Settling, ...]:
    """`runs` observations of each page, one after the other.

    Raises:
        PageError: a page is gone.
    """
    found = []
    with serving() as url:
        for unrest in pages:
            page = await new_case_page(browser, _profile(url))
            try:
                seen = [await observe(page, unrest) for _ in range(runs)]
            finally:
                await page.close()
            found.append(_summed(unrest.name, seen))
    return tuple(found)


def _summed(name: str, seen: Sequence[Observation]) -> Settling:
    stale = [one.stale for one in seen if one.stale]
    late = [one.late for one in seen if not one.stale] or [float("nan")]
    p50, p95 = (round(float(value), 1) for value in np.percentile(late, [50, 95]))
    busy = sum(one.busy for one in seen)
    return Settling(
        page=name,
        runs=len(seen),
        early=len(stale),
        busy=busy,
        p50=p50,
        p95=p95,
        worst=round(max(late), 1),
        why=stale[0] if stale else "",
    )
