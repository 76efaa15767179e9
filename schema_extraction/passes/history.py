"""A conversation without a role for it: boxes of the same kind, each with an author and a date with a time.

So mail threads, ticket histories and comments are written. The survey notes boxes that may hold one wherever it meets a date
with a time; whether one does is told for the whole page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from schema_extraction.page import Element, Node, Page
from schema_extraction.passes.tables import CELLS
from schema_extraction.quotes import quotes_in, unquoted
from schema_extraction.roles import OPERATED_ROLES
from schema_extraction.text import squash, text_of
from schema_extraction.values import DATE, MONTHS
from schema_extraction.view import Fact, Message

_CLOCK = r"\d{1,2}(?::\d{2}(?::\d{2})?(?:\s?[ap]\.?m\.?)?|\s?[ap]\.?m\.?)(?:\s?(?:[A-Z]{3,4}|[+-]\d{2}:?\d{2}))?"
_MONTH = "(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\.?"
_STAMP = re.compile(
    rf"(?:{DATE}(?:,| at|T|\s·|\s-)?\s*{_CLOCK}"
    rf"|(?:\w{{2,3}},?\s+)?{_MONTH}\s+\d{{1,2}}\s+{_CLOCK}\s+\d{{4}}"
    rf"|(?:\w{{2,9}},?\s+)?(?:{_MONTH}\s+\d{{1,2}}|\d{{1,2}}\.?\s+{_MONTH}|today|yesterday)(?:,| at)?\s+{_CLOCK})"
    r"(?:\s*\([^()]*\))?",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?:^|[\s_-])(?:time|timestamp|date|datetime|when|sent|sent-at|created)(?:$|[\s_-])", re.IGNORECASE)
_AUTHOR = re.compile(r"(?:^|[\s_-])(?:author|sender|from|who|creator|poster|user|username)(?:$|[\s_-])", re.IGNORECASE)
_KIND = re.compile(
    r"histor|conversation|thread|message|comment|transaction|timeline|activit|discussion|correspond|mail|journal|article|"
    r"(?:^|[\s_-])(?:posts?|notes?|updates?|chat|repl(?:y|ies)|entries|entry|log)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BODY = re.compile(r"body(?:$|\s)", re.IGNORECASE)
_CONTENT = re.compile(r"(?:^|[\s_-])(?:content|text|message)(?:$|\s)", re.IGNORECASE)
_ASIDE = re.compile(r"(?:^|[\s_-])(?:actions?|toolbar|menu|buttons?|controls?|avatar|badge)(?:$|[\s_-])", re.IGNORECASE)
_NOTE = re.compile(r"\b(?:comment(?:s|ed)?|internal|private|notes?|system)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"(?:requesto?ers?|requestors?|customer|client|reporter|reported by|requested by|opened by|contact)", re.IGNORECASE
)
_STAMPED = frozenset({"time", "span", "div", "p", "small", "abbr", "a", "em", "i", "li", "dd"})
_UP = 3
"""Boxes of the same kind around a date that may be entries, and boxes around those that may tell what they are."""


class Told(NamedTuple):
    """Who an entry is by and when, as elements."""

    author: Element
    time: Element


def _kind(node: Node) -> str:
    return (node.get("class") or "").partition(" ")[0]


def _is_stamp(node: Node) -> bool:
    """Whether an element says a date with a time, and nothing else."""
    if node.tag != "time":
        if not node.attributes:
            return False
        marks = node.get("class")
        if not marks or not _TIME.search(marks):
            return False
    if len(node.element) > 2:
        return False
    text = text_of(node.element)
    if 4 < len(text) < 60 and _STAMP.fullmatch(text):
        return True
    return bool(node.tag == "time" and text and _STAMP.fullmatch((node.get("datetime") or "").rstrip("Z")))


def may_hold(nodes: Iterable[Node]) -> list[Node]:
    """Boxes that may hold a history, as dates among these nodes have it."""
    found: dict[Node, None] = {}
    for node in nodes:
        if node.tag in _STAMPED and _is_stamp(node) and not node.in_control:
            twins = (
                above.parent
                for above in node.ancestors()
                if above.parent is not None
                and (kind := _kind(above))
                and sum((other.get("class") or "").partition(" ")[0] == kind for other in above.parent.element) > 1
            )
            found.update(dict.fromkeys(islice(twins, _UP)))
    return list(found)


def _told(page: Page, entry: Node) -> Told | None:
    memo = entry.remembers()
    if "told" not in memo:
        author = time = None
        for node in page.within(entry.element):
            if node is entry or node.role in CELLS:
                continue
            if time is None and _is_stamp(node):
                time = node.element
            elif (
                author is None
                and (marks := node.get("class"))
                and _AUTHOR.search(marks)
                and 0 < len(text_of(node.element)) <= 80
            ):
                author = node.element
        memo["told"] = Told(author, time) if author is not None and time is not None else None
    told: Told | None = memo["told"]
    return told


def entries_of(page: Page, region: Node) -> list[Node]:
    """The entries of a history, [] where the box holds none."""
    if page.of.get(region.element) is not region or region.role in ("row", "grid", "table", "treegrid"):
        return []
    kinds: dict[str, list[Node]] = {}
    for child in region.element:
        node = page.of.get(child)
        if node is not None and node.role not in ("row", "link", "button", "option") and (kind := _kind(node)):
            kinds.setdefault(kind, []).append(node)
    for kind, nodes in kinds.items():
        if len(nodes) < 2:
            continue
        entries = [node for node in nodes if _told(page, node) is not None]
        around = [
            kind,
            *((box.get("class") or "") + " " + (box.get("id") or "") for box in [region, *islice(region.ancestors(), _UP)]),
        ]
        if len(entries) > 1 and (_KIND.search(nodes[0].get("class") or "") or any(_KIND.search(text) for text in around)):
            return entries
    return []


def _body(page: Page, entry: Node, told: Told) -> Element | None:
    """The box with what was written: the innermost one by its class, with neither author nor date in it."""
    for pattern in (_BODY, _CONTENT):
        for node in page.within(entry.element):
            if node is entry or node.role in CELLS or not pattern.search(node.get("class") or ""):
                continue
            inside = [*node.element.iter()]
            if told.author in inside or told.time in inside:
                continue
            if not any(_BODY.search(inner.get("class") or "") for inner in inside[1:]):
                return node.element
    return None


def _line(entry: Node, told: Told) -> str:
    """What the line of the author says after the name."""
    box = told.author
    skip = {told.author, told.time}
    while box is not entry.element:
        parent = box.getparent()
        if parent is None:
            return ""
        box = parent
        if text := text_of(box, skip=skip | _asides(box)):
            return text.lstrip(":·–—- ")
    return ""


def _asides(box: Element) -> set[Element]:
    return {inner for inner in box.iter() if (marks := inner.get("class")) and _ASIDE.search(marks) and inner is not box}


def _written(page: Page, entry: Node, told: Told) -> str:
    """What was written, without quotes; "" where the entry says only that something was done."""
    body = _body(page, entry, told)
    quotes: set[Element] = set()
    if body is not None:
        controls = {node.element for node in page.within(body) if node.role in OPERATED_ROLES}
        quotes = quotes_in(body.iter()) - {body}
        text = text_of(body, skip=controls | quotes, lines=True) or text_of(body, skip=controls, lines=True)
    else:
        inner = list(entry.element.iter())
        skip = {told.author, told.time} | _asides(entry.element)
        skip |= {node.element for node in page.within(entry.element) if node.role in OPERATED_ROLES or node.tabled}
        for line in (told.author.getparent(), told.time.getparent()):
            if (
                line is not None
                and line is not entry.element
                and len(line) <= 6
                and line.tag in ("div", "p", "header", "span", "h3", "h4")
            ):
                skip.add(line)
        quotes = quotes_in(inner)
        text = text_of(entry.element, skip=skip | quotes, lines=True) or text_of(entry.element, skip=skip, lines=True)
    return unquoted(text, taken=bool(quotes))


def read_entry(page: Page, entry: Node) -> Message | None:
    """The message of an entry. A note where it is a comment or tells what was done, else outbound until `directed`."""
    told = _told(page, entry)
    if told is None:
        return None
    line = _line(entry, told)
    text = _written(page, entry, told)
    note = (
        not text or _NOTE.search(line) or _NOTE.search(re.sub(r"[_-]+", " ", " ".join((entry.get("class") or "").split()[1:])))
    )
    text = text or line
    if not text:
        return None
    author = squash(text_of(told.author)).removeprefix("From:").strip(" :·,|")
    return Message(author=author, direction="note" if note else "outbound", text=text, time=text_of(told.time))


def _same(author: str, told: str) -> bool:
    one, other = (text.casefold().strip("<>() ") for text in (author, told))
    return one == other or (min(len(one), len(other)) > 3 and (one in other or other in one))


def directed(messages: list[Message], facts: Iterable[Fact]) -> Iterator[Message]:
    """The messages of a history with their directions: whoever asks is the one that a fact names, else who wrote first."""
    asking = [fact.value.raw for fact in facts if fact.value.raw and _ASKS.fullmatch(fact.label)]
    written = [message for message in messages if message.direction != "note"]
    if not any(_same(message.author, told) for message in written for told in asking):
        asking = [written[0].author] if written else []
    for message in messages:
        if message.direction != "note" and any(_same(message.author, told) for told in asking):
            yield message.model_copy(update={"direction": "inbound"})
        else:
            yield message
