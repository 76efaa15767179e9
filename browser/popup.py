"""The list of a native select while it is open. The browser draws it outside of the page, so no picture of the page has it."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame, Page

from schema_extraction.view import Frozen

ANSWER = 5.0  # seconds in which a frame tells of its open list
# The select that is open, wherever it is in shadow roots and same-origin frames, with its place in the whole window.
# The browser opens it some time after the press; a select that has the focus is given that time.
OPEN = """async (patience) => {
  const focused = () => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at;
  };
  const until = performance.now() + patience;
  while (focused()?.matches("select:not(:open)") && performance.now() < until) await new Promise((on) => setTimeout(on, 20));
  const roots = [document];
  for (const root of roots) {
    for (const node of root.querySelectorAll("*")) if (node.shadowRoot) roots.push(node.shadowRoot);
    const select = root.querySelector("select:open");
    if (!select || select.multiple || select.size > 1) continue;
    const box = select.getBoundingClientRect();
    let { left, top } = box;
    let view = window;
    while (view !== view.top && view.frameElement) {
      const outer = view.frameElement.getBoundingClientRect();
      left += outer.left + view.frameElement.clientLeft;
      top += outer.top + view.frameElement.clientTop;
      view = view.parent;
    }
    const options = [...select.options].map((option) => ({
      label: option.label || option.text,
      group: option.parentElement.localName === "optgroup" ? option.parentElement.label : "",
      selected: option.selected,
      disabled: option.disabled || Boolean(option.parentElement.disabled) || option.hidden,
    }));
    return { left, top, width: box.width, height: box.height, options };
  }
  return null;
}"""


class Choice(Frozen):
    """One line of an open list."""

    label: str
    group: str = ""
    selected: bool = False
    disabled: bool = False


class Popup(Frozen):
    """An open list. `left`, `top`, `width`, `height`: of its select, in CSS pixels of the window."""

    left: float
    top: float
    width: float
    height: float
    options: tuple[Choice, ...]

    def presses(self, index: int) -> tuple[str, ...]:
        """The keys that choose an option from the open list.

        Raises:
            IndexError: there is no such option, or it cannot be chosen.
        """
        if not 0 <= index < len(self.options) or self.options[index].disabled:
            raise IndexError(f"The open list has {len(self.options)} options and {index} is none to choose. Look again.")
        down = sum(not option.disabled for option in self.options[:index])
        return ("Home", *["ArrowDown"] * down, "Enter")


async def open_popup(page: Page, patience: float = 0.0) -> Popup | None:
    """The list that is open on a page, or None. `patience`: seconds in which one may still open."""
    answers = await asyncio.gather(*(_ask(frame, patience) for frame in page.frames))
    found = next((answer for answer in answers if answer is not None), None)
    return Popup.model_validate(found) if found is not None else None


async def _ask(frame: Frame, patience: float) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(ANSWER + patience):
            answer: dict[str, Any] | None = await frame.evaluate(OPEN, patience * 1000)
            return answer
    except (PlaywrightError, TimeoutError):
        return None  # a frame that goes away, or hangs, has no list open
