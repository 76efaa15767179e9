"""What is no control though it looks like one to a machine, and one though it does not."""

from __future__ import annotations

import re

from schema_extraction.marks import marked
from schema_extraction.page import Element, Node, Page
from schema_extraction.roles import CONTROL_ROLES, HANDLED, TEXT_ROLES
from schema_extraction.text import text_of, tooltip

_LIGATURE = re.compile(r"[a-z]*(?:_[a-z0-9]+)*")
_WORDY = re.compile(r"\w")


def sorts(node: Node) -> bool:
    """Whether a column's header can be clicked: it is a button, too."""
    return node.role == "columnheader" and node.get("cp-clickable") is not None


def decorates(page: Page, node: Node) -> bool:
    """Whether a button is only the icon of the text field in whose label it stands: out of the tab order, without words."""
    if node.role != "button" or node.get("tabindex") != "-1" or node.tag in ("button", "input"):
        return False
    label = next((above for above in node.ancestors() if above.tag == "label"), None)
    if label is None or not _LIGATURE.fullmatch(text_of(node.element)):
        return False
    return any(inner.role in TEXT_ROLES for inner in page.within(label.element))


def clicks_within(page: Page, node: Node) -> set[Element]:
    """The controls in a clickable element."""
    return {found.element for found in page.within(node.element) if found.role in CONTROL_ROLES and found is not node}


def is_clicked(page: Page, node: Node) -> bool:
    """Whether a clickable element is a control of its own, and not just what is around others: with words beside icons that
    have handlers of their own, or, with a handler itself, beside anything that has one."""
    inner = clicks_within(page, node)
    if not inner:
        if text_of(node.element, naming=True) or tooltip(node.element):
            return True
        return node.get("cp-clickable") == "icon" and bool(marked(node.element))
    if any(element.get("cp-clickable") not in HANDLED for element in inner):
        return False
    if not _WORDY.search(text_of(node.element, skip=inner, naming=True)):
        return False
    return node.get("cp-clickable") in HANDLED or not any(_WORDY.search(text_of(element)) for element in inner)
