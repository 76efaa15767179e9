"""What the hands stand on: the page to act on, and finding an action's target on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from playwright.async_api import ElementHandle, Frame, Page
from playwright.async_api import Error as PlaywrightError

from browser.capture import element
from browser.dialogs import Dialogs
from browser.errors import StaleRefError, moved_on
from browser.settle import Rest
from browser.traffic import Traffic
from schema_extraction.action import Outcome, Target
from schema_extraction.match import NoMatch, match, seen
from schema_extraction.profile import Profile
from schema_extraction.view import Control, Frozen, View


class HandSettings(Frozen):
    """Seconds. `press`: for a control to become operable. `patience`: for an effect to show after the page came to rest.
    `popup`: for the options of a list, or a dialog, to appear. `answer`: for the application to answer what was sent.
    `late`: for the effect of something sent to reach the page."""

    press: float = 2.0
    patience: float = 0.8
    popup: float = 2.0
    answer: float = 15.0
    late: float = 6.0


class Ground(Protocol):
    """A page under way, as `browser.page.CasePage` has it."""

    page: Page
    profile: Profile
    dialogs: Dialogs
    traffic: Traffic
    hands: HandSettings

    async def view(self) -> View:
        """The page at rest, as it is now."""

    async def current(self, view: View) -> bool:
        """Whether nothing changed since `view` was taken."""

    async def likely(self, view: View) -> str | None:
        """The stamp that the main document still has if nothing changed since `view`; None where something has."""

    async def settle(self, timeout: float | None = None) -> bool: ...

    async def rest(self) -> Rest:
        """Like `settle`, with what the main document noted of the last click."""

    async def changed(self, timeout: float) -> bool:
        """Wait for the page to differ from the last view."""


PARTS = ("widgets", "calendars", "presses")


@cache
def script() -> str:
    """The source of the in-page knowledge of widgets."""
    return "\n".join(files("browser").joinpath(f"injected/{part}.js").read_text(encoding="utf-8") for part in PARTS)


ASK = """async (element, [method, ...rest]) => {
  const widgets = globalThis[Symbol.for("casepilot.widgets")];
  if (!widgets) return null;
  const answer = element.isConnected ? await widgets[method](element, ...rest) : null;
  return [answer ?? null, element.isConnected];
}"""
DESCRIBE = """(element, mark) => {
  const widgets = globalThis[Symbol.for("casepilot.widgets")];
  if (!widgets) return null;
  const settle = globalThis[Symbol.for("casepilot.settle")];
  const stamp = settle?.stamp() ?? "";
  if (mark) {
    settle?.mark(element);
    widgets.mark(element);
  }
  const kind = widgets.kind(element);
  const boxed = /^(combobox|input|other|drawn|file|listbox)$/.test(kind);
  return {
    kind,
    stamp,
    listed: Boolean(element.list),
    multiple: Boolean(element.multiple),
    direct: widgets.hit(element) === element,
    value: widgets.value(element),
    disabled: widgets.disabled(element),
    readonly: Boolean(element.readOnly) || element.getAttribute("aria-readonly") === "true",
    type: element.localName === "input" ? element.type : "",
    most: element.maxLength ?? -1,
    tokens: widgets.takesTokens(element),
    shown: boxed ? widgets.shown(element) : "",
    single: element.isContentEditable && element.contentEditable === "plaintext-only",
    complaint: widgets.complaint(element),
  };
}"""
DESCRIBE_REF = f"""([ref, mark]) => {{
  const element = globalThis[Symbol.for("casepilot")]?.element?.(ref);
  return element ? ({DESCRIBE})(element, mark) : null;
}}"""
# The same element, seen from its own frame: the refs of same-origin frames are kept by the frame above that inlines them.
REACH = """ref => {
  for (let scope = window; ; scope = scope.parent) {
    let found = null;
    try { found = scope[Symbol.for("casepilot")]?.element?.(ref); } catch { return null; }
    if (found && found.ownerDocument === document) return found;
    if (scope === scope.parent) return null;
  }
}"""


class State(Frozen):
    """What a widget is and holds just before it is operated; `kind` as in `injected/widgets.js`. `most`: characters that it
    takes, -1 for any number. `tokens`: whether what is entered becomes one of several; `shown`: the words in its box
    then. `single`: an editor of one line. `complaint`: why the page refuses what it holds. `stamp`:
    that of its document then. `listed`: with suggestions of the browser's own. `multiple`: whether it takes several. `direct`:
    whether it is clicked itself, not a box or label drawn for it."""

    kind: str
    value: str
    disabled: bool
    readonly: bool
    type: str
    most: int = -1
    tokens: bool = False
    shown: str = ""
    single: bool = False
    complaint: str = ""
    stamp: str = ""
    listed: bool = False
    multiple: bool = False
    direct: bool = True


@dataclass(frozen=True)
class Located:
    """A control with its live element. `view` is the view that it was found in."""

    control: Control
    handle: ElementHandle
    frame: Frame
    state: State
    view: View


def not_sent(message: str) -> Outcome:
    return Outcome(result="not_sent", message=message)


async def locate(ground: Ground, view: View, target: Target, mark: bool = False) -> Located | Outcome:
    """The element for `target`: by its ref while `view` is still true of the page, else as `schema_extraction.match` finds it
    in a fresh view. `mark`: what a click on it does is noted from now on.

    An `Outcome` says why it cannot be operated.
    """
    chosen_on = view
    expected: str | None = None
    for attempt in range(3):
        if attempt or (expected := await ground.likely(view)) is None:
            view, expected = await ground.view(), None
        if view.dialog is not None and view.dialog.kind == "native":
            return not_sent(f"A browser dialog is open: {view.dialog.text!r}. Answer it first.")
        control = view.control(target.key)
        if view is not chosen_on or control is None:
            known = match(target if target.traits is not None else seen(target, chosen_on), view)
            if isinstance(known, NoMatch):
                return not_sent(f"{known.reason} Look at the page again (stale).")
            control = known.control
        if control.disabled and not await _enabled(ground, target):
            return not_sent(f"{_name(target)} is disabled. Fill what it depends on first.")
        if control.disabled:
            return await locate(ground, await ground.view(), target, mark)
        try:
            handle, frame, state = await _grip(ground.page, control, mark)
        except (StaleRefError, PlaywrightError) as error:
            if isinstance(error, PlaywrightError) and not moved_on(error):
                raise
            continue  # the page moved between the view and the grip: look once more
        if expected is not None and frame is ground.page.main_frame and state.stamp != expected:
            continue  # something changed since the view was taken
        if state.disabled:
            return not_sent(f"{_name(target)} is disabled. Fill what it depends on first.")
        return Located(control, handle, frame, state, view)
    return not_sent(f"{_name(target)} keeps being replaced on the page (stale). Look at the page again.")


async def _enabled(ground: Ground, target: Target) -> bool:
    """Whether a control that is disabled is enabled within moments, as by an answer that is on its way."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ground.hands.patience
    while (left := deadline - loop.time()) > 0 and await ground.changed(left):
        control = (await ground.view()).control(target.key)
        if control is None or not control.disabled:
            return control is not None
    return False


async def _grip(page: Page, control: Control, mark: bool) -> tuple[ElementHandle, Frame, State]:
    """The element of a control with its frame, and what it is; both are asked for at once where it is in no frame."""
    if control.frame:
        handle, frame = await _reach(page, control)
        return handle, frame, await describe(handle, frame, mark)
    (handle, frame), found = await asyncio.gather(_reach(page, control), page.evaluate(DESCRIBE_REF, [control.ref, mark]))
    return handle, frame, _state(found) if found is not None else await describe(handle, frame, mark)


async def _reach(page: Page, control: Control) -> tuple[ElementHandle, Frame]:
    handle = await element(page, control.ref, framed=bool(control.frame))
    if not control.frame:
        return handle, page.main_frame
    frame = await handle.owner_frame()
    if frame is None or frame is page.main_frame:
        return handle, page.main_frame
    own = (await frame.evaluate_handle(REACH, control.ref)).as_element()
    return own or handle, frame


async def describe(handle: ElementHandle, frame: Frame, mark: bool = False) -> State:
    """What the widget is and holds now."""
    found = await handle.evaluate(DESCRIBE, mark)
    if found is None:
        await frame.evaluate(script())
        found = await handle.evaluate(DESCRIBE, mark)
    return _state(found)


def _state(found: dict[str, Any]) -> State:
    return State(**{name: found[name] for name in State.model_fields})


async def described(located: Located) -> Located | None:
    """The same control with what it is and holds now; None when it has left the page."""
    try:
        return replace(located, state=await describe(located.handle, located.frame))
    except PlaywrightError:
        return None


async def ask(handle: ElementHandle, method: str, *rest: Any) -> Any:
    """Ask `injected/widgets.js` about an element; None when it has left the page."""
    try:
        answer = await handle.evaluate(ASK, [method, *rest])
    except PlaywrightError as error:
        if moved_on(error) or "closed" in str(error):
            return None
        raise
    return answer[0] if answer and answer[1] else None


async def held(ground: Ground, located: Located) -> str | None:
    """What the control holds now that the page is at rest, also when the page has drawn it anew; None when it is gone."""
    value = await ask(located.handle, "value")
    if value is not None:
        return str(value)
    again = await locate(ground, await ground.view(), Target(key=located.control.key, name=located.control.name))
    return None if isinstance(again, Outcome) else again.state.value


def _name(target: Target) -> str:
    return f"{target.role or 'control'} {target.name or target.key!r}"
