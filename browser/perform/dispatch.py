"""From an action to the hand that carries it out."""

from __future__ import annotations

import time

from playwright.async_api import Error as PlaywrightError

from browser.errors import BrowserError
from browser.perform.check import check
from browser.perform.choose import select
from browser.perform.click import click
from browser.perform.composite import composite
from browser.perform.fill import fill
from browser.perform.ground import Ground
from schema_extraction.action import (
    Action,
    AskOperator,
    Check,
    Click,
    CloseCase,
    Done,
    Fill,
    Outcome,
    Select,
    SendMessage,
    TransferCase,
    Wait,
)
from schema_extraction.view import View

WAIT = 5.0  # seconds that the action `wait` waits for the page to change


async def perform(ground: Ground, view: View, action: Action) -> Outcome:
    """Carry out `action`, which was chosen on `view`, and say what came of it, judged by the page alone.

    Never raises for what a page does: a page that went away meanwhile makes the outcome `unknown`.
    """
    started = time.monotonic()
    ground.traffic.begin()
    try:
        outcome = await _carry_out(ground, view, action)
    except (PlaywrightError, BrowserError) as error:
        first = str(error).strip().splitlines()[0]
        outcome = Outcome(result="unknown", message=f"The page went away during {action.type}: {first}")
    finally:
        ground.traffic.end()
    return outcome.model_copy(update={"seconds": round(time.monotonic() - started, 4)})


async def _carry_out(ground: Ground, view: View, action: Action) -> Outcome:
    match action:
        case Click():
            return await click(ground, view, action)
        case Fill():
            return await fill(ground, view, action)
        case Select():
            return await select(ground, view, action)
        case Check():
            return await check(ground, view, action)
        case SendMessage() | CloseCase() | TransferCase():
            return await composite(ground, view, action)
        case Wait():
            changed = await ground.changed(WAIT)
            return Outcome(result="done" if changed else "no_effect", message="" if changed else "The page did not change.")
        case Done() | AskOperator():
            return Outcome(result="done")
