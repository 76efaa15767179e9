"""Fill: native fields, also in shadow roots, and rich-text editors."""

from __future__ import annotations

from playwright.async_api import Error as PlaywrightError

from browser.perform.dates import for_field
from browser.perform.equal import fold, same_value
from browser.perform.ground import Ground, Located, held, locate, not_sent
from browser.perform.press import press
from browser.perform.written import as_asked
from schema_extraction.action import Fill, Outcome
from schema_extraction.view import View

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


async def fill(ground: Ground, view: View, action: Fill) -> Outcome:
    """Put `action.value` in place of what the field holds, leave the field, and read it back once the page is at rest."""
    located = await locate(ground, view, action.target)
    if isinstance(located, Outcome):
        return located
    return await enter(ground, located, action.value)


async def enter(ground: Ground, located: Located, value: str) -> Outcome:
    """`fill` for a field that has been located."""
    name = f"{located.control.role} {located.control.name!r}"
    if located.state.readonly:
        return not_sent(f"{name} is read-only.")
    taken = for_field(located.state.type, value)
    if taken is None:
        return not_sent(f"{name} takes a date, and {value!r} is none.")
    value = as_asked(located.control.hint, taken)
    editor = located.state.kind == "editor"
    try:
        if editor:
            failed = await press(ground, located.handle, name)
            if failed is not None:
                return failed
            await _compose(ground, located, value)
        else:
            await located.handle.fill(value, timeout=ground.hands.press * 1000)
            await located.handle.evaluate(BLUR)
    except PlaywrightError as error:
        return _refusal(name, value, error)
    got = await _held(ground, located, value)
    if got is not None and not same_value(value, got):
        typed = await _type(ground, located, value)
        if typed is not None:
            return typed
        got = await _held(ground, located, value)
    if got is None:
        return Outcome(result="unknown", message=f"{name} left the page after it was filled.")
    if same_value(value, got):
        return Outcome(result="done")
    if located.control.sensitive:
        return Outcome(result="no_effect", message=f"{name} does not hold what was typed.")
    return Outcome(result="no_effect", message=f"{name} holds {fold(got)!r} after {value!r} was typed.")


async def _held(ground: Ground, located: Located, value: str) -> str | None:
    await ground.settle()
    if located.control.sensitive:
        try:
            return value if await located.handle.evaluate(HOLDS, value) else ""
        except PlaywrightError:
            return None  # a secret is never read back; its field is gone, so nobody can tell
    return await held(ground, located)


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


async def _type(ground: Ground, located: Located, value: str) -> Outcome | None:
    """Key by key, for fields that listen to keys alone; an outcome where that cannot be done."""
    keyboard = ground.page.keyboard
    name = f"{located.control.role} {located.control.name!r}"
    if located.state.type in ("date", "time", "month", "week", "datetime-local", "color", "range"):
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
        return _refusal(name, value, error)
    return None


def _refusal(name: str, value: str, error: PlaywrightError) -> Outcome:
    text = str(error)
    first = text.strip().splitlines()[0].removeprefix("ElementHandle.fill: ")
    if "Malformed value" in text or "Cannot type text into" in text:
        return not_sent(f"{name} does not take {value!r}: {first}")
    for words, reason in (("not enabled", "disabled"), ("not editable", "read-only"), ("not visible", "not visible")):
        if words in text:
            return not_sent(f"{name} is {reason}.")
    if "not attached" in text or "destroyed" in text or "detached" in text:
        return not_sent(f"{name} left the page (stale) before it was filled.")
    return Outcome(result="unknown", message=f"Filling {name} was cut short: {first}")
