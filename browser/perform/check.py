"""Check: checkboxes and switches."""

from __future__ import annotations

from browser.perform.ground import Ground, ask, held, locate
from browser.perform.press import press
from schema_extraction.action import Check, Outcome
from schema_extraction.view import View

HIT = 'element => globalThis[Symbol.for("casepilot.widgets")].hit(element)'


async def check(ground: Ground, view: View, action: Check) -> Outcome:
    """Bring a box to `action.checked`, and see whether it stays so."""
    located = await locate(ground, view, action.target)
    if isinstance(located, Outcome):
        return located
    wanted = "on" if action.checked else "off"
    if located.state.value == wanted:
        return Outcome(result="done", message=f"It was {wanted} already.")
    name = f"{located.control.role} {located.control.name!r}"
    drawn = (await located.handle.evaluate_handle(HIT)).as_element() or located.handle
    heard = len(ground.dialogs.heard)
    failed = await press(ground, drawn, name)
    if failed is not None:
        return failed
    await ground.settle()
    if await ask(located.handle, "value") != wanted:
        await ground.changed(ground.hands.patience)
    if await held(ground, located) == wanted:
        return Outcome(result="done")
    if asked := [dialog.text for dialog in ground.dialogs.heard[heard:]]:
        return Outcome(result="refused", message=f"The browser asked, and was told no: {' '.join(asked)}")
    return Outcome(result="no_effect", message=f"{name} did not stay {wanted} after it was clicked.")
