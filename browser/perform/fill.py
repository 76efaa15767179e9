"""Fill: native fields, also in shadow roots, rich-text editors, fields of tokens."""

from __future__ import annotations

from playwright.async_api import Error as PlaywrightError

from browser.perform.attach import attach
from browser.perform.calendar import by_calendar
from browser.perform.choose import choose
from browser.perform.dates import for_field
from browser.perform.effect import Watch
from browser.perform.equal import fold, same_value
from browser.perform.ground import Ground, Located, ask, described, held, locate, not_sent
from browser.perform.press import press
from browser.perform.steps import step_to
from browser.perform.written import as_asked
from schema_extraction.action import Fill, Outcome
from schema_extraction.view import Frozen, View

SELECT_ALL = """element => {
  element.focus();
  const selection = element.getRootNode().getSelection?.() ?? element.ownerDocument.getSelection();
  const range = element.ownerDocument.createRange();
  range.selectNodeContents(element);
  selection.removeAllRanges();
  selection.addRange(range);
}"""
HOLDS = "(element, value) => element.isConnected && element.value === value"
BLUR = "element => element.blur()"
PICKED = ("date", "time", "month", "week", "datetime-local", "color", "range")
"""Types of fields whose keys do not write their value."""


async def fill(ground: Ground, view: View, action: Fill) -> Outcome:
    """Put `action.value` in place of what the field holds, leave the field, and read it back once the page is at rest.

    A file field takes the path of a file; a field of tokens gets one more.
    """
    located = await locate(ground, view, action.target)
    if isinstance(located, Outcome):
        return located
    return await enter(ground, located, action.value)


async def enter(ground: Ground, located: Located, value: str) -> Outcome:
    """`fill` for a field that has been located."""
    name = f"{located.control.role} {located.control.name!r}"
    if located.state.kind == "file":
        return await attach(ground, located, value)
    if located.state.kind == "stepper":
        return await step_to(ground, located, value)
    watch = Watch(ground, located.view)
    if located.state.readonly:
        unlocked = await _unlock(ground, located, value, name)
        if isinstance(unlocked, Outcome):
            return await watch.worded(unlocked)
        located = unlocked
    taken = for_field(located.state.type, value)
    if taken is None:
        return not_sent(f"{name} takes a {located.state.type}, and {value!r} is none.")
    value = as_asked(located.control.hint, taken)
    if 0 <= located.state.most < len(value):
        return not_sent(f"{name} takes at most {located.state.most} characters, and {value!r} has {len(value)}.")
    try:
        failed = await _put(ground, located, value, name)
    except PlaywrightError as error:
        failed = _refusal(watch, located, value, error)
    if failed is not None:
        return watch.said(failed)
    return await _verified(ground, watch, located, value, name)


async def _unlock(ground: Ground, located: Located, value: str, name: str) -> Located | Outcome:
    """A read-only field: one that a click makes writable, or the outcome of the calendar that it opens."""
    await ask(located.handle, "begin")
    failed = await press(ground, located.handle, name)
    if failed is not None:
        return failed
    await ground.settle()
    again = await described(located)
    if again is not None and not again.state.readonly:
        return again
    return await by_calendar(ground, located, value) or not_sent(f"{name} is read-only.")


async def _put(ground: Ground, located: Located, value: str, name: str) -> Outcome | None:
    """Enter the value and leave the field; an outcome where the field could not be reached."""
    if located.state.kind == "editor":
        failed = await press(ground, located.handle, name)
        if failed is not None:
            return failed
        await _compose(ground, located, value)
        return None
    await located.handle.fill(value, timeout=ground.hands.press * 1000)
    if located.state.tokens and value:
        await ground.page.keyboard.press("Enter")
    await located.handle.evaluate(BLUR)
    return None


async def _verified(ground: Ground, watch: Watch, located: Located, value: str, name: str) -> Outcome:
    """What the field holds in the end, after other ways of entering it were tried where the first came to nothing."""
    found = await _held(ground, located, value)
    if (refused := await watch.objection()) is not None:
        return await watch.worded(refused)
    if found is not None and not _taken(located, value, found):
        if located.state.kind == "combobox":
            return await choose(ground, located, value)  # a field that keeps only what its list offers
        typed = await _type(ground, watch, located, value)
        if typed is not None:
            return typed
        found = await _held(ground, located, value)
        if (refused := await watch.objection()) is not None:
            return await watch.worded(refused)
    if found is None:
        return Outcome(result="unknown", message=f"{name} left the page after it was filled.")
    if _taken(located, value, found):
        if found.complaint and value and found.complaint != located.state.complaint:
            return Outcome(result="refused", message=f"{name}: {found.complaint}")
        return Outcome(result="done")
    if located.control.sensitive:
        return Outcome(result="no_effect", message=f"{name} does not hold what was typed.")
    return await watch.worded(
        Outcome(result="no_effect", message=f"{name} holds {fold(found.value)!r} after {value!r} was typed.")
    )


class Entered(Frozen):
    """What a field holds, why the page refuses it, and the words in its box."""

    value: str
    complaint: str = ""
    shown: str = ""


def _taken(located: Located, value: str, found: Entered) -> bool:
    """Whether a field holds a value: as its text, or as one more token."""
    if located.state.tokens and value:
        words, before = fold(found.shown), fold(located.state.shown)
        return not found.value.strip() and words.count(fold(value)) > before.count(fold(value))
    return same_value(value, found.value)


async def _held(ground: Ground, located: Located, value: str) -> Entered | None:
    await ground.settle()
    if located.control.sensitive:
        try:
            return Entered(value=value if await located.handle.evaluate(HOLDS, value) else "")
        except PlaywrightError:
            return None  # a secret is never read back; its field is gone, so nobody can tell
    if (entered := await ask(located.handle, "entered")) is not None:
        return Entered(value=entered[0], complaint=entered[1], shown=entered[2])
    drawn_anew = await held(ground, located)
    return None if drawn_anew is None else Entered(value=drawn_anew)


async def _compose(ground: Ground, located: Located, value: str) -> None:
    """Text into a rich-text editor, as from a keyboard. A line break is Shift+Enter, for Enter alone may send."""
    keyboard = ground.page.keyboard
    await located.handle.evaluate(SELECT_ALL)
    await keyboard.press("Delete")
    for index, line in enumerate(value.split("\n")):
        if index:
            await keyboard.press("Shift+Enter")
        if line:
            await keyboard.insert_text(line)
    if located.state.single:
        await located.handle.evaluate(BLUR)


async def _type(ground: Ground, watch: Watch, located: Located, value: str) -> Outcome | None:
    """Key by key, for fields that listen to keys alone; an outcome where that cannot be done."""
    keyboard = ground.page.keyboard
    if located.state.type in PICKED or located.state.tokens:
        return None
    try:
        if located.state.kind == "editor":
            await located.handle.evaluate(SELECT_ALL)
        else:
            await located.handle.select_text(timeout=ground.hands.press * 1000)
        await keyboard.press("Delete")
        for index, line in enumerate(value.split("\n")):
            if index:
                await keyboard.press("Shift+Enter")
            await keyboard.type(line)
        await located.handle.evaluate(BLUR)
    except PlaywrightError as error:
        return _refusal(watch, located, value, error)
    return None


def _refusal(watch: Watch, located: Located, value: str, error: PlaywrightError) -> Outcome:
    name = f"{located.control.role} {located.control.name!r}"
    text = str(error)
    first = text.strip().splitlines()[0].removeprefix("ElementHandle.fill: ")
    if "Malformed value" in text or "Cannot type text into" in text:
        return not_sent(f"{name} does not take {value!r}: {first}")
    for words, reason in (("not enabled", "disabled"), ("not editable", "read-only"), ("not visible", "not visible")):
        if words in text:
            return not_sent(f"{name} is {reason}.")
    if "not attached" in text or "destroyed" in text or "detached" in text:
        if watch.moved() or located.frame.is_detached():
            return Outcome(result="unknown", message=f"The page, or its frame, went away while {name} was filled.")
        return not_sent(f"{name} left the page (stale) before it was filled.")
    return Outcome(result="unknown", message=f"Filling {name} was cut short: {first}")
