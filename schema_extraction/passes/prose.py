"""Sections: the named regions of the page, each with the text in it that no other pass has read."""

from __future__ import annotations

from lxml import etree

from schema_extraction.draft import Draft
from schema_extraction.page import Element, Node, Page
from schema_extraction.text import INLINE, SILENT, squash
from schema_extraction.view import Section

_LIMIT = 4000


def _after(page: Page, element: Element, parent: Node) -> str:
    """The section that the text after an element stands in."""
    following = element.getnext()
    node = page.of.get(following) if following is not None else None
    return node.section if node is not None and node.role != "heading" else parent.over


def _walk(draft: Draft, body: Element, parts: dict[str, list[str]]) -> None:
    page = draft.page
    walker = etree.iterwalk(body, events=("start", "end"))
    for event, element in walker:
        node = page.of.get(element)
        block = element.tag not in INLINE or element.get("cp-block") is not None
        if event == "start":
            silent = node is None or element.tag in SILENT or element in draft.claimed or node.role == "heading"
            if node is not None:
                if block:
                    parts.setdefault(node.section, []).append("\n")
                if not silent:
                    if element.text:
                        parts.setdefault(node.inside, []).append(element.text.replace("\n", " "))
                    if element.tag == "img" and (alt := element.get("alt")):
                        parts.setdefault(node.inside, []).append(alt)
            if silent:
                walker.skip_subtree()
        elif node is not None and node.parent is not None and element is not body:
            section = _after(page, element, node.parent)
            if block:
                parts.setdefault(section, []).append("\n")
            if element.tail:
                parts.setdefault(section, []).append(element.tail.replace("\n", " "))


def read_sections(draft: Draft) -> None:
    """Name every region and heading in document order and give it its left-over text."""
    page = draft.page
    parts: dict[str, list[str]] = {}
    for node in page.nodes:
        if node.parent is None:
            _walk(draft, node.element, parts)
    names: dict[str, None] = {}
    regions = {node.element: name for node, name in page.regions}
    for node in page.nodes:
        name = regions.get(node.element) or (node.section if node.role == "heading" else "")
        if name:
            names.setdefault(name)
    texts = {
        name: "\n".join(line for line in (squash(part) for part in "".join(found).split("\n")) if line)
        for name, found in parts.items()
    }
    order = [name for name in parts if name not in names and texts[name]] + list(names)
    draft.sections = [Section(name=name, text=texts.get(name, "")[:_LIMIT]) for name in order]
