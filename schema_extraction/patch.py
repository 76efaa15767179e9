"""A parsed page brought up to date: patches of the serialiser are put into the tree, and the nodes follow.

What cannot be followed exactly (a heading or a region that comes, goes or changes its name and in whose section others stand,
an id that stood twice) says so, and all nodes are made anew from the tree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from schema_extraction.follow import flags, follow, leaks, renamed, renew
from schema_extraction.page import Element, Page, attributes_of, fragment
from schema_extraction.snapshot import Patch
from schema_extraction.static import take_out
from schema_extraction.text import squash

KEEP = "cp-keep"
_STATE = frozenset({"cp-value", "cp-checked", "cp-selected", "cp-focus", "cp-invalid", "cp-inert"})
"""Attributes of live state, which says nothing of an element's neighbours."""


@dataclass(slots=True, eq=False)
class Touched:
    """What patches have done. `changed`: elements with other attributes, text or children; `stated`: those among them of which
    only the live state has changed; `tails`: elements with other text after them; `added`, `removed`: elements that came and
    went, with all in them; `boxes`: where removed ones stood. `ids`: ids that came, went or moved.
    `turned`: elements that came to lie behind a modal dialog, or do no longer. `whole`: the nodes cannot follow."""

    changed: dict[Element, None] = field(default_factory=dict)
    stated: set[Element] = field(default_factory=set)
    tails: list[Element] = field(default_factory=list)
    added: list[Element] = field(default_factory=list)
    removed: list[Element] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    ids: set[tuple[str, str]] = field(default_factory=set)
    turned: list[Element] = field(default_factory=list)
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
        touched.whole |= leaks(page, target)
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
    wanted = _wanted(target, new, places)
    known = set(wanted or ())
    gone = [child for child in target if child not in known]
    if wanted is not None and not gone and not fresh and _same(target, new):
        _mark(page, target, new, touched)
        return
    names = _names(page, (child for child in gone if wanted is None or leaks(page, child)))
    _forget(page, gone, prefix, touched)
    touched.removed += gone
    _leave(page, target, prefix, touched)
    lasting = _without(target, _STATE) == _without(new, _STATE) and squash(target.text) == squash(new.text)
    if lasting and not gone and not fresh:
        touched.stated.add(target)
    _mark(page, target, new, touched)
    target.text = new.text
    if wanted is None:
        target[:] = list(new)
    else:
        _arrange(target, wanted, gone)
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
        after = follow(page, prefix, target, fresh, known, wraps=wanted is None)
        touched.whole = not renew(page, target) or names != after or bool(names and places)


def _kept(place: Element, elements: list[Element], touched: Touched) -> list[Element]:
    """The elements that a place in a patch stands for, with the text that now follows them."""
    found = [elements[int(number)] for number in (place.get("n") or "0").split(",")]
    for kept in found:
        tail = place.tail if kept is found[-1] else None
        if (kept.tail or None) != tail:
            kept.tail = tail
            touched.tails.append(kept)
    return found


def _wanted(target: Element, new: Element, places: dict[Element, list[Element]]) -> list[Element] | None:
    """The children that an element will have, if those that stay do so in their order. None: they do not, and have been moved
    to their places in `new`."""
    wanted: list[Element] = []
    for child in new:
        wanted += places.get(child, [child])
    known = set(wanted)
    staying = [child for child in target if child in known]
    if staying == [kept for some in places.values() for kept in some]:
        return wanted
    for place, some in places.items():
        if (above := place.getparent()) is not None:
            at = above.index(place)
            above[at : at + 1] = some
    return None


def _arrange(target: Element, wanted: list[Element], gone: list[Element]) -> None:
    """Give an element these children; those that stay are not moved."""
    for child in gone:
        target.remove(child)
    following: Element | None = None
    for child in reversed(wanted):
        if child.getparent() is not target:
            following.addprevious(child) if following is not None else target.append(child)
        following = child


def _same(target: Element, new: Element) -> bool:
    """Whether an element is what it was, but for where it lies."""
    return _without(target, {"cp-inert"}) == _without(new, {"cp-inert"}) and (target.text or "") == (new.text or "")


def _mark(page: Page, target: Element, new: Element, touched: Touched) -> None:
    """Give an element the attributes of another."""
    if target.get("cp-inert") != new.get("cp-inert"):
        touched.turned.append(target)
    target.attrib.clear()
    target.attrib.update(dict(new.attrib))
    node = page.of[target]
    node.attributes = attributes_of(target)
    node.behind = target.get("cp-inert") == "true"


def _without(element: Element, names: Collection[str]) -> dict[str, str]:
    """The attributes of an element but for those with these names."""
    return {name: value for name, value in attributes_of(element).items() if name not in names}


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


def put(page: Page, patches: Iterable[tuple[str, Patch]]) -> Touched:
    """Put patches, each with the prefix of its frame, into the page, in the order in which they were written.

    Raises:
        SnapshotError: a patch cannot be read.
    """
    touched = Touched()
    for prefix, patch in patches:
        _put(page, prefix, patch, touched)
    touched.whole |= bool(touched.turned) and len(page.frames) > 1
    if not touched.whole:
        for element in (*touched.changed, *touched.boxes):
            flags(page, element)
        touched.whole = renamed(page, touched.changed, touched.boxes)
    page.known.clear()
    return touched
