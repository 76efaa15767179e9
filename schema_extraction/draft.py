"""The view in the making: what the passes read and write.

A page is read in drafts, each a run of neighbouring elements small enough to be read again when something in it changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from schema_extraction.keys import Keys
from schema_extraction.page import Element, Node, Page
from schema_extraction.profile import Profile
from schema_extraction.view import Control, Dialog, Fact, Message, Notice, Table

NEVER = 1 << 16
_PRESSED = frozenset({"button", "link", "menuitem", "tab"})


@dataclass(slots=True, eq=False)
class Shared:
    """What the drafts of one page know of each other. `now`: the number of the pass that runs. `claims`: elements whose text
    has been read, with the first pass that did; a pass sees what it and those before it claimed; `owners`: the
    draft that claimed each first; `contested`: those that another one claimed, too. `conversation`: the region
    of the messages, `history` whether it has no role for that. `popups`: lists that belong to the control that opens them.
    `radios`: radio buttons by group. `drawings`: what is drawn in place of native fields. `fields`: how many fields stand in
    the elements around them."""

    now: int = 0
    claims: dict[Element, int] = field(default_factory=dict)
    owners: dict[Element, Draft] = field(default_factory=dict)
    contested: set[Element] = field(default_factory=set)
    drafts: list[Draft] = field(default_factory=list)
    conversation: Node | None = None
    history: bool = False
    popups: set[Element] = field(default_factory=set)
    radios: dict[tuple[object, ...], list[Node]] = field(default_factory=dict)
    drawings: set[Element] = field(default_factory=set)
    fields: dict[Node, int] = field(default_factory=dict)

    def give_back(self, gone: Iterable[Draft]) -> None:
        """Forget what drafts that are no more had claimed, save what others claim, too."""
        given = {element for draft in gone for element, _ in draft.claimed}
        contested = given & self.contested
        for element in given:
            self.claims.pop(element, None)
            self.owners.pop(element, None)
        if not contested:
            return
        self.contested -= contested
        for draft in self.drafts:
            for element, number in draft.claimed:
                if element in contested:
                    self.claims[element] = min(number, self.claims.get(element, number))
                    if self.owners.setdefault(element, draft) is not draft:
                        self.contested.add(element)

    def speaks_of(self, element: Element) -> tuple[Draft, int] | None:
        """The first control that an element describes or reports an error of, as its draft and its place there."""
        return next(((draft, draft.described[element]) for draft in self.drafts if element in draft.described), None)


class FoundFact(NamedTuple):
    """`order`: the number of the pass that read it."""

    order: int
    fact: Fact
    frame: str


class Mark(NamedTuple):
    """What the profile says of a control."""

    critical: bool = False
    reversible: bool = False
    ignored: bool = False


@dataclass(slots=True, eq=False)
class Keyed:
    """The keys of the controls of a draft. `by`: who gives them out; `stems`: each but for its ordinal; `parted`: some control
    is a part of a composite action; `given`: the keys that the controls have now; `shown`: the controls with them, without
    those that the profile leaves out."""

    by: Keys
    stems: list[str]
    parted: bool
    given: list[str] = field(default_factory=list)
    shown: list[Control] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Draft:
    """What is read from `nodes`, in document order. Keys are given out when all drafts are put together.

    `seats`: the node that each control was read from, in step with `controls`, as `marks` is; `fitting`: parts of composite
    actions that a control may be, with its place; `focus`: the place of the focused one; `described`: elements that speak of a
    control, with its place; `messaged`: places of those that the page finds fault with. `notices` come with the element that
    says them, `frames` are the tables'. `conversation`: the first region here that may hold the messages; `histories`: boxes
    that may, as dates here have it; `opens`: lists that comboboxes here open; `radios`, `fields`: those here; `drawings`: what
    is drawn in place of native fields. `lines`: left-over text by section; `names`: sections that begin here. `claimed`: what
    its passes have claimed.

    For the next look: `keyed`, the keys of the controls; `swayed`: nodes that are read otherwise behind a modal dialog, with
    whether each was there (`swayed_by`); `hidden`: all of them have come to stand there since, and that only takes the controls
    away and makes `veiled` facts of them; `links`, ids that elements here name (None: not yet gathered); `restless`: it depends
    on more of the page than can be told; `stale`: something that it was read from is no more.
    """

    page: Page
    nodes: list[Node]
    shared: Shared
    profile: Profile | None = None
    controls: list[Control] = field(default_factory=list)
    seats: list[Node] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    fitting: list[tuple[str, int]] = field(default_factory=list)
    focus: int | None = None
    described: dict[Element, int] = field(default_factory=dict)
    messaged: list[int] = field(default_factory=list)
    facts: list[FoundFact] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    notices: list[tuple[Notice, Element]] = field(default_factory=list)
    dialog: Dialog | None = None
    conversation: Node | None = None
    histories: list[Node] = field(default_factory=list)
    opens: list[Element] = field(default_factory=list)
    radios: list[Node] = field(default_factory=list)
    fields: list[Node] = field(default_factory=list)
    drawings: list[Element] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    busy: bool = False
    claimed: list[tuple[Element, int]] = field(default_factory=list)
    keyed: Keyed | None = None
    swayed: list[Node] = field(default_factory=list)
    swayed_by: list[bool] = field(default_factory=list)
    hidden: bool = False
    veiled: int = 0
    links: set[tuple[str, str]] | None = None
    restless: bool = False
    stale: bool = False

    def claim(self, *elements: Element) -> None:
        """Say that the text of `elements` has been read."""
        now, shared = self.shared.now, self.shared
        for element in elements:
            shared.claims.setdefault(element, now)
            if shared.owners.setdefault(element, self) is not self:
                shared.contested.add(element)
            self.claimed.append((element, now))

    @property
    def is_plain(self) -> bool:
        """Whether a modal dialog in front of it takes its controls away, makes facts of what they hold, and changes nothing
        else."""
        special = self.radios or self.drawings or self.opens or self.described or self.messaged or self.restless
        if special or self.focus is not None or [n for n in self.swayed if n.role != "columnheader"] != self.seats:
            return False
        return all(node.role in _PRESSED for node in self.seats) or not any(map(_reads_more, self.seats))

    def has_read(self, element: Element) -> bool:
        """Whether a pass has claimed the element itself."""
        return self.shared.claims.get(element, NEVER) <= self.shared.now

    def is_claimed(self, node: Node, earlier: bool = False) -> bool:
        """Whether the node or a box around it has been read; `earlier`: by a pass before this one."""
        claims, now = self.shared.claims, self.shared.now - earlier
        above: Node | None = node
        while above is not None:
            if claims.get(above.element, NEVER) <= now:
                return True
            above = above.parent
        return False


def _reads_more(node: Node) -> bool:
    """Whether a control is read from more than itself and its labels, so that what it has read may be left over without it."""
    known = node.remembers().get("control")
    return known is None or bool(known[2])
