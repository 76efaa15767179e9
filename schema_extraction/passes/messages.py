"""The conversation: the entries of the message region, each with author, time and what was said."""

from __future__ import annotations

import re
from typing import Literal

from schema_extraction.accname import spec_name
from schema_extraction.draft import Draft
from schema_extraction.page import Element, Node, Page
from schema_extraction.passes.history import entries_of, read_entry
from schema_extraction.profile import MessageRegion, compiled
from schema_extraction.quotes import quotes_in, unquoted
from schema_extraction.roles import OPERATED_ROLES
from schema_extraction.text import squash, text_of
from schema_extraction.view import Control, Message

Direction = Literal["inbound", "outbound", "note"]

_AUTHOR = re.compile(r"(?:^|[\s_-])(?:author|sender|from|who|speaker|username|nickname|name)(?:$|[\s_-])", re.IGNORECASE)
_TIME = re.compile(r"(?:^|[\s_-])(?:time|timestamp|date|when|sent-at)(?:$|[\s_-])", re.IGNORECASE)
_CLOCK = re.compile(r"(?:\d{4}-\d{2}-\d{2}[ T])?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?", re.IGNORECASE)
_INBOUND = re.compile(r"\b(?:in|inbound|incoming|customer|client|visitor|received|them|theirs|user)\b", re.IGNORECASE)
_OUTBOUND = re.compile(r"\b(?:out|outbound|outgoing|agent|operator|sent|me|mine|self|own)\b", re.IGNORECASE)


def is_conversation(page: Page, node: Node, wanted: MessageRegion | None) -> bool:
    """Whether a region may hold the conversation: the one that the profile names, or without a profile a log or feed."""
    if wanted is None:
        return node.role in ("log", "feed")
    pattern = wanted.region
    if pattern.role and node.role != pattern.role:
        return False
    if not (pattern.role or node.role or node.get("aria-label")):
        return False
    return pattern.matches(Control(ref="", key="", role=node.role, name=spec_name(page, node), section=node.section))


def conversation_entries(page: Page, region: Node) -> list[Node]:
    """The entries: list items or articles of the region, else its children, through boxes that hold a single child."""
    marked = {node: None for node in page.within(region.element) if node.role in ("listitem", "article") and node is not region}
    tops = [node for node in marked if not any(above in marked for above in node.ancestors())]
    if tops:
        return tops
    box = region.element
    while len(box) == 1 and not squash(box.text) and len(box[0]) > 1 and not _speaks(page, page.of[box[0]]):
        box = box[0]
    return [page.of[child] for child in box if child in page.of and child.tag not in ("h1", "h2", "h3", "h4", "h5", "h6")]


def _inside(page: Page, entry: Node) -> list[Node]:
    return [node for node in page.within(entry.element) if node is not entry]


def _labelled(inner: list[Node], pattern: re.Pattern[str]) -> Element | None:
    for node in inner:
        if node.attributes and (pattern.search(node.get("class") or "") or pattern.search(node.get("itemprop") or "")):
            return node.element
    return None


def _author(entry: Node, inner: list[Node]) -> tuple[str, Element | None] | None:
    """Who speaks, and the element that says so. `inner`: what is in the entry."""
    if (element := _labelled(inner, _AUTHOR)) is not None:
        return text_of(element), element
    for node in inner:
        if node.tag in ("strong", "b", "cite", "h3", "h4", "h5", "h6") and (name := text_of(node.element)):
            return (name.rstrip(" :"), node.element) if len(name) <= 60 else None
    if told := squash(entry.get("data-author") or entry.get("data-sender")):
        return told, None
    return None


def _speaks(page: Page, box: Node) -> bool:
    return _author(box, _inside(page, box)) is not None


def _direction(wanted: MessageRegion | None, author: str, marks: str) -> Direction:
    if wanted is None:
        if _INBOUND.search(marks) or _INBOUND.search(author):
            return "inbound"
        return "outbound" if _OUTBOUND.search(marks) or _OUTBOUND.search(author) else "note"
    for text in (author, marks):
        if text and compiled(wanted.inbound, re.IGNORECASE).search(text):
            return "inbound"
        if text and wanted.outbound and compiled(wanted.outbound, re.IGNORECASE).search(text):
            return "outbound"
    return "note" if wanted.outbound else "outbound"


def marks_of(entry: Node) -> str:
    """Class, data and aria text of an entry: what may tell who speaks."""
    texts = [str(value) for name, value in entry.attributes.items() if name in ("class", "aria-label", "title")]
    texts += [str(value) for name, value in entry.attributes.items() if str(name).startswith("data-")]
    return re.sub(r"[_-]+", " ", " ".join(texts))


def _message(page: Page, entry: Node, wanted: MessageRegion | None) -> Message | None:
    inner = _inside(page, entry)
    skip = {node.element for node in (entry, *inner) if node.role in OPERATED_ROLES}
    found = _author(entry, inner)
    author, element = found if found else ("", None)
    timed = next((node.element for node in (entry, *inner) if node.tag == "time"), None)
    if timed is None:
        timed = _labelled(inner, _TIME)
    time = ""
    if timed is not None and timed is not element:
        time = squash(timed.get("datetime")) or text_of(timed)
        skip.add(timed)
        if element is not None and timed in element.iter():
            author = text_of(element, skip=skip)
    if element is not None:
        skip.add(element)
    quotes = quotes_in(inner for inner in entry.element.iter() if inner is not entry.element)
    text = text_of(entry.element, skip=skip | quotes, lines=True) if len(entry.element) else squash(entry.element.text)
    text = unquoted(text, bool(quotes)) if text or not quotes else text_of(entry.element, skip=skip, lines=True)
    if not time and author and (clock := _CLOCK.search(author)):
        time = clock[0]
        author = author.replace(clock[0], "")
    author = author.strip(" :·,-–—|")
    if author.count("(") != author.count(")") or author.startswith("("):
        author = author.strip(" :·,-–—|()")
    if not text:
        return None
    return Message(author=author, direction=_direction(wanted, author, marks_of(entry)), text=text.lstrip(":·–— \n"), time=time)


def read_messages(draft: Draft) -> None:
    """Read the region that holds the conversation, where it begins here."""
    region = draft.shared.conversation
    if region is None or region.draft is not draft:
        return
    wanted = draft.profile.messages if draft.profile else None
    if draft.shared.history:
        for entry in entries_of(draft.page, region):
            memo = entry.remembers()
            if "entry" not in memo:
                memo["entry"] = read_entry(draft.page, entry)
            if message := memo["entry"]:
                draft.messages.append(message)
                draft.claim(entry.element)
        return
    for entry in conversation_entries(draft.page, region):
        memo = entry.remembers()
        if "message" not in memo:
            memo["message"] = _message(draft.page, entry, wanted)
        if message := memo["message"]:
            draft.messages.append(message)
    draft.claim(region.element)
