"""Titles of boxes that are no headings: the first line of a card or panel, told by its class."""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree

from schema_extraction.text import squash, text_of

Element = etree._Element

_BOX = re.compile(r"(?:^|[\s_-])(?:card|panel|widget|portlet|titlebox)(?:$|\s)")
_TITLE = re.compile(r"(?:^|[\s_-])(?:header|heading|head|title)(?:$|\s)")
_TAGS = frozenset({"div", "span", "p", "b", "strong", "section", "header"})
_NOT_IN = frozenset("h1 h2 h3 h4 h5 h6 input select textarea button label table ul ol".split())
_LIMIT = 80


@lru_cache(maxsize=4096)
def _marks(text: str) -> tuple[bool, bool]:
    """Whether a class is that of a box with a title, and that of a title."""
    return bool(_BOX.search(text)), bool(_TITLE.search(text))


def _is_title(element: Element) -> bool:
    """Whether it stands first in a box with more in it than one short value, and is a title by its class."""
    marks = element.get("class")
    if not marks or not _marks(marks)[1] or element.getprevious() is not None:
        return False
    box = element.getparent()
    if box is None or not _marks(box.get("class") or "")[0]:
        return False
    following = element.getnext()
    return following is not None and (len(following) > 0 or following.getnext() is not None)


def may_title(marks: str | None) -> bool:
    """Whether a box of this class may have a title, or part of one, in it."""
    return bool(marks) and any(_marks(marks or ""))


def title_of(element: Element) -> str:
    """The title that an element is of the box around it, or ""."""
    if element.tag not in _TAGS:
        return ""
    box = element.getparent()
    if box is None or not (marks := box.get("class")):
        return ""
    is_box, is_title = _marks(marks)
    if not (is_box and _is_title(element)) and not (is_title and _is_title(box)):
        return ""
    if not (is_box and _is_title(element)):
        # In a title of several parts, the first one with words is the name.
        if squash(box.text) or any(squash(other.tail) or text_of(other) for other in element.itersiblings(preceding=True)):
            return ""
    elif not squash(element.text) and any(child.tag in _TAGS for child in element):
        return ""
    if any(inner.tag in _NOT_IN or inner.get("role") or inner.get("cp-clickable") is not None for inner in element.iter()):
        return ""
    name = text_of(element, naming=True)
    return name if len(name) <= _LIMIT and any(letter.isalpha() for letter in name) else ""
