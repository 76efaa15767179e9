"""Readable text of a parsed element: what it says, with blocks kept apart."""

from __future__ import annotations

from collections.abc import Container
from itertools import islice
from typing import Any

from lxml import etree

Element = etree._Element

INLINE = frozenset(
    "a abbr b bdi bdo cite code cp-shadow data dfn em font i kbd label mark output q s samp slot small span strong sub sup "
    "time u var wbr img".split()
)
_TIPPED = 30  # elements among which a tooltip is looked for
_TIPS = ("title", "data-original-title", "data-bs-original-title", "data-tooltip", "alt", "cp-tip")
SILENT = frozenset({"select", "option", "optgroup", "datalist", "textarea", "cp-popup", "cp-label", "script", "style", "input"})


def squash(text: str | None) -> str:
    """Text with runs of white space as one blank."""
    return " ".join(text.split()) if text else ""


def count_of(text: str | None) -> int | None:
    """The number in an attribute that counts something, or None where it is no such number."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def text_of(element: Element, skip: Container[Any] = (), lines: bool = False, naming: bool = False, most: int = 0) -> str:
    """The text in `element`, without the subtrees in `skip` and without what controls hold.

    `lines` keeps a line for each block; otherwise all is one line. `naming` reads an element inside by its aria-label where
    it has one, as the accessible name of its container would. `most`: how many elements to read at most (0: all).
    """
    if len(element) == 0:
        return squash(element.text)
    if element.tag in SILENT:
        return ""
    parts: list[str] = [(element.text or "").replace("\n", " ")]
    around: list[tuple[Element, bool]] = []  # what is being read, from the outside in
    node = element[0]
    count = 0
    while True:
        tag = node.tag
        block = tag not in INLINE or node.get("cp-block") is not None
        if isinstance(tag, str) and tag not in SILENT and node not in skip:
            count += 1
            if count == most:
                break
            if block:
                parts.append("\n")
            if tag == "img" and (alt := node.get("alt")):
                parts.append(alt)
            if naming and (label := node.get("aria-label")):
                parts.append(label)
            else:
                if text := node.text:
                    parts.append(text.replace("\n", " "))
                if len(node):
                    around.append((node, block))
                    node = node[0]
                    continue
        while True:
            if block:
                parts.append("\n")
            if tail := node.tail:
                parts.append(tail.replace("\n", " "))
            if (following := node.getnext()) is not None or not around:
                break
            node, block = around.pop()
        if following is None:
            break
        node = following
    joined = "".join(parts)
    if not lines:
        return squash(joined)
    return "\n".join(line for line in (squash(part) for part in joined.split("\n")) if line)


def tooltip(element: Element) -> str:
    """What a tooltip says of an element, its own or that of something early in it, or ""."""
    return next(
        (found for inner in islice(element.iter("*"), _TIPPED) for name in _TIPS if (found := squash(inner.get(name)))), ""
    )
