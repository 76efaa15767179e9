"""Which region of a page is the conversation, and what its entries say of who speaks: for drafting a profile."""

from __future__ import annotations

from schema_extraction.accname import spec_name
from schema_extraction.extract import Reading
from schema_extraction.page import parse
from schema_extraction.passes.history import entries_of
from schema_extraction.passes.messages import conversation_entries, marks_of
from schema_extraction.profile import Profile
from schema_extraction.snapshot import Snapshot
from schema_extraction.view import Frozen


class Entry(Frozen):
    """`marks`: class, data and aria text of the entry, as a profile's `inbound` and `outbound` are matched against it."""

    marks: str


class Talk(Frozen):
    """`history`: the region has no role by which a profile could name it; its dated entries are read all the same."""

    role: str
    name: str
    history: bool
    entries: tuple[Entry, ...]


def talk_of(snapshot: Snapshot, profile: Profile | None = None) -> Talk | None:
    """The conversation of a page, or None.

    Raises:
        SnapshotError: a frame is not HTML that can be read.
    """
    page = parse(snapshot)
    shared = Reading(page, profile).shared
    region = shared.conversation
    if region is None:
        return None
    nodes = entries_of(page, region) if shared.history else conversation_entries(page, region)
    return Talk(
        role=region.role,
        name=spec_name(page, region),
        history=shared.history,
        entries=tuple(Entry(marks=marks_of(node)) for node in nodes),
    )
