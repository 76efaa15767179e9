"""What an icon is for, by its id and class: for want of words on the page, the words of its makers."""

from __future__ import annotations

import re
from itertools import islice

from lxml import etree

Element = etree._Element

_INNER = 5  # elements in an icon that are asked
_LIMIT = 40
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MADE_UP = re.compile(r"[a-zA-Z]\d|\d[a-zA-Z]|[^\w-]")
# Parts that say that it is an icon, of which set, and what it does not say.
_KINDS = frozenset(
    "icon icons ico btn button fa fas far fab fal fad glyphicon glyphicons bi mdi el ui ion ti pi ri oi md svg img image "
    "symbol anticon lucide feather material codicon octicon clickable link action js is".split()
)
_STATES = frozenset(
    "active inactive selected clicked disabled enabled hidden hide visible show shown open opened closed collapsed expanded "
    "focus focused hover first last odd even current checked on off left right small large sm lg xs xl".split()
)
_LOOKS = frozenset(
    "float pull d w h m p ml mr mt mb mx my ms me pl pr pt pb px py ps pe z fs fw gap text bg border rounded col row flex grid "
    "align justify items inline block position absolute relative fixed sticky top bottom opacity shadow overflow cursor css sc "
    "jsx".split()
)


def _words(mark: str) -> str:
    """`fa-trash-o`, `openSearch` and `row__close` as words; "" for what says nothing."""
    if _MADE_UP.search(mark):
        return ""
    words = [word.lower() for word in _PARTS.findall(mark)]
    if not words or words[0] in _LOOKS:
        return ""
    words = [word for word in words if len(word) > 1 and word not in _KINDS]
    return " ".join(words) if any(word not in _STATES for word in words) else ""


def marked(element: Element) -> str:
    """The first words in the id or a class of an icon or of what it is drawn with, or ""."""
    for inner in islice(element.iter("*"), _INNER):
        for mark in (inner.get("id") or "", *(inner.get("class") or "").split()):
            if words := _words(mark):
                return words[:_LIMIT]
    return ""
