"""Select: native selects, lists drawn in their place, ARIA comboboxes and listboxes, completions, radio groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playwright.async_api import Error as PlaywrightError

from browser.perform.effect import Watch
from browser.perform.equal import fold
from browser.perform.ground import Ground, Located, ask, held, locate, not_sent
from browser.perform.press import box_of, press
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
BLUR = "element => element.blur()"
FIRST_LOOK = 300  # ms that a list which can be typed into is given before its filter is used
STILL = 400  # ms without a change after which a list without the option counts as complete
SHOWN = 12  # options named in a message
SHORTEST = 3  # characters that are typed of an option that its own words do not find


async def select(ground: Ground, view: View, action: Select) -> Outcome:
    """Choose the option labelled `action.option`, and read back what the widget shows once the page is at rest.

    A list that takes several keeps what was chosen before; labels with ", " between them are chosen alone.
    """
    located = await locate(ground, view, action.target)
    if isinstance(located, Outcome):
        return located
    return await choose(ground, located, action.option)


async def choose(ground: Ground, located: Located, option: str) -> Outcome:
    """`select` for a widget that has been located."""
    name = f"{located.control.role} {located.control.name!r}"
    if _same(located.state.value, option):
        return Outcome(result="done", message=f"It was {option!r} already.")
    watch = Watch(ground, located.view)
    before = located.state.shown
    wanted: tuple[str, ...] = (option,)
    match located.state.kind:
        case "native-select":
            wanted, failed = await _native(ground, located, option, name)
        case "radios" | "listbox":
            failed = await _listed(ground, located, option, name)
        case "input" | "combobox" if located.state.listed:
            failed = await _suggested(ground, located, option, name)
        case "drawn" | "combobox" | "input" | "other":
            if not located.state.direct:
                located = replace(located, handle=await box_of(located.handle))
            failed = await _popped(ground, located, option, name)
        case kind:
            return not_sent(f"{name} is no list to choose from but a {kind}.")
    if failed is not None:
        return watch.said(failed)
    await ground.settle()
    got = await held(ground, located)
    if not await _shows(located, got, wanted, before) and await ground.changed(ground.hands.patience):
        await ground.settle()
        got = await held(ground, located)
    if (refused := await watch.objection()) is not None:
        return refused
    if got is None:
        return Outcome(result="unknown", message=f"{name} left the page after {option!r} was chosen.")
    if await _shows(located, got, wanted, before):
        return Outcome(result="done")
    return watch.said(Outcome(result="no_effect", message=f"{name} shows {fold(got)!r} after {option!r} was chosen."))


def _same(held_: str, option: str) -> bool:
    return fold(held_).casefold() == fold(option).casefold()


async def _shows(located: Located, got: str | None, wanted: tuple[str, ...], before: str) -> bool:
    """Whether the widget now shows what was chosen: as its value, in its box, or as the mark of its list."""
    if got is None:
        return False
    if _same(got, ", ".join(wanted)):
        return True
    parts = {fold(part).casefold() for part in got.split(", ")}
    if all(fold(option).casefold() in parts for option in wanted) and located.state.kind != "input":
        return True
    if located.state.kind in ("native-select", "drawn", "radios"):
        return False
    try:
        if all([await located.handle.evaluate(CHOSEN, option) for option in wanted]):
            return True
        # A combobox may show more than the label, such as a "clear" sign, or show it beside the field.
        shown = await ask(located.handle, "shown") or ""
    except PlaywrightError:
        return False  # it has left the page, and so shows nothing
    now, then = fold(shown).casefold(), fold(before).casefold()
    return now != then and all(fold(option).casefold() in now for option in wanted)


def _missing(name: str, option: str, offered: dict[str, Any]) -> Outcome:
    labels = [label for label in offered["labels"] if label]
    shown = ", ".join(repr(label) for label in labels[:SHOWN]) + (", ..." if len(labels) > SHOWN else "")
    return not_sent(f"{name} has no option {option!r}; it offers {shown or 'none'}.")


def _unable(name: str, option: str, offered: dict[str, Any]) -> Outcome | None:
    if not offered["found"]:
        return _missing(name, option, offered)
    return not_sent(f"Option {option!r} of {name} is disabled.") if offered["disabled"] else None


async def _offer(located: Located, option: str, limit: float, still: float = STILL) -> dict[str, Any]:
    """What the list offers: {found, disabled, index, labels}; waits at most `limit` seconds for the option."""
    found = await ask(located.handle, "offer", option, limit * 1000, still)
    return found or {"found": False, "disabled": False, "index": -1, "labels": []}


async def _native(ground: Ground, located: Located, option: str, name: str) -> tuple[tuple[str, ...], Outcome | None]:
    """The labels that shall be chosen in the end, and why they could not be set, if so."""
    offered = await _offer(located, option, ground.hands.patience)
    indices: list[int] = [offered["index"]]
    wanted: tuple[str, ...] = (option,)
    if located.state.multiple:
        labels = [fold(label).casefold() for label in offered["labels"]]
        several = [fold(part).casefold() for part in option.split(", ")]
        if not offered["found"] and len(several) > 1 and all(part in labels for part in several):
            indices, wanted = [labels.index(part) for part in several], tuple(option.split(", "))
            offered = {**offered, "found": True}
        else:
            chosen = [fold(part).casefold() for part in located.state.value.split(", ") if part]
            indices += [labels.index(part) for part in chosen if part in labels]
    if (unable := _unable(name, option, offered)) is not None:
        return wanted, unable
    try:
        await located.handle.select_option(index=indices, timeout=ground.hands.press * 1000)
    except PlaywrightError as error:
        return wanted, not_sent(f"{name} could not be set: {str(error).splitlines()[0]}")
    return wanted, None


async def _listed(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    offered = await _offer(located, option, 0)
    if (unable := _unable(name, option, offered)) is not None:
        return unable
    return await _press_option(ground, located, option, name)


async def _suggested(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    """A field with suggestions of the browser's own, whose list no script can open."""
    offered = await _offer(located, option, 0)
    if (unable := _unable(name, option, offered)) is not None:
        return unable
    try:
        await located.handle.fill(offered["labels"][offered["index"]], timeout=ground.hands.press * 1000)
        await located.handle.evaluate(BLUR)
    except PlaywrightError as error:
        return not_sent(f"{name} could not be filled: {str(error).splitlines()[0]}")
    return None


async def _press_option(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    handle = (await located.handle.evaluate_handle(OPTION, option)).as_element()
    if handle is None:
        return not_sent(f"Option {option!r} of {name} left the page (stale) before it was clicked.")
    return await press(ground, handle, f"option {option!r} of {name}")


async def _popped(ground: Ground, located: Located, option: str, name: str) -> Outcome | None:
    """Open the list, find the option, by typing where the list filters, and click it."""
    await ask(located.handle, "begin")
    editable = bool(await located.handle.evaluate(EDITABLE))
    plain = located.state.kind == "input" and editable
    if not plain and not await ask(located.handle, "expanded"):
        failed = await press(ground, located.handle, name)
        if failed is not None:
            return failed
    first = 0.0 if plain else FIRST_LOOK / 1000 if editable else ground.hands.popup
    offered = await _offer(located, option, first)
    typed = ""
    for typed in _searches(option) if editable else ():
        if offered["found"]:
            break
        await _search(ground, located, typed)
        offered = await _offer(located, option, ground.hands.popup)
        if not offered["found"] and ground.traffic.busy():
            await ground.settle()
            offered = await _offer(located, option, ground.hands.popup)
    if (unable := _unable(name, option, offered)) is not None:
        await _leave(ground, located, bool(typed))
        return unable
    failed = await _press_option(ground, located, option, name)
    if failed is not None and failed.result == "not_sent":
        await _leave(ground, located, bool(typed))
    elif typed and failed is None:
        # What was typed is not yet what was chosen; a field that keeps only what was chosen shows it when it is left.
        await ground.settle()
        await located.handle.evaluate(BLUR)
    return failed


def _searches(option: str) -> list[str]:
    """What is typed to find an option: its words, else the first, else its first letters."""
    first = option.split()[0] if option.split() else option
    return list(dict.fromkeys(text for text in (option, first, option[:SHORTEST]) if text.strip()))


async def _search(ground: Ground, located: Located, text: str) -> None:
    """Type into a field that filters; the last letter by its key, for lists that listen to keys."""
    await located.handle.fill(text[:-1], timeout=ground.hands.press * 1000)
    await located.handle.type(text[-1])


async def _leave(ground: Ground, located: Located, typed: bool) -> None:
    """Close the list and leave the widget as it was."""
    if typed:
        await located.handle.fill(
            "" if located.state.kind == "drawn" else located.state.value, timeout=ground.hands.press * 1000
        )
        # Filters wait for a pause in typing, and then open the list once more.
        await _offer(located, "", FIRST_LOOK / 1000)
    if await ask(located.handle, "expanded"):
        await ground.page.keyboard.press("Escape")
    await located.handle.evaluate(BLUR)
    await ground.settle()
