"""Composite actions: send a message, close a case, transfer it, by the parts that the profile names."""

from __future__ import annotations

import asyncio

from browser.perform.choose import choose
from browser.perform.effect import Watch, new_notices, refused
from browser.perform.equal import fold
from browser.perform.fill import enter
from browser.perform.ground import Ground, Located, locate, not_sent
from browser.perform.press import press
from schema_extraction.action import CloseCase, Outcome, SendMessage, Target, TransferCase, action_value
from schema_extraction.profile import Part
from schema_extraction.view import Control, View

Composite = SendMessage | CloseCase | TransferCase
CHOOSERS = ("native-select", "drawn", "combobox", "listbox", "radios")


async def composite(ground: Ground, view: View, action: Composite) -> Outcome:
    """Do the parts in order, looking at the page anew before each, until the action's own effect shows."""
    parts = ground.profile.composites.get(action.type, ())
    if not parts:
        return not_sent(f"Profile {ground.profile.name!r} does not say how to {action.type}; add it under `composites`.")
    before = view if await ground.current(view) else await ground.view()
    if before.case_id is None and ground.profile.case is not None:
        return not_sent(f"{before.path!r} is no case page. Open the case first.")
    watch = Watch(ground, before)
    pressed: Located | None = None
    for part in parts:
        if part.kind == "value" and not (action_value(action) or ""):
            continue
        now = await ground.view()
        if pressed is not None and (outcome := _verdict(watch, now, action, pressed)).result != "no_effect":
            return outcome
        located = await _part(ground, now, action, part, wait=pressed is not None)
        if isinstance(located, Outcome):
            # After a press nothing more is tried; what came of it shows, or does not.
            return located if pressed is None else await _judge(ground, watch, action, pressed)
        if part.kind == "value":
            outcome = await _enter(ground, located, action_value(action) or "")
            if not outcome.ok:
                return not_sent(outcome.message) if outcome.result == "no_effect" else outcome
            continue
        await watch.begin(located)
        failed = await press(ground, located.handle, f"{located.control.role} {located.control.name!r}")
        if failed is not None:
            return await _unpressed(watch, failed, pressed)
        pressed = located
        await watch.rest()
    if pressed is None:
        return not_sent(f"Profile {ground.profile.name!r} names no click for {action.type}, so nothing was sent.")
    return await _judge(ground, watch, action, pressed)


async def _part(ground: Ground, view: View, action: Composite, part: Part, wait: bool) -> Located | Outcome:
    """The control of a part; after a press it may take a moment to appear, as a dialog does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + (ground.hands.popup if wait else ground.hands.patience)
    while (control := view.part(action.type, part.name)) is None or control.disabled:
        left = deadline - loop.time()
        if left <= 0 or not await ground.changed(left):
            break
        view = await ground.view()
    if control is None:
        return not_sent(f"The {part.name!r} control of {action.type} is not on the page.")
    return await locate(ground, view, _target(control))


def _target(control: Control) -> Target:
    return Target(key=control.key, role=control.role, name=control.name, ref=control.ref)


async def _enter(ground: Ground, located: Located, value: str) -> Outcome:
    if located.state.kind in CHOOSERS:
        return await choose(ground, located, value)
    return await enter(ground, located, value)


async def _unpressed(watch: Watch, failed: Outcome, pressed: Located | None) -> Outcome:
    await watch.collect()
    if asked := watch.asked():
        return Outcome(result="refused", message=f"The browser asked, and was told no: {asked}")
    if failed.result == "not_sent" and (watch.received or watch.exchanges()):
        return Outcome(result="unknown", message=f"{failed.message} Yet something was sent. Look at the case first.")
    if failed.result == "not_sent" and pressed is not None:
        return Outcome(result="no_effect", message=f"Left half-way: {failed.message}")
    return failed


async def _judge(ground: Ground, watch: Watch, action: Composite, pressed: Located) -> Outcome:
    """Wait for the effect as long as the application may take to answer, and no longer than it takes to say no."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        await watch.rest()
        if not await watch.answered():
            return Outcome(result="unknown", message="The application has not answered yet. Look at the case first.")
        now = await ground.view()
        outcome = _verdict(watch, now, action, pressed)
        if outcome.result != "no_effect":
            return outcome
        # Once something was sent, its effect may come late, by a live update.
        limit = ground.hands.late if watch.moved() or now.busy else ground.hands.patience
        left = started + limit - loop.time()
        if left <= 0 or not await ground.changed(left):
            break
    if any(e.writes for e in watch.exchanges()):
        return Outcome(result="unknown", message=f"Something was sent, but {_missed(action)}. Look at the case first.")
    if now.dialog is not None:
        return Outcome(result="no_effect", message=f"The dialog {now.dialog.name!r} stands open, and {_missed(action)}.")
    return outcome


def _verdict(watch: Watch, now: View, action: Composite, pressed: Located) -> Outcome:
    """What the page shows of the action so far; `no_effect` while it shows nothing."""
    if asked := watch.asked():
        return Outcome(result="refused", message=f"The browser asked, and was told no: {asked}")
    if watch.signed_out(now):
        return Outcome(result="unknown", message="The application signed us out. Sign in and look at the case first.")
    broken = watch.broken()
    if broken is not None and broken.result == "unknown":
        return broken
    if watch.invalid:
        return Outcome(result="refused", message="; ".join(watch.invalid))
    if _shows(watch.before, now, action):
        return Outcome(result="done", message=" ".join(n.text for n in new_notices(watch.before, now)))
    if words := refused(watch, now, pressed.control.key):
        return Outcome(result="refused", message=words)
    if broken is not None:
        said = " ".join(n.text for n in new_notices(watch.before, now))
        return broken.model_copy(update={"message": f"{said} ({broken.message})"}) if said else broken
    return Outcome(result="no_effect", message=f"The page was clicked through, but {_missed(action)}.")


def _missed(action: Composite) -> str:
    match action:
        case SendMessage():
            return "the message does not appear"
        case CloseCase():
            return "the case is not closed"
        case TransferCase():
            return "the case is not transferred"


def _shows(before: View, now: View, action: Composite) -> bool:
    """Whether the action's own effect shows."""
    if isinstance(action, SendMessage):
        return _said(now, action.text) > _said(before, action.text)
    if now.case_id is None or now.case_id != before.case_id:
        # The application left the case, as many do once it is gone from one's list; an alert there says that it did not go.
        return not any(n.kind == "alert" for n in new_notices(before, now))
    if isinstance(action, CloseCase):
        return now.closed and not before.closed
    return now.closed and not before.closed or _handed_over(before, now, action.team)


def _said(view: View, text: str) -> int:
    wanted = fold(text)
    return sum(1 for message in view.messages if message.direction == "outbound" and fold(message.text) == wanted)


def _handed_over(before: View, now: View, team: str) -> bool:
    """Whether a fact now names the team, and did not before. Behind an open dialog the team's own field reads as a fact."""
    if now.dialog is not None:
        return False
    wanted = fold(team).casefold()
    old = {(f.key, fold(f.value.raw).casefold()) for f in before.facts}
    return bool(wanted) and any(fold(f.value.raw).casefold() == wanted and (f.key, wanted) not in old for f in now.facts)
