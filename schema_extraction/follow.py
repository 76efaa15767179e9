"""Nodes that follow their elements when a patch changes the tree, with the sections they stand in and open."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from schema_extraction.page import Element, Node, Page
from schema_extraction.roles import OPERATED_ROLES, TABLE_ROLES, role_of

_TITLED = 8
"""Parts of a title that are looked at for the name of its box."""


def leaks(page: Page, element: Element) -> bool:
    """Whether what follows an element stands in a section that begins in it."""
    node = page.of.get(element)
    if node is None or node.parent is None:
        return False
    return _entered(page, element, node.parent.over) != node.entered


def renew(page: Page, element: Element) -> bool:
    """Bring the node of an element that stays in the tree up to date. False: that changes what is in it, too."""
    node = page.of[element]
    role = role_of(element, node.tag, node.attributes)
    changed, node.role = role != node.role, role
    rules = node.rules()
    changed = changed or rules != (node.label, node.disables)
    node.label, node.disables = rules
    return not (changed and len(element)) and page.opens(node) == node.names


def follow(
    page: Page, prefix: str, target: Element, fresh: list[Element], known: set[Element], wraps: bool
) -> list[str] | None:
    """Make nodes for the new elements in `target` and put kept ones under them; gives the sections that begin in them and in
    which others stand, those after them or (`wraps`) kept ones in them. None: kept ones stand under other rules now."""
    box = page.of[target]
    before = [(above, above.over) for above in (box, *box.ancestors())]
    made: list[Node] = []
    leaking: list[str] = []
    same = True
    begun = 0  # the first node of the child of `target` that is made now
    for element in fresh:
        if element.getparent() is target:
            leaking += _leaking(made[begun:], before[1:])
            begun = len(made)
        above_element = element.getparent()
        above = page.of[above_element] if above_element is not None else box
        if above is box:
            box.over = _entered(page, element, before[0][1])
        node = page.add(element, above, prefix)
        made.append(node)
        for child in element:
            if child not in known and (inner := page.of.get(child)) is not None:
                same = same and inner.parent is not None and inner.parent.inherits() == node.inherits()
                inner.parent = node
    leaking += _leaking(made[begun:], before[1:])
    for above, over in before:
        above.over = over
    for node in reversed(made):
        if node.parent is not None and node.parent is not box:
            node.parent.operated |= node.operated
            node.parent.tabled |= node.tabled
    if not same:
        return None
    return [node.names for node in made if node.names] if wraps else leaking


def _leaking(made: list[Node], around: list[tuple[Node, str]]) -> list[str]:
    """The sections that open in a child just made, if what follows it stands in one of them."""
    if not made or made[0].parent is None:
        return []
    contained = made[0].parent.over == made[0].entered and all(above.over == over for above, over in around)
    return [] if contained else [node.names for node in made if node.names]


def _entered(page: Page, element: Element, over: str) -> str:
    """The section in which a new child of a box stands; `over`: the one in which it would at the end of the box."""
    following = element.getnext()
    while following is not None:
        if (node := page.of.get(following)) is not None:
            return node.entered
        following = following.getnext()
    return over


def flags(page: Page, element: Element) -> None:
    """Say anew of an element and the boxes around it whether they hold controls or tables."""
    node = page.of.get(element)
    while node is not None:
        inner = [page.of[child] for child in node.element if child in page.of]
        operated = node.role in OPERATED_ROLES or any(child.operated for child in inner)
        tabled = node.role in TABLE_ROLES or any(child.tabled for child in inner)
        if (operated, tabled) != (node.operated, node.tabled):
            node.operated, node.tabled = operated, tabled
            if node.draft is not None:  # one that has come with the same changes is read anyway
                node.draft.stale = True
        node = node.parent


def renamed(page: Page, changed: Collection[Element], boxes: Iterable[Element]) -> bool:
    """Whether a section has another name now: around a change, or named by elements elsewhere."""
    around = {above: None for element in changed if element in page.of for above in page.of[element].ancestors()}
    below: dict[Node, None] = {}
    for element in (*changed, *boxes):
        # The title of a box stands first in it, or in what stands first there.
        for box in (element, *islice(element, 2)):
            below.update((page.of[child], None) for child in islice(box, _TITLED) if child in page.of)
    seen = (*around, *page.labelled, *below)
    return any(page.opens(node) != node.names for node in seen if page.of.get(node.element) is node)
