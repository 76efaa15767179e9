"""Notices: what the page says about what was done, and what it finds wrong with a field."""

from __future__ import annotations

import re
from typing import Literal

from schema_extraction.draft import Draft
from schema_extraction.page import Element, Node
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


def _field_of(draft: Draft) -> dict[Element, str]:
    """The key of the control that an element describes or reports an error of."""
    found: dict[Element, str] = {}
    for control, node in zip(draft.controls, draft.seats, strict=True):
        for attribute in ("aria-errormessage", "aria-describedby"):
            for element in draft.page.referred(node.prefix, node.get(attribute)):
                found.setdefault(element, control.key)
    return found


def read_notices(draft: Draft) -> None:
    """Alerts, status lines and toasts that say something, then the validation messages of fields."""
    fields = _field_of(draft)
    read: set[Element] = set()
    for node in draft.page.nodes:
        if not _is_notice(node) or node.role == "alertdialog" or any(above.element in read for above in node.ancestors()):
            continue
        around = [node.element, *(above.element for above in node.ancestors())]
        if node.element not in fields and any(element in draft.claimed for element in around):
            continue
        skip = {found.element for found in draft.page.within(node.element) if found.role == "button"}
        text = text_of(node.element, skip=skip)
        if not text or len(text) > _LIMIT:
            continue
        read.add(node.element)
        key = fields.get(node.element, "")
        draft.notices.append(Notice(kind="validation" if key else _kind(node), text=text, control=key))
        draft.claimed.add(node.element)
    told = {notice.control for notice in draft.notices}
    for control in draft.controls:
        if control.message and control.key not in told:
            draft.notices.append(Notice(kind="validation", text=control.message, control=control.key))
