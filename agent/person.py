"""The person at the screen as operator: one hand-off at a time comes to the front of the browser's window."""

from __future__ import annotations

from collections.abc import Callable

from agent.desk import Desk
from agent.errors import DeskError
from agent.handoff import Handoff


async def at_the_screen(desk: Desk, operator: str, tell: Callable[[Handoff], None]) -> None:
    """Claim hand-offs one by one for `operator`, bring each page to the front, and wait until it has ended.

    The verdict comes from the card in the page, or from the work that is done in it. Returns when the desk closes.
    """
    async for waiting in desk:
        try:
            handoff = await desk.claim(waiting.id, operator)
        except DeskError:
            continue  # it ended, or went out of date, before its turn came
        page = desk.page(handoff.id)
        if page is not None:
            await page.page.bring_to_front()
        tell(handoff)
        await desk.wait_ended(handoff.id)


async def whoever_comes(desk: Desk, tell: Callable[[Handoff], None]) -> None:
    """Tell of every hand-off and leave it to whoever works in its page, or joins it over its DevTools endpoint."""
    async for waiting in desk:
        tell(waiting)
