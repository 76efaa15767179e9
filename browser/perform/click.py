"""Click."""

from __future__ import annotations

from browser.perform.effect import Watch, judge
from browser.perform.ground import Ground, Located, ask, locate
from browser.perform.press import box_of, press
from schema_extraction.action import Click, Outcome, Target
from schema_extraction.view import View


async def click(ground: Ground, view: View, action: Click) -> Outcome:
    """Press a control; done when the page moved, sent something, or shows something else for it.

    A press that was lost because the page drew the control anew under the mouse is made once more, on the new one: where it
    was not sent at all, and where it set off nothing on a control that is not critical.
    """
    outcome, lost = await _click(ground, view, action.target)
    if lost:
        outcome, _ = await _click(ground, await ground.view(), action.target)
    return outcome


async def _click(ground: Ground, view: View, target: Target) -> tuple[Outcome, bool]:
    """One press, and whether it was lost."""
    located = await locate(ground, view, target, mark=True)
    if isinstance(located, Outcome):
        return located, False
    watch = Watch(ground, located.view)
    watch.frame = located.frame
    handle = located.handle
    if not located.state.direct and located.state.kind in ("check", "radios"):
        handle = await box_of(handle)
    failed = await press(ground, handle, f"{located.control.role} {located.control.name!r}")
    if failed is not None:
        await watch.collect()
        if asked := watch.asked():
            return Outcome(result="refused", message=f"The browser asked, and was told no: {asked}"), False
        if failed.result == "not_sent" and watch.received:
            message = f"{failed.message} Yet the page received a click. Look at the case first."
            return Outcome(result="unknown", message=message), False
        return failed, failed.result == "not_sent" and await _replaced(ground, located)
    outcome = await judge(watch, located, located.control.critical)
    if outcome.result == "no_effect" and located.state.kind in ("check", "radios"):
        if await ask(located.handle, "value") not in (None, located.state.value):
            return Outcome(result="done"), False
    lost = outcome.result == "no_effect" and not watch.received and not located.control.critical
    return outcome, lost and await _replaced(ground, located)


async def _replaced(ground: Ground, located: Located) -> bool:
    """Whether the page has put another element in this one's place."""
    if await ask(located.handle, "value") is not None:
        return False
    now = (await ground.view()).control(located.control.key)
    return now is not None and now.ref != located.control.ref
