"""A picture of a whole page, where things stand in it, and the dialogs that it keeps ready; and drawing a page of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from browser.errors import PageError
from schema_extraction.view import Frozen

HEIGHT = 1600
"""What lies further down than so many pixels is left out of a picture."""
QUALITY = 82

# Dialogs that a page keeps ready and does not show yet: their words, and what can be pressed in them.
DIALOGS = """() => {
  const fold = (said) => (said ?? "").replace(/\\s+/g, " ").trim();
  const roots = [document];
  for (const root of roots) for (const node of root.querySelectorAll("*")) if (node.shadowRoot) roots.push(node.shadowRoot);
  const found = roots.flatMap((root) => [...root.querySelectorAll("dialog,[role=dialog],[role=alertdialog]")]);
  return found.filter((box) => !box.checkVisibility() || box.matches("dialog:not([open])")).map((box) => {
    const pressed = [...box.querySelectorAll("button,[role=button],input[type=submit],input[type=button]")];
    const title = box.getAttribute("aria-label") ?? box.querySelector("h1,h2,h3,h4,[class*=title]")?.textContent;
    const words = (node) => fold(node.getAttribute("aria-label") || node.textContent || node.value);
    return { title: fold(title), text: fold(box.textContent).slice(0, 400), buttons: pressed.map(words).filter(Boolean) };
  });
}"""


class HiddenDialog(Frozen):
    """A dialog that is in the page and does not show: its title, all of its words, and the names of its buttons."""

    title: str
    text: str
    buttons: tuple[str, ...]


class Box(Frozen):
    """In CSS pixels from the top left corner of the page."""

    left: float
    top: float
    width: float
    height: float


class Places(Frozen):
    """Where what was asked for stands, in the same order; None where it does not show."""

    refs: tuple[Box | None, ...] = ()
    texts: tuple[Box | None, ...] = ()
    pairs: tuple[Box | None, ...] = ()
    region: Box | None = None


class Photo(Frozen):
    """A JPEG of a page from its top, `width` and `height` in CSS pixels."""

    jpeg: bytes
    width: int
    height: int


@cache
def _script() -> str:
    return files("browser").joinpath("injected/photo.js").read_text(encoding="utf-8")


def _box(found: Sequence[float] | None) -> Box | None:
    return Box(left=found[0], top=found[1], width=found[2], height=found[3]) if found else None


def _error(page: Page, what: str, error: PlaywrightError) -> PageError:
    return PageError(f"Cannot {what} {page.url!r}: {str(error).splitlines()[0]} Open it again.")


async def hidden_dialogs(page: Page) -> tuple[HiddenDialog, ...]:
    """The dialogs of the main frame that do not show.

    Raises:
        PageError: the page is gone.
    """
    try:
        return tuple(HiddenDialog.model_validate(found) for found in await page.evaluate(DIALOGS))
    except PlaywrightError as error:
        raise _error(page, "read", error) from error


async def places(
    page: Page,
    refs: Sequence[str] = (),
    texts: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] = (),
    region: tuple[str, str] | None = None,
) -> Places:
    """Where controls (by the refs of the last capture), words, labels with values and a region stand; frames of other sites
    are not looked into.

    Raises:
        PageError: the page is gone.
    """
    wanted = {
        "refs": list(refs),
        "texts": [" ".join(text.split()) for text in texts],
        "pairs": [list(pair) for pair in pairs],
        "region": list(region) if region else None,
    }
    try:
        found: dict[str, Any] = await page.evaluate(_script(), wanted)
    except PlaywrightError as error:
        raise _error(page, "read", error) from error
    return Places(
        refs=tuple(map(_box, found["refs"])),
        texts=tuple(map(_box, found["texts"])),
        pairs=tuple(map(_box, found["pairs"])),
        region=_box(found["region"]),
    )


async def photo(page: Page) -> Photo:
    """The page from its top to its end, or as far as `HEIGHT`.

    Raises:
        PageError: the page is gone.
    """
    size = "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight, innerWidth, innerHeight]"
    try:
        width, height, least, low = await page.evaluate(size)
        width, height = max(least, min(width, 2 * least)), max(low, min(height, HEIGHT))
        clip: Any = {"x": 0, "y": 0, "width": width, "height": height}
        taken = await page.screenshot(type="jpeg", quality=QUALITY, full_page=True, clip=clip, animations="disabled")
    except PlaywrightError as error:
        raise _error(page, "take a picture of", error) from error
    return Photo(jpeg=taken, width=width, height=height)


async def drawn(browser: Browser, html: str, width: int) -> bytes:
    """A PNG of an HTML text of one's own, as high as it is.

    Raises:
        PageError: the browser is gone.
    """
    try:
        context = await browser.new_context(viewport={"width": width, "height": 600})
        try:
            page = await context.new_page()
            await page.set_content(html, wait_until="load")
            return await page.screenshot(type="png", full_page=True)
        finally:
            await context.close()
    except PlaywrightError as error:
        raise PageError(f"Cannot draw the picture: {str(error).splitlines()[0]} Start again.") from error
