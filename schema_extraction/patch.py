"""A parsed page brought up to date: patches of the serialiser are put into the tree, and the nodes follow.

What cannot be followed exactly (a heading or a region that comes, goes or changes its name, a shift of what lies behind a
dialog, an id that stood twice) says so, and all nodes are made anew from the tree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from schema_extraction.page import Element, Node, Page, attributes_of, fragment
from schema_extraction.roles import OPERATED_ROLES, TABLE_ROLES, role_of
from schema_extraction.snapshot import Patch
from schema_extraction.static import take_out
from schema_extraction.text import squash

KEEP = "cp-keep"
_STATE = frozenset({"cp-value", "cp-checked", "cp-selected", "cp-focus", "cp-invalid"})
_TITLED = 8
"""Parts of a title that are looked at for the name of its box."""


@dataclass(slots=True, eq=False)
class Touched:
    """What patches have done. `changed`: elements with other attributes, text or children; `stated`: those among them of which
    only the live state has changed; `tails`: elements with other text
    after them; `added`, `removed`: elements that came and went, with all in them; `boxes`: where removed ones stood.
    `ids`: ids that came, went or moved.
    `whole`: the nodes cannot follow."""

    changed: dict[Element, None] = field(default_factory=dict)
    stated: set[Element] = field(default_factory=set)
    tails: list[Element] = field(default_factory=list)
    added: list[Element] = field(default_factory=list)
    removed: list[Element] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    ids: set[tuple[str, str]] = field(default_factory=set)
    whole: bool = False

    @property
    def only_stated(self) -> bool:
        """Whether nothing but the live state of elements has changed."""
        return len(self.stated) == len(self.changed) and not (self.tails or self.added or self.removed)


def _names(page: Page, roots: Iterable[Element]) -> list[str]:
    return [node.names for root in roots for node in page.within(root) if node.names]


def _leave(page: Page, element: Element, prefix: str, touched: Touched) -> None:
    """Forget an element's id, ref and what it labels."""
    if (identity := element.get("id")) is not None:
        touched.ids.add((prefix, identity))
        if page.ids.get((prefix, identity)) is element:
            del page.ids[prefix, identity]
            touched.whole |= (prefix, identity) in page.twins
    if element.tag == "label" and (target := element.get("for")):
        touched.ids.add((prefix, target))
        labels = page.labels.get((prefix, target), [])
        if element in labels:
            labels.remove(element)
    if (ref := element.get("cp-ref")) and page.refs.get(ref) is element:
        del page.refs[ref]


def _enter(page: Page, element: Element, prefix: str, touched: Touched) -> None:
    if identity := element.get("id"):
        page.enter_id(element, identity, prefix)
        touched.ids.add((prefix, identity))
        touched.whole |= (prefix, identity) in page.twins
    if element.tag == "label" and (target := element.get("for")):
        page.enter_label(element, prefix)
        touched.ids.add((prefix, target))
        touched.whole |= len(page.labels[prefix, target]) > 1


def _forget(page: Page, roots: Iterable[Element], prefix: str, touched: Touched) -> None:
    for root in roots:
        for element in root.iter("*"):
            _leave(page, element, prefix, touched)
            node = page.of.pop(element, None)
            if node is not None and node.draft is not None:
                node.draft.stale = True


def _put(page: Page, prefix: str, patch: Patch, touched: Touched) -> None:
    elements = page.numbered[prefix]
    target = elements[patch.number]
    if patch.number == 0:
        _put_popups(page, prefix, patch, touched)
        return
    if not patch.html:
        touched.whole |= bool(_names(page, [target]))
        touched.removed.append(target)
        above = target.getparent()
        if above is not None:
            touched.boxes.append(above)
        _forget(page, [target], prefix, touched)
        take_out(target)
        return
    new = fragment(patch.html)
    fresh = [element for element in new.iter("*") if element is not new and element.tag != KEEP]
    elements += fresh
    places = {place: _kept(place, elements, touched) for place in new.iter(KEEP)}
    staying = {kept for all_kept in places.values() for kept in all_kept}
    gone = [child for child in target if child not in staying]
    names = _names(page, gone)
    _forget(page, gone, prefix, touched)
    touched.removed += gone
    _leave(page, target, prefix, touched)
    inert = target.get("cp-inert")
    lasting = _lasting(target) == _lasting(new) and squash(target.text) == squash(new.text)
    if lasting and not gone and not fresh:
        touched.stated.add(target)
    target.attrib.clear()
    target.attrib.update(dict(new.attrib))
    page.of[target].attributes = attributes_of(target)
    target.text = new.text
    _arrange(target, new, places, gone)
    touched.whole |= inert != target.get("cp-inert")
    _enter(page, target, prefix, touched)
    if ref := target.get("cp-ref"):
        page.refs[ref] = target
    touched.changed[target] = None
    known = set(fresh)
    for element in fresh:
        _enter(page, element, prefix, touched)
        if element.getparent() not in known:
            touched.added.append(element)
    if not touched.whole:
        after = _follow(page, prefix, target, fresh, known)
        touched.whole = not _renew(page, target) or names != after or bool(names and places)


def _kept(place: Element, elements: list[Element], touched: Touched) -> list[Element]:
    """The elements that a place in a patch stands for, with the text that now follows them."""
    found = [elements[int(number)] for number in (place.get("n") or "0").split(",")]
    for kept in found:
        tail = place.tail if kept is found[-1] else None
        if (kept.tail or None) != tail:
            kept.tail = tail
            touched.tails.append(kept)
    return found


def _arrange(target: Element, new: Element, places: dict[Element, list[Element]], gone: list[Element]) -> None:
    """Give an element the children of another, with those that stay in their places; they are moved only if they have to be."""
    wanted: list[Element] = []
    for child in new:
        wanted += places.get(child, [child])
    known = set(wanted)
    staying = [child for child in target if child in known]
    if all(place.getparent() is new for place in places) and staying == [kept for some in places.values() for kept in some]:
        for child in gone:
            target.remove(child)
        following: Element | None = None
        for child in reversed(wanted):
            if child.getparent() is not target:
                following.addprevious(child) if following is not None else target.append(child)
            following = child
        return
    for place, some in places.items():
        if (above := place.getparent()) is not None:
            at = above.index(place)
            above[at : at + 1] = some
    target[:] = list(new)


def _lasting(element: Element) -> dict[str, str]:
    """The attributes of an element but for its live state, which says nothing of its neighbours."""
    return {str(name): str(value) for name, value in element.attrib.items() if name not in _STATE}


def _put_popups(page: Page, prefix: str, patch: Patch, touched: Touched) -> None:
    """What follows the body: no nodes, but ids."""
    root = page.numbered[prefix][0]
    old = [child for child in root if child.tag != "body"]
    _forget(page, old, prefix, touched)
    for child in old:
        root.remove(child)
    for new in fragment(f"<cp-popups>{patch.html}</cp-popups>"):
        for element in new.iter("*"):
            page.numbered[prefix].append(element)
            _enter(page, element, prefix, touched)
        root.append(new)


def _renew(page: Page, element: Element) -> bool:
    """Bring the node of an element that stays in the tree up to date. False: that changes what is in it, too."""
    node = page.of[element]
    role = role_of(element, node.tag, node.attributes)
    changed, node.role = role != node.role, role
    return not (changed and len(element)) and page.opens(node) == node.names


def _follow(page: Page, prefix: str, target: Element, fresh: list[Element], known: set[Element]) -> list[str]:
    """Make nodes for the new elements in `target` and put kept ones under them; gives the sections that they open."""
    box = page.of[target]
    before = [(above, above.over) for above in (box, *box.ancestors())]
    made: list[Node] = []
    for element in fresh:
        above_element = element.getparent()
        above = page.of[above_element] if above_element is not None else box
        if above is box:
            box.over = _entered(page, element, before[0][1])
        node = page.add(element, above, prefix)
        made.append(node)
        for child in element:
            if child not in known and (inner := page.of.get(child)) is not None:
                inner.parent = node
    for above, over in before:
        above.over = over
    for node in reversed(made):
        if node.parent is not None and node.parent is not box:
            node.parent.operated |= node.operated
            node.parent.tabled |= node.tabled
    return [node.names for node in made if node.names]


def _entered(page: Page, element: Element, over: str) -> str:
    """The section in which a new child of a box stands; `over`: the one in which it would at the end of the box."""
    following = element.getnext()
    while following is not None:
        if (node := page.of.get(following)) is not None:
            return node.entered
        following = following.getnext()
    return over


def _flags(page: Page, element: Element) -> None:
    """Say anew of an element and the boxes around it whether they hold controls or tables."""
    node = page.of.get(element)
    while node is not None:
        inner = [page.of[child] for child in node.element if child in page.of]
        operated = node.role in OPERATED_ROLES or any(child.operated for child in inner)
        tabled = node.role in TABLE_ROLES or any(child.tabled for child in inner)
        if (operated, tabled) != (node.operated, node.tabled):
            node.operated, node.tabled = operated, tabled
            node.draft.stale = True
        node = node.parent


def _renamed(page: Page, touched: Touched) -> bool:
    """Whether a section has another name now: around a change, or named by elements elsewhere."""
    around = {above: None for element in touched.changed if element in page.of for above in page.of[element].ancestors()}
    below: dict[Node, None] = {}
    for element in (*touched.changed, *touched.boxes):
        # The title of a box stands first in it, or in what stands first there.
        for box in (element, *islice(element, 2)):
            below.update((page.of[child], None) for child in islice(box, _TITLED) if child in page.of)
    seen = (*around, *page.labelled, *below)
    return any(page.opens(node) != node.names for node in seen if page.of.get(node.element) is node)


def put(page: Page, patches: Iterable[tuple[str, Patch]]) -> Touched:
    """Put patches, each with the prefix of its frame, into the page, in the order in which they were written.

    Raises:
        SnapshotError: a patch cannot be read.
    """
    touched = Touched()
    for prefix, patch in patches:
        _put(page, prefix, patch, touched)
    if not touched.whole:
        for element in (*touched.changed, *touched.boxes):
            _flags(page, element)
        touched.whole = _renamed(page, touched)
    page.known.clear()
    return touched
