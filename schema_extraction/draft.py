"""The view in the making: what the passes read and write."""

from __future__ import annotations

from dataclasses import dataclass, field

from schema_extraction.keys import Keys
from schema_extraction.page import Element, Node, Page
from schema_extraction.profile import Profile
from schema_extraction.snapshot import Snapshot
from schema_extraction.view import Control, Dialog, Fact, Message, Notice, Section, Table


@dataclass
class Draft:
    """`claimed`: elements whose text some pass has read, so that the prose pass leaves it out. `seats`: the node that each
    control was read from, in step with `controls`; `fact_frames`: the frame of each fact, in step with `facts`."""

    snapshot: Snapshot
    page: Page
    profile: Profile | None = None
    case_id: str | None = None
    keys: Keys = field(default_factory=Keys)
    claimed: set[Element] = field(default_factory=set)
    controls: list[Control] = field(default_factory=list)
    seats: list[Node] = field(default_factory=list)
    key_of: dict[Element, str] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    fact_frames: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    dialog: Dialog | None = None
    busy: bool = False
    focus: str = ""

    def is_claimed(self, node: Node) -> bool:
        """Whether the node or a box around it has been read."""
        if node.element in self.claimed:
            return True
        return any(above.element in self.claimed for above in node.ancestors())
