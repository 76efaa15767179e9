"""Accessible names by W3C accname 1.2 and HTML-AAM, then by what a person would read as the label.

Order: aria-labelledby, aria-label, the host language's own label (label, legend, caption, alt, value of a button), contents
for roles that take their name from them, title; then, where a page labels by looks alone: the table header over or beside
the field, the text just before it, its placeholder, and last its `name` attribute in words.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import cast

from schema_extraction.before import text_before
from schema_extraction.marks import marked
from schema_extraction.page import Element, Node, Page
from schema_extraction.roles import NAMED_BY_CONTENT, OPERATED_ROLES
from schema_extraction.text import squash, text_of, tooltip

_ORNAMENT = re.compile(r"^[\s*:▾▼▲▸►◂▴▿✓✔★☰…×✕]+|[\s*:▾▼▲▸►◂▴▿✓✔★☰×✕]+$|\s*\((?:required|optional)\)\s*$", re.IGNORECASE)
_LABEL_LIMIT = 60
_NAME_LIMIT = 120
_WORDY = re.compile(r"\w")
_ICONS = frozenset({"button", "link", "menuitem", "tab"})  # told by their id or class if by nothing else
_SHOWN = NAMED_BY_CONTENT - {"checkbox", "radio", "switch"}
_LABELABLE = frozenset({"button", "input", "meter", "output", "progress", "select", "textarea"})
_BRANCHES = {"treeitem": "group", "menuitem": "menu"}
_MOST = 100  # elements within which a name is looked for
_LABELS = 20  # labels of one field
_READ_LIMIT = 1000  # what comes later is no part of a name even if all before it is ornament


@lru_cache(maxsize=8192)
def tidy(name: str) -> str:
    """A name without required marks, colons and arrows at its ends; unchanged if nothing else is in it."""
    name = squash(name)[:_READ_LIMIT]
    return (_ORNAMENT.sub("", _ORNAMENT.sub("", name)) or name)[:_NAME_LIMIT]


class _Fields:
    """What a label may hold and is no part of its text."""

    def __init__(self, page: Page) -> None:
        self._of = page.of

    def __contains__(self, element: object) -> bool:
        node = self._of.get(cast(Element, element))
        return node is not None and (node.role in OPERATED_ROLES or node.tag in ("output", "meter", "progress"))


def _content(page: Page, element: Element) -> str:
    """The text of an element as a label: without the controls inside it, though with its links."""
    return text_of(element, skip=_Fields(page), naming=True, most=_MOST)


def _alternative(page: Page, element: Element) -> str:
    """What an element that is referred to says: its own aria-label, else its contents, else its alt."""
    return (
        squash(element.get("aria-label"))
        or page.once("content", element, partial(_content, page))
        or squash(element.get("alt") or element.get("title"))
    )


def label_elements(page: Page, node: Node) -> list[Element]:
    """The label elements of a native control: those that name its id, else the one around it. A button beside the field that
    the label around both is for has none."""
    identity = node.get("id")
    named = page.labels.get((node.prefix, identity), []) if identity else []
    if named:
        return named
    label = node.parent.label if node.parent is not None else None
    if label is None or (node.role == "button" and _first_labelled(label.element) is not node.element):
        return []
    return [label.element]


def _first_labelled(label: Element) -> Element | None:
    return next((inner for inner in label.iter() if inner.tag in _LABELABLE), None)


def _native(page: Page, node: Node) -> str:
    element, tag = node.element, node.tag
    if tag in ("input", "select", "textarea", "button", "meter", "progress", "output") or "-" in tag:
        if labels := label_elements(page, node):
            name = squash(" ".join(_alternative(page, label) for label in labels[:_LABELS]))
            if name:
                return name
    if tag == "input":
        kind = (element.get("type") or "").lower()
        if kind in ("submit", "button", "reset"):
            return squash(element.get("cp-value") or element.get("value")) or {"submit": "Submit", "reset": "Reset"}.get(
                kind, ""
            )
        if kind == "image":
            return squash(element.get("alt")) or "Submit"
    elif tag == "fieldset":
        legend = element.find("legend")
        return text_of(legend, naming=True) if legend is not None else ""
    elif tag == "table":
        caption = element.find("caption")
        return text_of(caption, naming=True) if caption is not None else ""
    elif tag in ("img", "area"):
        return squash(element.get("alt"))
    return ""


def others_than(node: Node, referred: list[Element]) -> list[Element]:
    """The elements that name a control, without itself where there are others: there it says what it holds."""
    return [element for element in referred if element is not node.element] or referred


def _contents(page: Page, role: str, element: Element) -> str:
    """What a control says. The items of a branch of a tree, or of a menu below a menu, are no part of its name."""
    branch = _BRANCHES.get(role)
    skip = {inner.element for inner in page.within(element) if inner.role == branch} if branch else ()
    return text_of(element, skip=skip, naming=True, most=_MOST)


def spec_name(page: Page, node: Node) -> str:
    """The accessible name by the specifications alone, or ""."""
    if ids := node.get("aria-labelledby"):
        referred = others_than(node, page.referred(node.prefix, ids))
        if name := squash(" ".join(_alternative(page, element) for element in referred)):
            return name
    if name := squash(node.get("aria-label")):
        return name
    if name := _native(page, node):
        return name
    if node.role in NAMED_BY_CONTENT:
        if name := page.once("name", node.element, partial(_contents, page, node.role)):
            return name
    return squash(node.get("title"))


def _cells_of(row: Element) -> dict[Element, int]:
    return {cell: place for place, cell in enumerate(child for child in row if child.tag in ("td", "th"))}


def _heads_of(row: Element) -> list[Element]:
    return [child for child in row if child.tag == "th"]


def _side_of(row: Element) -> str:
    beside = row.find("th")
    return text_of(beside, naming=True) if beside is not None else ""


def _headers(page: Page, node: Node) -> str:
    """The header of the table cell that a field stands in: the row's, else the column's."""
    cell = next((above for above in node.ancestors() if above.tag in ("td", "table", "body")), None)
    if cell is None or cell.tag != "td":
        return ""
    row = cell.element.getparent()
    if row is None:
        return ""
    cells = page.once("cells", row, _cells_of)
    side = page.once("side", row, _side_of)
    top = ""
    table = next(row.iterancestors("table"), None)
    first = next(table.iter("tr"), None) if table is not None else None
    index = cells[cell.element]
    if first is not None and first is not row:
        heads = page.once("heads", first, _heads_of)
        if len(heads) == len(cells):
            top = text_of(heads[index], naming=True)
    if side and top:
        return f"{top}, {side}"
    if side or top:
        return side or top
    previous = next(cell.element.itersiblings("td", "th", preceding=True), None)
    before = _content(page, previous) if previous is not None else ""
    return before if len(before) <= _LABEL_LIMIT else ""


def _in_words(name: str) -> str:
    """`refund_amount`, `refundAmount` and `order[amount]` as words; names that look generated say nothing."""
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = squash(re.sub(r"[\W_]+", " ", words)).lower()
    return words if words and not re.search(r"\d", words) and len(words) <= 40 else ""


def name_of(page: Page, node: Node) -> str:
    """The name of a control, by specification or by looks."""
    name = tidy(spec_name(page, node))
    if node.role in _SHOWN:
        # An ornament says nothing: what a person reads is its tooltip.
        if not _WORDY.search(name):
            name = tidy(tooltip(node.element)) or name
        return name or (marked(node.element) if node.role in _ICONS else "")
    if name:
        return name
    for guess in (_headers, text_before):
        if name := tidy(guess(page, node)):
            return name
    placeholder = node.get("placeholder") or node.get("aria-placeholder")
    return tidy(placeholder or "") or _in_words(node.get("name") or "")


def description(page: Page, node: Node) -> list[Element]:
    """The elements that describe a control (aria-describedby)."""
    return page.referred(node.prefix, node.get("aria-describedby"))
