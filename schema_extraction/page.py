"""The parsed snapshot: every visible element of every frame, in document order, with its role, frame and section.

Sections are the nearest of: named dialog, landmark, region, fieldset, tab panel or group; the heading that stands over it.
A heading speaks for what follows it inside the box that it heads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from lxml import etree

from schema_extraction.errors import SnapshotError
from schema_extraction.markup import parsed, read_markup, refs_once
from schema_extraction.roles import CONTROL_ROLES, OPERATED_ROLES, REGION_ROLES, TABLE_ROLES, role_of
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.text import squash, text_of
from schema_extraction.titles import may_title, title_of

Element = etree._Element
T = TypeVar("T")

_NONE: Mapping[str, str] = {}
_UNNAMED = {"navigation": "navigation", "banner": "banner", "contentinfo": "footer"}
_IDS = etree.XPath("//@id")
_HEADER_TAGS = frozenset({"header", "hgroup"})
_UNLABELLED = frozenset({"form", "body", "fieldset", "table"})
_RULING = _UNLABELLED | {"label"}
_ENDS = frozenset({"body", "main", "section", "article", "aside", "dialog", "cp-frame", "cp-shadow"})


@dataclass(slots=True, eq=False)
class Node:
    """One visible element. `attributes`: those of the element. `section` is the section it stands in; `inside` the one that its
    own text stands in, and `over` the one that further children stand in, which a heading among them changes; `entered` was the
    parent's `over` when the element began. `behind`: a modal dialog stands before it, as it or its frame says. `names`: the
    section that it opens, as a region or as a heading. `operated`, `tabled`: it is or holds a control other than a link, or a
    table. `in_control`: it stands inside a control. `label`: the label element around what stands in it, if it names no other;
    `disables`: that is disabled. `memo`: what passes have read from it and what is in it, forgotten when any of that changes.
    `draft`: the part of the view it is read into."""

    element: Element
    attributes: Mapping[str, str]
    tag: str
    role: str
    parent: Node | None
    frame: str
    prefix: str
    section: str
    inside: str
    over: str
    entered: str
    behind: bool
    operated: bool
    tabled: bool
    in_control: bool
    label: Node | None = None
    disables: bool = False
    names: str = ""
    memo: dict[str, Any] | None = None
    draft: Any = None

    def ancestors(self) -> Iterator[Node]:
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    @property
    def inert(self) -> bool:
        """Whether it lies behind a modal dialog."""
        node: Node | None = self
        while node is not None:
            if node.behind:
                return True
            node = node.parent
        return False

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def inherits(self) -> tuple[bool, Node | None, bool]:
        """What those in it take over: whether they stand inside a control, their label, and whether they are disabled."""
        return self.in_control or self.role in CONTROL_ROLES, self.label, self.disables

    def rules(self) -> tuple[Node | None, bool]:
        """What `label` and `disables` are, by its attributes and those of the boxes around it."""
        above, tag, attributes = self.parent, self.tag, self.attributes
        if tag == "label":
            label: Node | None = self if not attributes.get("for") else None
        else:
            label = above.label if above is not None and tag not in _UNLABELLED else None
        disables = above is not None and above.disables
        if attributes and not disables:
            disables = attributes.get("aria-disabled") == "true" or (tag == "fieldset" and "disabled" in attributes)
        return label, disables

    @property
    def heads(self) -> bool:
        """Whether it opens its section as a heading or as the title of a box."""
        return bool(self.names) and self.role not in REGION_ROLES and self.tag != "cp-frame"

    def remembers(self) -> dict[str, Any]:
        """Its memo, to read and to write."""
        if self.memo is None:
            self.memo = {}
        return self.memo


@dataclass(slots=True, eq=False)
class Page:
    """All frames of a snapshot. `nodes`: in document order, as they were when it was parsed. `ids` finds elements by (frame
    prefix, id), also in hidden popups and labels; `labels` the label elements by (frame prefix, what they are for); `refs`
    elements by ref. `numbered`: by frame prefix, all elements in the order in which the serialiser wrote them, the root first.
    `frames`: those that are in it. `twins`: ids that stand more than once; `labelled`: regions named by elements elsewhere.
    `missing`: what could not be parsed, in words. `known`: what has been read from hidden elements that many refer to,
    forgotten when the page changes."""

    nodes: list[Node] = field(default_factory=list)
    of: dict[Element, Node] = field(default_factory=dict)
    ids: dict[tuple[str, str], Element] = field(default_factory=dict)
    labels: dict[tuple[str, str], list[Element]] = field(default_factory=dict)
    refs: dict[str, Element] = field(default_factory=dict)
    numbered: dict[str, list[Element]] = field(default_factory=dict)
    frames: list[FrameSnapshot] = field(default_factory=list)
    twins: set[tuple[str, str]] = field(default_factory=set)
    labelled: list[Node] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    known: dict[Any, Any] = field(default_factory=dict)

    def once(self, what: str, element: Element, read: Callable[[Element], T]) -> T:
        """What `read` makes of an element and what is in it, asked once however many controls need it."""
        node = self.of.get(element)
        memo: dict[Any, Any] = self.known if node is None else node.remembers()
        key = (what, element if node is None else None)
        found = memo.get(key, self)
        if found is self:
            found = memo[key] = read(element)
        return cast(T, found)

    def referred(self, prefix: str, ids: str | None) -> list[Element]:
        """The elements that an attribute of space-separated ids names."""
        return [self.ids[prefix, name] for name in (ids or "").split() if (prefix, name) in self.ids]

    def has_control(self, element: Element) -> bool:
        """Whether a control other than a link is, or stands within, `element`."""
        node = self.of.get(element)
        return node.operated if node is not None else any(inner.operated for inner in self.within(element))

    def within(self, element: Element) -> Iterator[Node]:
        """The nodes at and below `element`."""
        return (node for inner in element.iter() if (node := self.of.get(inner)) is not None)

    def enter_id(self, element: Element, identity: str, prefix: str) -> None:
        """Make an element known by its id."""
        if identity and self.ids.setdefault((prefix, identity), element) is not element:
            self.twins.add((prefix, identity))

    def enter_label(self, label: Element, prefix: str) -> None:
        """Make a label known by the id of what it is for."""
        if target := label.get("for"):
            self.labels.setdefault((prefix, target), []).append(label)

    def add(self, element: Element, above: Node | None, prefix: str, frame: str = "", inert: bool = False) -> Node:
        """The node of an element, in document order. `frame` and `inert` count where there is no node above."""
        tag = element.tag
        if above is not None:
            entered = above.over
            frame = _frame_name(above.element) if above.tag == "cp-frame" else above.frame
            in_control, label, disables = above.inherits()
        else:
            entered, in_control, label, disables = frame, False, None, False
        attributes = attributes_of(element)
        role = role_of(element, tag, attributes)
        node = Node(
            element,
            attributes,
            tag,
            role,
            above,
            frame,
            prefix,
            entered,
            entered,
            entered,
            entered,
            inert or attributes.get("cp-inert") == "true",
            role in OPERATED_ROLES,
            role in TABLE_ROLES,
            in_control,
            label,
            disables,
        )
        self.of[element] = node
        if tag in _RULING or "aria-disabled" in attributes:
            node.label, node.disables = node.rules()
        if attributes:
            if ref := attributes.get("cp-ref"):
                self.refs[ref] = element
            if role in REGION_ROLES and "aria-labelledby" in attributes:
                self.labelled.append(node)
        if role or attributes or tag == "cp-frame" or (above is not None and above.attributes):
            node.names = self.opens(node)
        if not node.names:
            return node
        if node.heads:
            node.section = node.names
            _head(node, node.names)
        else:
            node.inside = node.over = node.names
        return node

    def opens(self, node: Node) -> str:
        """The section that a node opens: its name as a region or frame, its text as a heading or title, or ""."""
        if node.role in REGION_ROLES:
            return _region_name(self, node)
        if node.tag == "cp-frame":
            return _frame_name(node.element)
        if node.role == "heading":
            return text_of(node.element, naming=True)
        if node.role or node.in_control or node.parent is None or not may_title(node.parent.get("class")):
            return ""
        return title_of(node.element)


def attributes_of(element: Element) -> Mapping[str, str]:
    """An element's attributes, most often none."""
    found = element.items()
    return dict(found) if found else _NONE  # type: ignore[arg-type]  # the serialiser writes names and values as text


def fragment(markup: str) -> Element:
    """An element as the serialiser wrote it.

    Raises:
        SnapshotError: it cannot be read.
    """
    root = parsed(markup).root
    if root is None:
        raise SnapshotError(f"Expected a serialised element, met {markup[:40]!r}; capture the page again.")
    return root


def _region_name(page: Page, node: Node) -> str:
    """The name of a region, or "" for boxes without one (their contents then stand in the section around them)."""
    element = node.element
    if label := squash(element.get("aria-label")):
        return label
    if ids := element.get("aria-labelledby"):
        return squash(" ".join(text_of(found, naming=True) for found in page.referred(node.prefix, ids)))
    if node.tag == "fieldset":
        legend = element.find("legend")
        return text_of(legend, naming=True) if legend is not None else ""
    if node.role in ("dialog", "alertdialog"):
        heading = next((e for e in element.iter("h1", "h2", "h3", "h4", "h5", "h6")), None)
        return text_of(heading, naming=True) if heading is not None else squash(element.get("title")) or "dialog"
    return _UNNAMED.get(node.role, "")


def _head(node: Node, name: str) -> None:
    """Let a heading speak for the box that it heads: its parent, or the box around a header that holds only headings."""
    box = node.parent
    while box is not None:
        box.over = name
        alone = box.element[0] is box.element[-1] and not squash(box.element.text)
        if box.parent is None or box.tag in _ENDS:
            return
        if not (alone or box.tag in _HEADER_TAGS or "head" in (box.get("class") or "")):
            return
        box = box.parent


def _frame_name(element: Element) -> str:
    return squash(element.get("title") or element.get("aria-label") or element.get("name")) or "frame"


def _read_frame(page: Page, frame: FrameSnapshot) -> None:
    prefix = frame.frame
    name, inert = "", False
    if prefix:
        holder = page.refs.get(frame.owner) if frame.owner else None
        above = page.of.get(holder) if holder is not None else None
        if frame.owner and above is None:
            return  # the iframe itself is hidden
        name, inert = (_frame_name(above.element), above.inert) if above else ("frame", False)
    root = page.numbered[prefix][0]
    for identity in cast(list[Any], _IDS(root)):
        page.enter_id(identity.getparent(), str(identity), prefix)
    for label in root.iter("label"):
        page.enter_label(label, prefix)
    for body in root.iterchildren("body"):
        for element in body.iter("*"):
            above_element = element.getparent()
            node_above = page.of.get(above_element) if above_element is not None else None
            page.nodes.append(page.add(element, node_above, prefix, name, inert))


def read_nodes(page: Page) -> Page:
    """A page with the same trees and all its nodes anew."""
    new = Page(numbered=page.numbered, frames=page.frames, missing=page.missing)
    for frame in new.frames:
        _read_frame(new, frame)
    for node in reversed(new.nodes):
        if node.parent is not None:
            node.parent.operated |= node.operated
            node.parent.tabled |= node.tabled
    return new


def parse(snapshot: Snapshot) -> Page:
    """Parse every frame of a snapshot.

    Raises:
        SnapshotError: a frame is not HTML that can be read.
    """
    page = Page()
    refs: set[str] = set()
    for frame in snapshot.frames:
        if frame.frame in page.numbered:
            page.missing.append(f"a frame that was recorded twice, under {frame.frame!r}")
            continue
        root, missing = read_markup(frame.html, snapshot.today)
        refs_once(root, refs)
        page.numbered[frame.frame] = [*root.iter("*")]
        page.frames.append(frame)
        page.missing += missing
    return read_nodes(page)
