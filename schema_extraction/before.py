"""The text before a field, where a page labels by looks alone: in the same box, over its column, or before boxes around it."""

from __future__ import annotations

import re

from schema_extraction.page import Element, Node, Page
from schema_extraction.roles import CONTROL_ROLES, OPERATED_ROLES, TEXT_ROLES
from schema_extraction.text import squash, text_of

_LABEL_LIMIT = 60
_LABEL_CLASS = re.compile(r"(?:^|[\s_-])(?:label|lbl|caption|field-name)(?:$|[\s_-])", re.IGNORECASE)
_BOUNDS = frozenset({"body", "form", "main"})
_FAR_BOUNDS = _BOUNDS | {"fieldset", "table", "dialog", "nav", "header", "footer"}
_FIELDS = TEXT_ROLES | {"combobox", "listbox"}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_NEAR = 3
"""Boxes around a field before which any short text is its label; further out, only what looks like one."""
_FAR = 8
_ROWS = 12
_PASSED = 3


def _holds_control(page: Page, element: Element, label: bool) -> bool:
    """Whether a control is in an element; a link in a label is none."""
    roles = OPERATED_ROLES if label else CONTROL_ROLES
    return any(node.role in roles for node in page.within(element))


def _only_fields(page: Page, element: Element) -> bool:
    """Whether an element holds fields and nothing else that says something."""
    if not page.has_control(element):
        return False
    fields = {node.element for node in page.within(element) if node.role in _FIELDS}
    if not fields:
        return False
    if element in fields:
        return True
    others = (node for node in page.within(element) if node.role in CONTROL_ROLES - _FIELDS)
    return not text_of(element, skip=fields) and all(_within(node, fields) for node in others)


def _within(node: Node, fields: set[Element]) -> bool:
    return any(above.element in fields for above in node.ancestors())


def _like_label(element: Element, text: str) -> bool:
    return text.endswith(":") or element.tag == "label" or bool(_LABEL_CLASS.search(element.get("class") or ""))


def _bound(element: Element) -> bool:
    """Whether a label of some other field is, or stands in, an element."""
    return any(inner.get("for") for inner in element.iter("label"))


def _cells(row: Element) -> list[Element]:
    return [child for child in row if isinstance(child.tag, str)]


def _over(page: Page, node: Node, cell: Element, row: Element) -> str:
    """The heading of a field's column, in a grid made of boxes: from a row before its own with as many boxes, all short texts.
    Rows of fields may stand between."""
    cells = _cells(row)
    if len(cells) < 2 or row.tag not in ("div", "li", "section"):
        return ""
    index = cells.index(cell)
    above = row.getprevious()
    for _ in range(_ROWS):
        if above is None or above.tag != row.tag or len(above) != len(cells):
            return ""
        if node.draft is not None:
            node.draft.restless = True  # any number of elements may stand between a heading and its fields
        if not _holds_control(page, above, False):
            texts = [text_of(head, naming=True) for head in _cells(above)]
            return texts[index] if all(0 < len(text) <= _LABEL_LIMIT for text in texts) and not squash(above.text) else ""
        above = above.getprevious()
    return ""


def text_before(page: Page, node: Node) -> str:
    """The short text just before a field: in the same box, over its column, or before the boxes that hold nothing but the
    field. What looks like a label may stand further out, names all fields in its row, and may hold a link."""
    element = node.element
    passed = 0
    for level in range(_FAR):
        far = level >= _NEAR
        parent = element.getparent()
        if parent is None:
            return ""
        bound = parent.tag in (_FAR_BOUNDS if far else _BOUNDS)
        previous = element.getprevious()
        broken = False  # a line break stands between the text and the field
        while previous is not None and not squash(previous.tail):
            if previous.tag == "br":
                broken = True
            elif previous.get("role") == "toolbar" and node.get("contenteditable"):
                pass  # an editor's own buttons
            elif passed < _PASSED and not node.get("placeholder") and _only_fields(page, previous):
                passed += 1
            else:
                break
            previous = previous.getprevious()
        strict = far or bound or bool(passed)
        tail = squash(previous.tail if previous is not None else parent.text)
        if tail:
            beside = previous is not None and not far and not passed
            fits = len(tail) <= _LABEL_LIMIT and (beside or not strict or broken or tail.endswith(":"))
            return tail if fits else ""
        if previous is not None:
            if not isinstance(previous.tag, str):
                return ""
            if previous.tag in _HEADINGS and node.get("placeholder"):
                return ""  # the title of a form, not of its first field
            text = text_of(previous, naming=True)
            label = bool(text) and _like_label(previous, text)
            if _holds_control(page, previous, label):
                return ""
            if text:
                fits = len(text) <= _LABEL_LIMIT and (label and not _bound(previous) if strict else True)
                return text if fits else ""
        elif level < _NEAR + 1 and (heading := _over(page, node, element, parent)):
            return heading
        if bound:
            return ""
        element = parent
    return ""
