"""The parsed snapshot: every visible element of every frame, in document order, with its role, frame and section.

Sections are the nearest of: named dialog, landmark, region, fieldset, tab panel or group; the heading that stands over it.
A heading speaks for what follows it inside the box that it heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from schema_extraction.errors import SnapshotError
from schema_extraction.roles import CONTROL_ROLES, OPERATED_ROLES, REGION_ROLES, role_of
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.static import prepare
from schema_extraction.text import squash, text_of

Element = etree._Element

_UNNAMED = {"navigation": "navigation", "banner": "banner", "contentinfo": "footer"}
_HEADER_TAGS = frozenset({"header", "hgroup"})


@dataclass(slots=True, eq=False)
class Node:
    """One visible element. `section` is the section it stands in; `inside` the one that its own text stands in, and
    `over` the one that further children stand in, which a heading among them changes. `operated`: it is or holds a control
    other than a link. `in_control`: it stands inside a control."""

    element: Element
    tag: str
    role: str
    parent: Node | None
    frame: str
    prefix: str
    section: str
    inside: str
    over: str
    inert: bool
    operated: bool
    in_control: bool

    def ancestors(self) -> Iterator[Node]:
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def get(self, name: str) -> str | None:
        return self.element.get(name)


@dataclass(slots=True, eq=False)
class Page:
    """All frames of a snapshot. `ids` finds elements by (frame prefix, id), also in hidden popups and labels."""

    nodes: list[Node] = field(default_factory=list)
    of: dict[Element, Node] = field(default_factory=dict)
    ids: dict[tuple[str, str], Element] = field(default_factory=dict)
    labels: dict[tuple[str, str], list[Element]] = field(default_factory=dict)
    refs: dict[str, Element] = field(default_factory=dict)
    headings: list[Node] = field(default_factory=list)
    regions: list[tuple[Node, str]] = field(default_factory=list)
    kept: list[Element] = field(default_factory=list)

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


def parse_markup(markup: str, snapshot: Snapshot) -> Element:
    """The root of one frame's markup; plain HTML is brought into the serialiser's form first.

    Raises:
        SnapshotError: it is not HTML that can be read.
    """
    if "cp-date=" not in markup[:200]:
        markup = prepare(markup, snapshot.today)
    parser = etree.XMLParser(recover=True, huge_tree=True, resolve_entities=False, no_network=True, remove_comments=True)
    root = etree.fromstring(markup.encode("utf-8", "replace"), parser)
    if root is None:
        raise SnapshotError(f"Expected serialised HTML, met {markup[:40]!r}; capture the page again.")
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
        alone = len(box.element) == 1 and not squash(box.element.text)
        if box.parent is None or box.tag in ("body", "main", "section", "article", "aside", "dialog", "cp-frame", "cp-shadow"):
            return
        if not (alone or box.tag in _HEADER_TAGS or "head" in (box.get("class") or "")):
            return
        box = box.parent


def _frame_name(element: Element) -> str:
    return squash(element.get("title") or element.get("aria-label") or element.get("name")) or "frame"


def _read_frame(page: Page, snapshot: Snapshot, frame: FrameSnapshot) -> None:
    prefix = frame.frame
    name, inert = "", False
    if prefix:
        holder = page.refs.get(frame.owner) if frame.owner else None
        above = page.of.get(holder) if holder is not None else None
        if frame.owner and above is None:
            return  # the iframe itself is hidden
        name, inert = (_frame_name(above.element), above.inert) if above else ("frame", False)
    root = parse_markup(frame.html, snapshot)
    page.kept.append(root)
    for element in root.iter():
        if identity := element.get("id"):
            page.ids.setdefault((prefix, identity), element)
        if element.tag == "label" and (target := element.get("for")):
            page.labels.setdefault((prefix, target), []).append(element)
    for body in root.iterchildren("body"):
        for element in body.iter():
            _read_element(page, element, prefix, name, inert)


def _read_element(page: Page, element: Element, prefix: str, frame: str, inert: bool) -> None:
    tag = element.tag
    if not isinstance(tag, str):
        return
    above_element = element.getparent()
    above = page.of.get(above_element) if above_element is not None else None
    if above is not None:
        section = above.over
        frame = _frame_name(above.element) if above.tag == "cp-frame" else above.frame
        inert = above.inert
    else:
        section = frame
    inert = inert or element.get("cp-inert") == "true"
    role = role_of(element, tag)
    in_control = above is not None and (above.in_control or above.role in CONTROL_ROLES)
    node = Node(element, tag, role, above, frame, prefix, section, section, section, inert, role in OPERATED_ROLES, in_control)
    page.nodes.append(node)
    page.of[element] = node
    page.kept.append(element)
    if ref := element.get("cp-ref"):
        page.refs[ref] = element
    if node.role in REGION_ROLES:
        if region := _region_name(page, node):
            node.inside = node.over = region
            page.regions.append((node, region))
    elif tag == "cp-frame":
        node.inside = node.over = _frame_name(element)
        page.regions.append((node, node.over))
    elif node.role == "heading" and (heading := text_of(element, naming=True)):
        node.section = heading
        page.headings.append(node)
        _head(node, heading)


def parse(snapshot: Snapshot) -> Page:
    """Parse every frame of a snapshot.

    Raises:
        SnapshotError: a frame is not HTML that can be read.
    """
    page = Page()
    for frame in snapshot.frames:
        _read_frame(page, snapshot, frame)
    for node in reversed(page.nodes):
        if node.operated and node.parent is not None:
            node.parent.operated = True
    return page
