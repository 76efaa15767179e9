"""A date chosen from the calendar that a read-only field opens."""

from __future__ import annotations

from datetime import date

from playwright.async_api import ElementHandle
from playwright.async_api import Error as PlaywrightError

from browser.perform.ground import Ground, Located, held, not_sent
from browser.perform.press import press
from schema_extraction.action import Outcome
from schema_extraction.normalise import value as normalised

NEXT = 'async (element, iso) => globalThis[Symbol.for("casepilot.widgets")].calendar(element, iso)'
TURNS = 60  # pages of a calendar that are turned at most


async def by_calendar(ground: Ground, located: Located, value: str) -> Outcome | None:
    """Choose the day `value` in the calendar that stands open; None where none does."""
    name = f"{located.control.role} {located.control.name!r}"
    wanted = normalised(value, "date").date
    if wanted is None:
        return None
    step = ""
    for _ in range(TURNS):
        step, pressed = await _next(located, wanted)
        if pressed is None:
            break
        failed = await press(ground, pressed, f"{'day' if step == 'day' else 'arrow'} of the calendar of {name}")
        if failed is not None:
            return failed
        await ground.settle()
        if step == "day":
            break
    if step == "none":
        return None
    if step != "day":
        await ground.page.keyboard.press("Escape")
        return not_sent(f"The calendar of {name} does not offer {wanted.isoformat()}.")
    got = await held(ground, located)
    if got is None:
        return Outcome(result="unknown", message=f"{name} left the page after {wanted.isoformat()} was chosen.")
    if same_day(got, wanted):
        return Outcome(result="done")
    return Outcome(result="no_effect", message=f"{name} holds {got!r} after {wanted.isoformat()} was chosen.")


async def _next(located: Located, wanted: date) -> tuple[str, ElementHandle | None]:
    try:
        answer = await located.handle.evaluate_handle(NEXT, wanted.isoformat())
        step = await (await answer.get_property("step")).json_value()
        return str(step), (await answer.get_property("element")).as_element()
    except PlaywrightError:
        return "none", None  # the field has left the page


def same_day(text: str, wanted: date) -> bool:
    """Whether a text names a day; where the order of day and month is open, either."""
    read = normalised(text, "date").date
    if read is None:
        return False
    return read == wanted or (read.year, read.month, read.day) == (wanted.year, wanted.day, wanted.month)
