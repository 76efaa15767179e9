"""Sections: the named regions of the page, each with the text in it that no other pass has read."""

from __future__ import annotations

from schema_extraction.draft import Draft
from schema_extraction.page import Element, Node, Page
from schema_extraction.text import INLINE, SILENT, squash


def _after(page: Page, element: Element, parent: Node) -> str:
    """The section that the text after an element stands in."""
    following = element.getnext()
    node = page.of.get(following) if following is not None else None
    return node.entered if node is not None else parent.over


def _is_block(node: Node) -> bool:
    return node.tag not in INLINE or node.get("cp-block") is not None


def _is_silent(draft: Draft, node: Node) -> bool:
    """Whether nothing in it is left-over text."""
    return node.role == "heading" or node.heads or node.tag in SILENT or draft.has_read(node.element)


def _is_quiet(draft: Draft, node: Node, quiet: dict[Node, bool]) -> bool:
    """Whether it is silent or within something silent; `quiet` holds what is known already."""
    path: list[Node] = []
    above: Node | None = node
    while above is not None and above not in quiet:
        path.append(above)
        above = above.parent
    known = quiet[above] if above is not None else False
    for inner in reversed(path):
        known = quiet[inner] = known or _is_silent(draft, inner)
    return known


def _begin(node: Node, parts: dict[str, list[str]]) -> None:
    element = node.element
    if element.text:
        parts.setdefault(node.inside, []).append(element.text.replace("\n", " "))
    if node.tag == "img" and (alt := element.get("alt")):
        parts.setdefault(node.inside, []).append(alt)


def _end(page: Page, node: Node, parent: Node, parts: dict[str, list[str]]) -> None:
    element = node.element
    section = _after(page, element, parent)
    if _is_block(node):
        parts.setdefault(section, []).append("\n")
    if element.tail:
        parts.setdefault(section, []).append(element.tail.replace("\n", " "))


def read_prose(draft: Draft) -> None:
    """The left-over text by section: that of the elements here, and what follows those that end here."""
    page = draft.page
    parts: dict[str, list[str]] = {}
    quiet: dict[Node, bool] = {}  # whether it is silent, or within something silent
    for node in draft.nodes:
        above = node.parent
        muted = False
        if above is not None:
            muted = quiet[above] if above in quiet else _is_quiet(draft, above, quiet)
        if not muted and _is_block(node):
            parts.setdefault(node.section, []).append("\n")
        silent = quiet[node] = muted or _is_silent(draft, node)
        if not silent:
            _begin(node, parts)
        if len(node.element) == 0:
            ending: Node | None = node
            while ending is not None and ending.parent is not None:
                if not _is_quiet(draft, ending.parent, quiet):
                    _end(page, ending, ending.parent, parts)
                if ending.element.getnext() is not None:
                    break
                ending = ending.parent
    draft.lines = {
        section: [line for line in (squash(part) for part in "".join(found).split("\n")) if line]
        for section, found in parts.items()
    }
    draft.names = list(dict.fromkeys(node.names for node in draft.nodes if node.names))
