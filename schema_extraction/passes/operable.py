"""What is no control though it looks like one to a machine, and one though it does not."""

from __future__ import annotations

import re

from schema_extraction.page import Node, Page
from schema_extraction.roles import TEXT_ROLES
from schema_extraction.text import text_of

_LIGATURE = re.compile(r"[a-z]*(?:_[a-z0-9]+)*")


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
