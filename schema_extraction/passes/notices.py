"""Notices: what the page says about what was done, and what it finds wrong with a field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from schema_extraction.draft import Draft
from schema_extraction.page import Element, Node
from schema_extraction.passes.tables import CELLS
from schema_extraction.roles import CONTROL_ROLES, OPERATED_ROLES
from schema_extraction.text import text_of
from schema_extraction.view import Notice

_TOAST = re.compile(r"toast|snackbar|flash", re.IGNORECASE)
# A live region with more text than this is a part of the page that updates itself, not a notice.
_LIMIT = 400
_FEW = 30
_BOXES = frozenset({"div", "p", "ul", "ol", "li", "section", "aside"})
_FAILED = re.compile(r"(?:^|[\s_-])(?:errors?|alert|warning|danger)(?:$|\s)", re.IGNORECASE)
_TOLD = re.compile(r"(?:^|[\s_-])(?:errors?|alert|flash|action-results)(?:$|\s)", re.IGNORECASE)
_LEVEL = re.compile(r"(?:^|\s)(?:success|warning|info|notice|ok)(?:$|\s)", re.IGNORECASE)
_SAID = re.compile(r"(?:^|[\s_-])(?:messages?|messagelist|notifications?|results?|banner|callout)(?:$|\s)", re.IGNORECASE)


def _is_notice(node: Node) -> bool:
    if not node.attributes and node.role != "status":
        return False
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


def _is_told(node: Node) -> bool:
    """Whether a box without a role is by its class what the page says of the last submit."""
    marks = node.get("class")
    if not marks or node.tag not in _BOXES or node.role not in ("", "list", "listitem", "region") or node.in_control:
        return False
    if _TOLD.search(marks):
        return True
    return bool(_LEVEL.search(marks)) and bool(
        _SAID.search(marks) or (node.parent is not None and _SAID.search(node.parent.get("class") or ""))
    )


def _says(draft: Draft, node: Node) -> list[Element]:
    """The boxes that say something in one told by its class: itself, or the items of the list that it is; [] for none."""
    inside = [inner for inner in draft.page.within(node.element) if inner is not node]
    buttons = [inner for inner in inside if inner.role in OPERATED_ROLES]
    if len(buttons) > 1 or any(inner.role != "button" for inner in buttons):
        return []
    if any(inner.tabled or inner.tag == "form" or _is_notice(inner) or _is_told(inner) for inner in inside):
        return []
    for above in node.ancestors():
        if _is_notice(above) or (above.role in CELLS and above.parent is not None and len(above.parent.element) > 1):
            return []
    items = list(node.element) if node.tag in ("ul", "ol") else []
    if len(items) > 1 and all(item.tag == "li" for item in items):
        return items
    return [node.element]


def _around(draft: Draft, node: Node) -> Iterator[Node]:
    """The box and those few around it that hold hardly more."""
    yield node
    for above in islice(node.ancestors(), 4):
        if sum(1 for _ in islice(draft.page.within(above.element), _FEW + 1)) > _FEW:
            return
        yield above


def read_boxes(draft: Draft) -> None:
    """Boxes that say what came of a submit and have no role for it: error boxes, flashed messages, lists of results."""
    for node in draft.nodes:
        if node.tag not in _BOXES or not _is_told(node) or draft.is_claimed(node):
            continue
        said = _says(draft, node)
        failed = any(_FAILED.search(around.get("class") or "") for around in _around(draft, node)) and not _LEVEL.search(
            node.get("class") or ""
        )
        kind = "toast" if _TOAST.search(node.get("class") or "") else "alert" if failed else "status"
        for element in said:
            skip = {inner.element for inner in draft.page.within(element) if inner.role == "button"}
            text = text_of(element, skip=skip)
            if len(text) <= _LIMIT and any(letter.isalpha() for letter in text):
                draft.notices.append((Notice(kind=kind, text=text), element))
                draft.claim(element)


def read_notices(draft: Draft) -> None:
    """Alerts, status lines and toasts that say something. Whether one speaks of a field shows when all fields are known."""
    for node in draft.nodes:
        text = _text(draft, node)
        if not text or any(_text(draft, above) for above in node.ancestors()):
            continue
        draft.notices.append((Notice(kind=_kind(node), text=text), node.element))
        draft.claim(node.element)
