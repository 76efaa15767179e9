"""The open dialog, if any: what is in front takes the actions."""

from __future__ import annotations

from schema_extraction.draft import Draft
from schema_extraction.roles import CONTROL_ROLES
from schema_extraction.text import text_of
from schema_extraction.view import Dialog


def read_dialog(draft: Draft) -> None:
    """Set `dialog`: the last dialog here that is not in the background."""
    front = [node for node in draft.nodes if node.role in ("dialog", "alertdialog") and not node.inert]
    if not front:
        return
    node = front[-1]
    inner = {
        found.element
        for found in draft.page.within(node.element)
        if found.role in CONTROL_ROLES or found.role == "heading" or found.tag == "label"
    }
    draft.dialog = Dialog(name=node.inside, text=text_of(node.element, skip=inner, lines=True)[:2000])
