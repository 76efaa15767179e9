"""Notices: what the page says about what was done, and what it finds wrong with a field."""

from __future__ import annotations

import re
from typing import Literal

from schema_extraction.draft import Draft
from schema_extraction.page import Node
from schema_extraction.roles import CONTROL_ROLES
from schema_extraction.text import text_of
from schema_extraction.view import Notice

_TOAST = re.compile(r"toast|snackbar|flash", re.IGNORECASE)
# A live region with more text than this is a part of the page that updates itself, not a notice.
_LIMIT = 400


def _is_notice(node: Node) -> bool:
    if node.role in ("log", "feed", "timer", "marquee", "progressbar") or node.role in CONTROL_ROLES:
        return False
    live = node.get("aria-live")
    return node.role in ("alert", "status", "alertdialog") and node.tag != "dialog" or live in ("polite", "assertive")


def _kind(node: Node) -> Literal["alert", "status", "toast"]:
    marks = f"{node.get('class') or ''} {node.get('id') or ''}"
    if _TOAST.search(marks):
        return "toast"
    return "alert" if node.role == "alert" or node.get("aria-live") == "assertive" else "status"


def _text(draft: Draft, node: Node) -> str:
    """What a node says if it is a notice that no pass before has read, else ""."""
    if not _is_notice(node) or node.role == "alertdialog":
        return ""
    if draft.shared.speaks_of(node.element) is None and draft.is_claimed(node, earlier=True):
        return ""
    skip = {found.element for found in draft.page.within(node.element) if found.role == "button"}
    text = text_of(node.element, skip=skip)
    return text if len(text) <= _LIMIT else ""


def read_notices(draft: Draft) -> None:
    """Alerts, status lines and toasts that say something. Whether one speaks of a field shows when all fields are known."""
    for node in draft.nodes:
        text = _text(draft, node)
        if not text or any(_text(draft, above) for above in node.ancestors()):
            continue
        draft.notices.append((Notice(kind=_kind(node), text=text), node.element))
        draft.claim(node.element)
