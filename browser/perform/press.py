"""One press of the mouse on an element, and in words why it could not be made."""

from __future__ import annotations

from playwright.async_api import ElementHandle
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from browser.perform.ground import Ground, not_sent
from schema_extraction.action import Outcome

# The last line of Playwright's call log that says something tells why the press was not made, or that it was.
REASONS = (
    ("intercepts pointer events", "is covered by something else"),
    ("is not enabled", "is disabled"),
    ("is not visible", "is not visible"),
    ("is not stable", "keeps moving"),
    ("is inert", "is inert, behind a dialog perhaps"),
    ("outside of the viewport", "is outside of the window"),
    ("not attached", "has left the page (stale)"),
    ("detached", "has left the page (stale)"),
    ("not connected", "has left the page (stale)"),
)


HIT = 'element => globalThis[Symbol.for("casepilot.widgets")].hit(element)'


async def box_of(handle: ElementHandle) -> ElementHandle:
    """What a person would click to operate an element."""
    return (await handle.evaluate_handle(HIT)).as_element() or handle


async def press(ground: Ground, handle: ElementHandle, name: str) -> Outcome | None:
    """Click the middle of an element as a person would; None when the click was made, else `not_sent` or `unknown`.

    A click that was made but whose navigation is slow counts as made.
    """
    try:
        await handle.click(timeout=ground.hands.press * 1000)
    except PlaywrightTimeout as error:
        return _held_up(str(error), name)
    except PlaywrightError as error:
        return _cut_short(str(error), name)
    return None


def _held_up(log: str, name: str) -> Outcome | None:
    for line in reversed(log.splitlines()):
        if "performing" in line or "action done" in line:
            return None
        for words, reason in REASONS:
            if words in line:
                return not_sent(f"{name} {reason}.")
    return not_sent(f"{name} could not be clicked in time.")


def _cut_short(log: str, name: str) -> Outcome:
    first = log.strip().splitlines()[0]
    # A press that met something else is taken back: the page hears nothing of it.
    dispatched = log.rfind("performing") > log.rfind("intercepts pointer events")
    if not dispatched and any(words in log for words in ("not attached", "detached", "not connected")):
        return not_sent(f"{name} has left the page (stale).")
    if dispatched or any(words in first.lower() for words in ("closed", "crash", "destroyed")):
        return Outcome(result="unknown", message=f"The page went away while {name} was being clicked. Look at the case first.")
    return not_sent(f"{name} could not be clicked: {first}")
