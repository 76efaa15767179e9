"""One press of the mouse on an element, and in words why it could not be made."""

from __future__ import annotations

from playwright.async_api import ElementHandle
from playwright.async_api import Error as PlaywrightError

from browser.perform.ground import Ground, not_sent
from schema_extraction.action import Outcome

# The last line of the call log that says something tells why the press was not made, or that it was.
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


async def press(ground: Ground, handle: ElementHandle, name: str) -> Outcome | None:
    """Click the middle of an element as a person would; None when the click was made, else `not_sent` or `unknown`."""
    try:
        await handle.click(timeout=ground.hands.press * 1000)
    except PlaywrightError as error:
        return _why(error, name)
    return None


def _why(error: PlaywrightError, name: str) -> Outcome:
    for line in reversed(str(error).splitlines()):
        for words, reason in REASONS:
            if words in line:
                return not_sent(f"{name} {reason}.")
        if "action done" in line or "performing" in line:
            break
    else:
        first = str(error).strip().splitlines()[0]
        if "closed" not in first and "crash" not in first.lower() and "destroyed" not in first:
            return not_sent(f"{name} could not be clicked: {first}")
    return Outcome(
        result="unknown", message=f"The page went away while {name} was being clicked. Look at the case before anything else."
    )
