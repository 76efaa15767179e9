"""Facts: read-only labels with values, in the ways that pages write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from schema_extraction.accname import name_of, tidy
from schema_extraction.draft import Draft, FoundFact
from schema_extraction.page import Element, Node
from schema_extraction.passes.controls import options_of, value_of
from schema_extraction.passes.tables import for_layout, pairs_of, rows_of
from schema_extraction.roles import CONTROL_ROLES, TABLE_ROLES, TEXT_ROLES
from schema_extraction.text import squash, text_of
from schema_extraction.values import value
from schema_extraction.view import Fact

_LABEL_CLASS = re.compile(r"(?:^|[\s_-])(?:label|key|term|caption|field-name|title|heading|lbl|dt)(?:$|[\s_-])", re.IGNORECASE)
_VALUE_CLASS = re.compile(r"(?:^|[\s_-])(?:value|val|data|content|dd|field-value)(?:$|[\s_-])", re.IGNORECASE)
_LABEL_TAGS = frozenset({"b", "strong", "label", "dt", "th"})
_LABELLING = frozenset({"b", "strong", "label", "span", "em", "small"})
_BOXES = frozenset({"div", "p", "li", "span", "section", "td"})
_LINE = re.compile(r"(?P<label>[A-Z][\w /'’#&-]{1,38}?)\s*:\s+(?P<value>\S.{0,118})")
_SHOWING = TEXT_ROLES | {"combobox", "listbox", "meter"}
_SHOWING_TAGS = frozenset({"output", "meter", "progress"})
_FILLED = TEXT_ROLES | {"combobox", "listbox"}
_LABEL_LIMIT = 40
_VALUE_LIMIT = 240
_NOT_IN_VALUES = frozenset("p table dl ul ol label h1 h2 h3 h4 h5 h6".split())
_ITEMS = 12


def _fact(node: Node, label: str, raw: str) -> Fact | None:
    label = tidy(label.rstrip(" :"))
    if not label or len(label) > 2 * _LABEL_LIMIT or len(raw) > 2 * _VALUE_LIMIT:
        return None
    return Fact(key="", label=label, value=value(raw, label), section=node.section)


def _add(draft: Draft, node: Node, label: str, raw: str, *read: Element) -> None:
    if (fact := _fact(node, label, raw)) is not None:
        draft.facts.append(FoundFact(draft.shared.now, fact, node.frame))
        draft.claim(*read)


class _Lists:
    """Lists of terms, wherever they stand."""

    def __contains__(self, element: object) -> bool:
        return getattr(element, "tag", "") == "dl"


_LISTS = _Lists()


def _items(box: Element) -> Iterator[Element]:
    """Terms and descriptions of a list, without those of lists inside."""
    if next(box.iterdescendants("dl"), None) is None:
        yield from box.iter("dt", "dd")
        return
    walker = etree.iterwalk(box, events=("start",))
    for _, element in walker:
        if element.tag == "dl" and element is not box:
            walker.skip_subtree()
        elif element.tag in ("dt", "dd"):
            yield element


def read_lists(draft: Draft) -> None:
    """`dl`: each term with its descriptions, with or without a `div` around each group. A list inside is read by itself."""
    for node in draft.nodes:
        if node.tag != "dl" or draft.is_claimed(node):
            continue
        term: Element | None = None
        values: list[str] = []
        read: list[Element] = []
        for item in [*_items(node.element), None]:
            if item is None or item.tag == "dt":
                if term is not None and values:
                    _add(draft, draft.page.of[term], text_of(term), ", ".join(values), *read)
                term, values, read = item, [], [item] if item is not None else []
            elif term is not None and not draft.page.has_control(item):
                if next(item.iter("dl"), None) is None:
                    values.append(text_of(item))
                    read.append(item)
                elif text := text_of(item, skip=_LISTS):
                    values.append(text)


def read_pair_tables(draft: Draft) -> None:
    """Tables whose rows are a label and a value."""
    for node in draft.nodes:
        if node.role not in TABLE_ROLES or draft.is_claimed(node):
            continue
        if for_layout(draft.page, node):
            continue
        for label, cell in pairs_of(draft.page, rows_of(draft.page, node)) or []:
            if not cell.operated and not label.operated:
                _add(draft, label, text_of(label.element), text_of(cell.element), label.element, cell.element)


def _listed(second: Element) -> str:
    """A value that is a list of short texts, which it holds apart from nothing else: the texts with commas; else ""."""
    held = second
    while len(held) == 1 and held.tag not in ("ul", "ol") and not squash(held.text) and not squash(held[0].tail):
        held = held[0]
    if held.tag not in ("ul", "ol") or not 0 < len(held) <= _ITEMS or any(item.tag != "li" for item in held):
        return ""
    if any(inner.tag in _NOT_IN_VALUES or inner.tag == "a" for item in held for inner in item.iter()):
        return ""
    texts = [text_of(item) for item in held]
    return ", ".join(text for text in texts if text) if max(map(len, texts)) <= 2 * _LABEL_LIMIT else ""


def _pair(draft: Draft, node: Node) -> bool:
    """Two children: a label and its value."""
    element = node.element
    if len(element) != 2 or squash(element.text) or squash(element[1].tail):
        return False
    first, second = element
    if not isinstance(first.tag, str) or not isinstance(second.tag, str) or squash(first.tail).strip(":"):
        return False
    label = text_of(first)
    looks = (
        label.endswith(":")
        or squash(first.tail) == ":"
        or first.tag in _LABEL_TAGS
        or _LABEL_CLASS.search(first.get("class") or "")
        or _VALUE_CLASS.search(second.get("class") or "")
    )
    if not looks or not label or len(label) > _LABEL_LIMIT or len(first) > 1:
        return False
    raw = text_of(second)
    if not raw or len(raw) > _VALUE_LIMIT:
        return False
    if any(inner.tag in _NOT_IN_VALUES for inner in second.iter()):
        raw = _listed(second)
        if not raw:
            return False
    _add(draft, node, label, raw, first, second)
    return True


def _runs(draft: Draft, node: Node) -> bool:
    """`<b>Status:</b> Open<br><b>Level:</b> Gold`: labels in the text, each up to the next label or line break."""
    element = node.element
    found: list[tuple[Element, str]] = []
    for child in element:
        if child.tag in _LABELLING and len(child) == 0:
            if ":" not in (child.text or "") and ":" not in (child.tail or ""):
                continue
            label, tail = squash(child.text), squash(child.tail)
            if 1 < len(label) <= _LABEL_LIMIT and (label.endswith(":") or tail.startswith(":")):
                raw = tail.lstrip(": ")
                after = child.getnext()
                while after is not None and after.tag in ("span", "em", "i", "time", "a", "code", "mark") and not raw:
                    raw = squash(f"{text_of(after)} {after.tail or ''}")
                    after = after.getnext()
                if raw:
                    found.append((child, raw))
    if not found or (squash(element.text) and len(found) < 2):
        return False
    for child, raw in found:
        _add(draft, node, text_of(child), raw)
    draft.claim(element)
    return True


def _is_sentence(raw: str, label: str) -> bool:
    return value(raw, label).kind == "text" and (len(raw) > 60 or raw.endswith((".", "!", "?")))


def _tail(draft: Draft, node: Node) -> bool:
    """`<label>Status</label> Open`: a label and then nothing but the value. Bold words may also begin a sentence."""
    element = node.element
    if len(element) != 1 or element[0].tag not in ("label", "b", "strong") or squash(element.text):
        return False
    first = element[0]
    label, raw = text_of(first), squash(first.tail).lstrip(": ")
    if not label or not raw or len(label) > _LABEL_LIMIT or len(raw) > _VALUE_LIMIT:
        return False
    if first.tag != "label" and (
        raw[0].islower() or not raw[0].isalnum() and raw[0] not in "$€£#+-(" or _is_sentence(raw, label)
    ):
        return False
    _add(draft, node, label, raw, element)
    return True


def _line(draft: Draft, node: Node) -> bool:
    """`Status: Open` as the whole text of a box. A sentence after a colon is prose."""
    if len(node.element):
        return False
    text = squash(node.element.text)
    match = _LINE.fullmatch(text)
    if match is None or len(match["label"].split()) > 4:
        return False
    if _is_sentence(match["value"], match["label"]):
        return False
    _add(draft, node, match["label"], match["value"], node.element)
    return True


def read_pairs(draft: Draft) -> None:
    """Labels and values side by side in boxes, running text or single lines."""
    for node in draft.nodes:
        if node.tag not in _BOXES or node.role in CONTROL_ROLES or node.role in ("alert", "status"):
            continue
        element = node.element
        if len(element) == 0 and ":" not in (element.text or ""):
            continue
        if len(element) > 40 or (len(element) and node.operated) or node.in_control:
            continue
        if len(element) not in (0, 2) and not any(child.tag in _LABELLING for child in element):
            continue
        if draft.is_claimed(node) or any(draft.has_read(child) for child in element):
            continue
        _pair(draft, node) or _runs(draft, node) or _tail(draft, node) or _line(draft, node)


def _shown(draft: Draft, node: Node) -> str:
    """What a field says that only shows something, else "": a read-only input, an output, a meter, and what is filled in
    behind a modal dialog."""
    if (node.role not in _SHOWING and node.tag not in _SHOWING_TAGS) or node.get("cp-sensitive") is not None:
        return ""
    if node.inert and node.role in _FILLED:
        held = value_of(node, options_of(draft.page, node), "")
        return squash(held.raw) if held else ""
    if node.role in TEXT_ROLES:
        readonly = node.get("readonly") is not None or node.get("aria-readonly") == "true"
        return squash(node.get("cp-value")) if readonly else ""
    if node.tag == "output":
        return squash(node.get("cp-value")) or text_of(node.element)
    if node.tag in ("meter", "progress") or node.role == "meter":
        return squash(node.get("aria-valuetext") or node.get("aria-valuenow") or node.get("value"))
    return ""


def _said(draft: Draft, nodes: Iterable[Node]) -> Iterator[tuple[Node, str, str]]:
    for node in nodes:
        if (raw := _shown(draft, node)) and not draft.is_claimed(node) and (label := name_of(draft.page, node)):
            yield node, label, raw


def read_fields(draft: Draft) -> None:
    """Fields that only show something."""
    for node, label, raw in _said(draft, draft.nodes):
        _add(draft, node, label, raw, node.element)


def facts_behind(draft: Draft) -> list[FoundFact]:
    """What the fields of a draft show now that they lie behind a modal dialog."""
    found = ((node, _fact(node, label, raw)) for node, label, raw in _said(draft, draft.seats))
    return [FoundFact(draft.shared.now, fact, node.frame) for node, fact in found if fact is not None]
