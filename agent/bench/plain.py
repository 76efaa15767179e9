"""What the hands do, as a script in plain Playwright calls: for the time that doing it takes without verifying anything.

A control is found by role and name where that finds it alone, as Playwright's documentation has it, else by its place.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from browser.capture import element
from browser.page import CasePage
from browser.session import Page
from fixtures.pages.hands import Bare, act_bare
from schema_extraction.action import Action, Check, CloseCase, Fill, Select, SendMessage, TransferCase, action_value, target_key
from schema_extraction.profile import Part
from schema_extraction.view import Control, Frozen, View

TIMEOUT = 10_000.0  # ms for a call
# The place of an element, through open shadow roots.
PLACE = """element => {
  const parts = [[]];
  for (let node = element; node?.nodeType === 1; ) {
    const parent = node.parentNode;
    const number = [...parent.children].indexOf(node) + 1;
    parts[0].unshift(parent === document ? ":root" : `:nth-child(${number})`);
    if (parent.host) parts.unshift([]);
    node = parent.host ?? parent;
  }
  return parts.map((part) => part.join(" > ")).join(" >> css=") + " >> nth=0";
}"""
KIND = """element => element.localName === "select" ? "select"
  : element.isContentEditable || ["input", "textarea"].includes(element.localName) ? "field" : ""
"""


class PlainAction(Frozen):
    """The calls of one action, and what the script waits for besides, because the page did it under the hands. `leaves`: the
    next page, loaded. `sends`: the answer to what the page sent by script to this path; without it the script would run ahead
    of the application."""

    calls: tuple[Bare, ...]
    leaves: bool = False
    sends: str = ""


async def calls_of(page: CasePage, view: View, action: Action) -> tuple[Bare, ...]:
    """The plain calls for an action that is about to be carried out on `view`; none where it cannot be told.

    Raises:
        BrowserError: the page has changed.
    """
    if isinstance(action, (SendMessage, CloseCase, TransferCase)):
        calls: list[Bare] = []
        for part in page.profile.composites.get(action.type, ()):
            calls += await _part(page, view, action, part)
        return tuple(calls)
    control = view.control(target_key(action))
    return () if control is None else await _on(page, view, control, action)


async def _part(page: CasePage, view: View, action: SendMessage | CloseCase | TransferCase, part: Part) -> tuple[Bare, ...]:
    control = view.part(action.type, part.name)
    value = action_value(action) or ""
    if part.kind == "value":
        return () if control is None or not value else await _entering(page, view, control, value)
    if control is not None:
        at, frame = await _place(page, view, control)
        return (Bare(call="click", at=at, frame=frame),)
    name = part.control.name.replace("/", r"\/")
    return (Bare(call="click", at=f"role={part.control.role or 'button'}[name=/^(?:{name})$/]"),)


async def _on(page: CasePage, view: View, control: Control, action: Action) -> tuple[Bare, ...]:
    match action:
        case Fill(value=value) | Select(option=value):
            return await _entering(page, view, control, value)
        case Check(checked=checked):
            at, frame = await _place(page, view, control)
            return (Bare(call="check" if checked else "uncheck", at=at, frame=frame),)
    at, frame = await _place(page, view, control)
    return (Bare(call="click", at=at, frame=frame),)


async def _entering(page: CasePage, view: View, control: Control, value: str) -> tuple[Bare, ...]:
    at, frame = await _place(page, view, control)
    if control.role == "radiogroup":
        return (Bare(call="check", at=f"{at} >> role=radio[name={_quoted(value)}] >> nth=0", frame=frame),)
    kind = await (await element(page.page, control.ref)).evaluate(KIND)
    if kind == "select":
        return (Bare(call="select_option", at=at, argument=value, frame=frame),)
    option = Bare(call="click", at=f"role=option[name={_quoted(value)}] >> nth=0", frame=frame)
    if kind == "field":
        entered = Bare(call="fill", at=at, argument=value, frame=frame)
        return (entered, option) if control.role == "combobox" and control.options else (entered,)
    return Bare(call="click", at=at, frame=frame), option


async def _place(page: CasePage, view: View, control: Control) -> tuple[str, str]:
    """Where a control is, and the frame around it ("" for none)."""
    found = await element(page.page, control.ref)
    inside = await found.owner_frame() if control.frame else None
    frame = ""
    if inside is not None and inside is not page.page.main_frame:
        frame = await (await inside.frame_element()).evaluate(PLACE)
    else:
        by_name = f"role={control.role}[name={_quoted(control.name)}s]"
        alone = page.page.locator(by_name)
        if control.name and re.fullmatch(r"[\w-]+", control.role) and await alone.count() == 1:
            return by_name, ""
    return await found.evaluate(PLACE), frame


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def run(page: Page, actions: Sequence[PlainAction]) -> float:
    """Make all the calls; the seconds that this took.

    Raises:
        BareError: a call cannot be made.
    """
    started = time.perf_counter()
    for action in actions:
        await act_bare(page, action.calls, TIMEOUT, action.leaves, action.sends)
    return time.perf_counter() - started
