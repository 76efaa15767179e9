"""Click."""

from __future__ import annotations

from browser.perform.effect import Watch, judge
from browser.perform.ground import Ground, ask, locate
from browser.perform.press import box_of, press
from schema_extraction.action import Click, Outcome
from schema_extraction.view import View


async def click(ground: Ground, view: View, action: Click) -> Outcome:
    """Press a control; done when the page moved, sent something, or shows something else for it."""
    located = await locate(ground, view, action.target, mark=True)
    if isinstance(located, Outcome):
        return located
    watch = Watch(ground, located.view)
    watch.frame = located.frame
    handle = located.handle
    if not located.state.direct and located.state.kind in ("check", "radios"):
        handle = await box_of(handle)
    failed = await press(ground, handle, f"{located.control.role} {located.control.name!r}")
    if failed is not None:
        await watch.collect()
        if asked := watch.asked():
            return Outcome(result="refused", message=f"The browser asked, and was told no: {asked}")
        if failed.result == "not_sent" and watch.received:
            return Outcome(result="unknown", message=f"{failed.message} Yet the page received a click. Look at the case first.")
        return failed
    outcome = await judge(watch, located, located.control.critical)
    if outcome.result == "no_effect" and located.state.kind in ("check", "radios"):
        if await ask(located.handle, "value") not in (None, located.state.value):
            return Outcome(result="done")
    return outcome
