"""The view of a page that changes: after the first look, only the drafts that a change can reach are read again.

What a draft says depends on the elements in it and on a few others: boxes that are read as a whole (tables, lists of terms,
the conversation, dialogs, notices, small boxes), elements that name each other by id, radio buttons of a group, the text just
before it, and what other drafts have claimed. Where that cannot be told, the whole page is read again, so that the view is
always what a fresh look would give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from schema_extraction.draft import Draft
from schema_extraction.errors import SnapshotError
from schema_extraction.extract import SHOWN, Reading
from schema_extraction.page import Element, Node, Page, parse, read_nodes
from schema_extraction.passes.facts import facts_behind
from schema_extraction.passes.survey import links
from schema_extraction.patch import Touched, put
from schema_extraction.profile import Profile
from schema_extraction.roles import CONTROL_ROLES, TABLE_ROLES
from schema_extraction.runs import LEAST, runs
from schema_extraction.snapshot import Changes, Snapshot
from schema_extraction.view import View

_SMALL = 60
"""A box with no more elements in it may be read as a whole by any pass."""

_WHOLE_ROLES = CONTROL_ROLES | TABLE_ROLES | {"dialog", "alertdialog", "alert", "status", "log", "feed", "radiogroup"}
_WHOLE_TAGS = frozenset({"dl", "label", "dt", "dd", "legend", "output"})
_HEADERS = frozenset({"columnheader", "rowheader"})


class Live:
    """One page's view, kept up to date."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile
        self._reading: Reading | None = None

    def read(self, found: Snapshot | Changes) -> View:
        """The view of a snapshot, or of the last page with these changes.

        Raises:
            SnapshotError: a frame or a patch cannot be read, or there is no page to change.
        """
        if isinstance(found, Snapshot):
            self._reading = Reading(parse(found), self.profile)
        elif self._reading is None:
            raise SnapshotError("Expected a snapshot first, met changes; capture the whole page.")
        elif found.patches:
            reading, self._reading = self._reading, None  # a patch that fails leaves no page behind
            touched = put(reading.page, found.patches)
            self._reading = _followed(reading, touched)
        return self._reading.view(found)


def _followed(reading: Reading, touched: Touched) -> Reading:
    """The reading after a change of its page."""
    if touched.whole or not _reread(reading, touched):
        return Reading(read_nodes(reading.page), reading.profile)
    return reading


def _reread(reading: Reading, touched: Touched) -> bool:
    """Read again the drafts that a change can reach; False when that cannot be told."""
    page, shared = reading.page, reading.shared
    old = list(reading.drafts)
    stale = _arrange(reading, touched)
    shifted = set(stale)
    near: set[Draft] = set()
    for element in _places(page, touched):
        node = page.of[element]
        stale.add(node.draft)
        if element not in touched.stated:
            shifted.add(node.draft)
        if any(above.role in _HEADERS for above in (node, *node.ancestors())):
            return False
        near |= _readers(page, node, shared.conversation)
    for number, draft in enumerate(reading.drafts):
        if draft in shifted:
            near.update(reading.drafts[max(0, number - 1) : number + 2])
    linked = _linked(reading, stale, touched)
    dirty = stale | near | linked | {draft for draft in reading.drafts if draft.restless}
    turned = _turned(reading) if touched.turned else set()
    same = dirty | turned if touched.only_stated else turned - dirty
    dirty |= turned
    if any(draft.radios for draft in dirty):
        dirty |= {draft for draft in reading.drafts if draft.radios}
    conversation, popups = shared.conversation, shared.popups
    renewed = _renewed(reading, dirty, same)
    now = set(reading.drafts)
    gone = [draft for draft in old if draft not in now]
    before = _reach(page, gone, renewed)
    shared.drafts = reading.drafts
    shared.give_back(gone)
    reading.read(renewed)
    if conversation is not shared.conversation or popups != shared.popups:
        return False
    return before == _reach(page, renewed, renewed) and not (
        any(draft.radios for draft in renewed) and any(draft.radios for draft in reading.drafts if draft not in renewed)
    )


def _turned(reading: Reading) -> set[Draft]:
    """The drafts that a modal dialog that has come or gone changes; where it only takes the controls away or gives them back,
    that is noted instead."""
    found: set[Draft] = set()
    reading.shared.now = SHOWN
    for draft in reading.drafts:
        now = [node.inert for node in draft.swayed]
        if now == draft.swayed_by:
            _unveil(draft)
        elif not all(now) or any(draft.swayed_by) or not (draft.hidden or (draft.is_plain and _veil(draft))):
            found.add(draft)
    return found


def _veil(draft: Draft) -> bool:
    """Let a draft stand behind a modal dialog as it is; False where what its fields show would stand among other facts."""
    behind = facts_behind(draft)
    if behind and any(fact.order == SHOWN for fact in draft.facts):
        return False
    draft.hidden, draft.veiled = True, len(behind)
    draft.facts = [*draft.facts, *behind]
    return True


def _unveil(draft: Draft) -> None:
    if draft.veiled:
        draft.facts = draft.facts[: -draft.veiled]
    draft.hidden, draft.veiled = False, 0


def _places(page: Page, touched: Touched) -> Iterator[Element]:
    """Elements at which something has changed and that are still there."""
    for element in (*touched.changed, *touched.added, *touched.tails, *touched.boxes):
        if element in page.of:
            yield element
    for element in (*touched.tails, *touched.changed):
        # How an element ends, and the text after it, belongs to the last one in it.
        while len(element):
            element = element[-1]
        if element in page.of:
            yield element


def _arrange(reading: Reading, touched: Touched) -> set[Draft]:
    """Put nodes that have come into the draft of the one before them; gives the drafts that this changed."""
    page = reading.page
    changed = {draft for draft in reading.drafts if draft.stale}
    for element in touched.added:
        before = _before(page, element)
        changed.add(before.draft if before is not None else reading.drafts[0])
    drafts: list[Draft] = []
    found: set[Draft] = set()
    for draft in reading.drafts:
        if draft not in changed:
            drafts.append(draft)
            continue
        nodes = _run(page, draft)
        parts = runs(nodes) if len(nodes) > 4 * LEAST else [nodes] if nodes else []
        for part in parts:
            made = Draft(page, part, reading.shared, reading.profile)
            for node in part:
                node.draft = made
            drafts.append(made)
            found.add(made)
    reading.drafts = drafts
    return found


def _before(page: Page, element: Element) -> Node | None:
    """The last node before an element that has a draft."""
    while True:
        previous = element.getprevious()
        if previous is not None:
            while len(previous):
                previous = previous[-1]
        else:
            previous = element.getparent()
        if previous is None:
            return None
        element = previous
        node = page.of.get(element)
        if node is not None and node.draft is not None:
            return node


def _run(page: Page, draft: Draft) -> list[Node]:
    """The nodes of a draft as they stand now: from the first that is left up to the first one of another draft."""
    first = next((node for node in draft.nodes if page.of.get(node.element) is node), None)
    nodes: list[Node] = []
    element = first.element if first is not None else None
    while element is not None and (node := page.of.get(element)) is not None and node.draft in (None, draft):
        nodes.append(node)
        element = _next(element)
    return nodes


def _next(element: Element) -> Element | None:
    """The element after another in document order."""
    if len(element):
        return element[0]
    at: Element | None = element
    while at is not None:
        if (following := at.getnext()) is not None:
            return following
        at = at.getparent()
    return None


def _readers(page: Page, node: Node, conversation: Node | None) -> set[Draft]:
    """The drafts that read a node from outside, as part of a box around it. What the boxes remember is forgotten."""
    found: set[Draft] = set()
    small = True
    node.memo = None
    for above in node.ancestors():
        above.memo = None
        if small:
            inner = list(islice(page.within(above.element), _SMALL + 1))
            small = len(inner) <= _SMALL
            if small:
                found.update(box.draft for box in inner)
        if above.role in _WHOLE_ROLES or above.tag in _WHOLE_TAGS or above is conversation or above.get("aria-live"):
            found.add(above.draft)
    return found


def _linked(reading: Reading, stale: set[Draft], touched: Touched) -> set[Draft]:
    """Drafts with elements that name, or are named by, elements of changed drafts."""
    page = reading.page
    ids = set(touched.ids)
    wanted: set[tuple[str, str]] = set()
    for draft in stale:
        wanted |= links(draft)
        ids |= {(node.prefix, identity) for node in draft.nodes if (identity := node.get("id"))}
    found = {draft for draft in reading.drafts if not ids.isdisjoint(links(draft))}
    for name in wanted:
        element = page.ids.get(name)
        if element is not None and element in page.of:
            found.add(page.of[element].draft)
        found.update(page.of[label].draft for label in page.labels.get(name, ()) if label in page.of)
    return found


def _renewed(reading: Reading, dirty: set[Draft], same: set[Draft]) -> list[Draft]:
    """Empty drafts in place of those to be read again. `same`: those whose controls are what they were, save the ones that have
    changed themselves."""
    renewed: list[Draft] = []
    for number, draft in enumerate(reading.drafts):
        if draft in dirty:
            made = Draft(reading.page, draft.nodes, reading.shared, reading.profile)
            for node in draft.nodes:
                node.draft = made
                if node.memo is not None and draft not in same:
                    node.memo.pop("control", None)
            reading.drafts[number] = made
            renewed.append(made)
    return renewed


def _reach(page: Page, drafts: Iterable[Draft], renewed: list[Draft]) -> set[tuple[Element, int]]:
    """What drafts claim beyond those that are read again: there, others have reckoned with it."""
    known = set(renewed)
    found: set[tuple[Element, int]] = set()
    for draft in drafts:
        for element, number in draft.claimed:
            node = page.of.get(element)
            if node is None:
                continue
            last = element
            while len(last):
                last = last[-1]
            end = page.of.get(last)
            if node.draft not in known or (end is not None and end.draft not in known):
                found.add((element, number))
    return found
