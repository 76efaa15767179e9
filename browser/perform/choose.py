"""Select: native selects, ARIA comboboxes and listboxes, radio groups."""

from __future__ import annotations

from typing import Any

from playwright.async_api import ElementHandle
from playwright.async_api import Error as PlaywrightError

from browser.perform.equal import fold
from browser.perform.ground import Ground, Located, ask, held, locate, not_sent
from browser.perform.press import press
from schema_extraction.action import Outcome, Select
from schema_extraction.view import View

OPTION = """(element, label) => {
  const widgets = globalThis[Symbol.for("casepilot.widgets")];
  const option = widgets.find(element, label)?.element;
  return option ? widgets.hit(option) : null;
}"""
EDITABLE = 'element => (element.localName === "input" && !element.readOnly) || element.isContentEditable'
CHOSEN = """(element, label) => {
  const widgets = globalThis[Symbol.for("casepilot.widgets")];
  const option = widgets.find(element, label);
  return Boolean(option?.selected);
}"""
FIRST_LOOK = 300  # ms that a list which can be typed into is given before its filter is used
STILL = 400  # ms without a change after which a list without the option counts as complete
SHOWN = 12  # options named in a message


async def select(ground: Ground, view: View, action: Select) -> Outcome:
    """Choose the option labelled `action.option`, and read back what the widget shows once the page is at rest."""
    located = await locate(ground, view, action.target)
    if isinstance(located, Outcome):
        return located
    return await choose(ground, located, action.option)


async def choose(ground: Ground, located: Located, option: str) -> Outcome:
    """`select` for a widget that has been located."""
    name = f"{located.control.role} {located.control.name!r}"
    if _same(located.state.value, option):
        return Outcome(result="done", message=f"It was {option!r} already.")
    heard = len(ground.dialogs.heard)
    match located.state.kind:
        case "native-select":
            failed = await _native(ground, located, option, name)
        case "radios" | "listbox":
            failed = await _listed(ground, located, option, name)
        case "combobox":
            failed = await _popped(ground, located, option, name)
        case kind:
            return not_sent(f"{name} is no list to choose from but a {kind}.")
    if failed is not None:
        return failed
    await ground.settle()
    got = await held(ground, located)
    if not _shows(located, got, option) and await ground.changed(ground.hands.patience):
        await ground.settle()
        got = await held(ground, located)
    if asked := [dialog.text for dialog in ground.dialogs.heard[heard:] if dialog.asks]:
        return Outcome(result="refused", message=f"The browser asked, and was told no: {' '.join(asked)}")
    if got is None:
        return Outcome(result="unknown", message=f"{name} left the page after {option!r} was chosen.")
    if _shows(located, got, option) or await _chosen(located.handle, option):
        return Outcome(result="done")
    return Outcome(result="no_effect", message=f"{name} shows {fold(got)!r} after {option!r} was chosen.")


def _same(held_: str, option: str) -> bool:
    return fold(held_).casefold() == fold(option).casefold()


def _shows(located: Located, got: str | None, option: str) -> bool:
    if got is None:
        return False
    # A combobox may show more than the label, such as a "clear" sign; a list that takes several shows them all.
    return _same(got, option) or (located.state.kind == "combobox" and fold(option).casefold() in fold(got).casefold())


async def _chosen(handle: ElementHandle, option: str) -> bool:
    try:
        return bool(await handle.evaluate(CHOSEN, option))
    except PlaywrightError:
        return False  # it has left the page, and so shows nothing


def _missing(name: str, option: str, offered: dict[str, Any]) -> Outcome:
    labels = [label for label in offered["labels"] if label]
    shown = ", ".join(repr(label) for label in labels[:SHOWN]) + (", ..." if len(labels) > SHOWN else "")
    return not_sent(f"{name} has no option {option!r}; it offers {shown or 'none'}.")


async def _offer(located: Located, option: str, limit: float, still: float = STILL) -> dict[str, Any]:
    """What the list offers: {found, disabled, index, labels}; waits at most `limit` seconds for the option."""
    found = await ask(located.handle, "offer", option, limit * 1000, still)
    return found or {"found": False, "disabled": False, "index": -1, "labels": []}


async def _native(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    offered = await _offer(located, option, 0)
    if not offered["found"]:
        return _missing(name, option, offered)
    if offered["disabled"]:
        return not_sent(f"Option {option!r} of {name} is disabled.")
    try:
        await located.handle.select_option(index=offered["index"], timeout=ground.hands.press * 1000)
    except PlaywrightError as error:
        return not_sent(f"{name} could not be set: {str(error).splitlines()[0]}")
    return None


async def _listed(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    offered = await _offer(located, option, 0)
    if not offered["found"]:
        return _missing(name, option, offered)
    if offered["disabled"]:
        return not_sent(f"Option {option!r} of {name} is disabled.")
    return await _press_option(ground, located, option, name)


async def _press_option(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    handle = (await located.handle.evaluate_handle(OPTION, option)).as_element()
    if handle is None:
        return not_sent(f"Option {option!r} of {name} left the page (stale) before it was clicked.")
    return await press(ground, handle, f"option {option!r} of {name}")


async def _popped(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    """Open the list, find the option, by typing where the list filters, and click it."""
    if not await ask(located.handle, "expanded"):
        failed = await press(ground, located.handle, name)
        if failed is not None:
            return failed
    editable = bool(await located.handle.evaluate(EDITABLE))
    offered = await _offer(located, option, FIRST_LOOK / 1000 if editable else ground.hands.popup)
    typed = False
    if not offered["found"] and editable:
        typed = True
        await located.handle.fill(option, timeout=ground.hands.press * 1000)
        offered = await _offer(located, option, ground.hands.popup)
    if not offered["found"] or offered["disabled"]:
        await _leave(ground, located, typed)
        if offered["found"]:
            return not_sent(f"Option {option!r} of {name} is disabled.")
        return _missing(name, option, offered)
    failed = await _press_option(ground, located, option, name)
    if failed is not None and failed.result == "not_sent":
        await _leave(ground, located, typed)
    return failed


async def _leave(ground: Ground, located: Located, typed: bool) -> None:
    """Close the list and leave the widget as it was."""
    if typed:
        await located.handle.fill(located.state.value, timeout=ground.hands.press * 1000)
        # Filters wait for a pause in typing, and then open the list once more.
        await _offer(located, "", FIRST_LOOK / 1000)
    if await ask(located.handle, "expanded"):
        await ground.page.keyboard.press("Escape")
    await located.handle.evaluate("element => element.blur()")
    await ground.settle()
