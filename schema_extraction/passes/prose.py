"""Sections: the named regions of the page, each with the text in it that no other pass has read."""

from __future__ import annotations

from schema_extraction.draft import Draft
from schema_extraction.page import Node
from schema_extraction.text import INLINE, SILENT, squash


def _is_block(node: Node) -> bool:
    return node.tag not in INLINE or "cp-block" in node.attributes


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
    if text := node.element.text:
        parts.setdefault(node.inside, []).append(text.replace("\n", " "))
    if node.tag == "img" and (alt := node.get("alt")):
        parts.setdefault(node.inside, []).append(alt)


def _end(node: Node, section: str, parts: dict[str, list[str]]) -> None:
    """`section`: the one that the text after the node stands in."""
    if _is_block(node):
        parts.setdefault(section, []).append("\n")
    if tail := node.element.tail:
        parts.setdefault(section, []).append(tail.replace("\n", " "))


def read_prose(draft: Draft) -> None:
    """The left-over text by section: that of the elements here, and what follows those that end here."""
    of = draft.page.of
    parts: dict[str, list[str]] = {}
    quiet: dict[Node, bool] = {}  # whether it is silent, or within something silent
    for node in draft.nodes:
        above = node.parent
        if above is not None and (quiet[above] if above in quiet else _is_quiet(draft, above, quiet)):
            quiet[node] = True
        else:
            if _is_block(node):
                parts.setdefault(node.section, []).append("\n")
            silent = quiet[node] = _is_silent(draft, node)
            if not silent:
                _begin(node, parts)
        if len(node.element):
            continue
        ending = node
        while (above := ending.parent) is not None:
            following = ending.element.getnext()
            if not (quiet[above] if above in quiet else _is_quiet(draft, above, quiet)):
                after = of.get(following) if following is not None else None
                _end(ending, after.entered if after is not None else above.over, parts)
            if following is not None:
                break
            ending = above
    draft.lines = {
        section: [line for part in "".join(found).split("\n") if part and (line := squash(part))]
        for section, found in parts.items()
    }
    draft.names = list(dict.fromkeys(node.names for node in draft.nodes if node.names))
