"""Check: checkboxes and switches."""

from __future__ import annotations

from browser.perform.effect import Watch
from browser.perform.ground import Ground, held, locate
from browser.perform.press import box_of, press
from schema_extraction.action import Check, Outcome
from schema_extraction.view import View

PRESSES = 3


async def check(ground: Ground, view: View, action: Check) -> Outcome:
    """Bring a box to `action.checked`, and see whether it stays so."""
    located = await locate(ground, view, action.target)
    if isinstance(located, Outcome):
        return located
    wanted = "on" if action.checked else "off"
    if located.state.value == wanted:
        return Outcome(result="done", message=f"It was {wanted} already.")
    name = f"{located.control.role} {located.control.name!r}"
    watch = Watch(ground, located.view)
    drawn = located.handle if located.state.direct else await box_of(located.handle)
    got: str | None = located.state.value
    # A box of three states goes through them in an order of its own.
    for _ in range(PRESSES if got == "mixed" else 1):
        failed = await press(ground, drawn, name)
        if failed is not None:
            return watch.said(failed)
        await ground.settle()
        got = await held(ground, located)
        if got == wanted:
            break
    if got != wanted and await ground.changed(ground.hands.patience):
        await ground.settle()
        got = await held(ground, located)
    if (refused := await watch.objection()) is not None:
        return await watch.worded(refused)
    if got is None:
        return Outcome(result="unknown", message=f"{name} left the page after it was clicked.")
    if got == wanted:
        return Outcome(result="done")
    return await watch.worded(Outcome(result="no_effect", message=f"{name} did not stay {wanted} after it was clicked."))
