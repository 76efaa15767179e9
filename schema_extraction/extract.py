"""Snapshot to view: a list of named passes over the parsed page."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from schema_extraction.draft import Draft
from schema_extraction.keys import Keys, private_texts
from schema_extraction.page import parse
from schema_extraction.passes.controls import read_controls
from schema_extraction.passes.dialog import read_dialog
from schema_extraction.passes.facts import read_fields, read_lists, read_pair_tables, read_pairs
from schema_extraction.passes.messages import read_messages
from schema_extraction.passes.notices import read_notices
from schema_extraction.passes.profiled import apply_profile
from schema_extraction.passes.prose import read_sections
from schema_extraction.passes.tables import read_tables
from schema_extraction.profile import Profile
from schema_extraction.snapshot import Snapshot
from schema_extraction.static import snapshot_of_file
from schema_extraction.view import View


def name_keys(draft: Draft) -> None:
    """Now that the facts tell what is private to this case, give facts their keys."""
    draft.keys = Keys(private_texts(draft.facts, draft.case_id))
    draft.facts = [
        fact.model_copy(update={"key": draft.keys.key(frame, fact.section, "fact", fact.label)})
        for fact, frame in zip(draft.facts, draft.fact_frames, strict=True)
    ]


def read_busy(draft: Draft) -> None:
    """A visible aria-busy means that the page is still at work."""
    draft.busy = any(node.get("aria-busy") == "true" for node in draft.page.nodes)


PASSES: tuple[tuple[str, Callable[[Draft], None]], ...] = (
    ("dialog", read_dialog),
    ("messages", read_messages),
    ("fact lists", read_lists),
    ("fact tables", read_pair_tables),
    ("fields that show facts", read_fields),
    ("label and value pairs", read_pairs),
    ("keys", name_keys),
    ("tables", read_tables),
    ("controls", read_controls),
    ("notices", read_notices),
    ("sections", read_sections),
    ("profile", apply_profile),
    ("busy", read_busy),
)
"""In this order: a pass leaves alone what an earlier one has claimed, and keys need the facts."""


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def extract(snapshot: Snapshot, profile: Profile | None = None) -> View:
    """The view of a snapshot. A page without contents gives a view without contents.

    Raises:
        SnapshotError: a frame is not HTML that can be read.
    """
    case_id = profile.case_id(snapshot.url) if profile else None
    draft = Draft(snapshot=snapshot, page=parse(snapshot), profile=profile, case_id=case_id)
    for _, read in PASSES:
        read(draft)
    view = View(
        path=_path(snapshot.url),
        title=snapshot.title,
        profile=profile.name if profile else "",
        case_id=case_id,
        today=snapshot.today,
        sections=tuple(draft.sections),
        controls=tuple(draft.controls),
        facts=tuple(draft.facts),
        messages=tuple(draft.messages),
        tables=tuple(draft.tables),
        notices=tuple(draft.notices),
        dialog=draft.dialog,
        busy=draft.busy,
        focus=draft.focus,
    )
    return _placed(view, profile) if profile else view


def _placed(view: View, profile: Profile) -> View:
    """The view with its slice and whether its case is closed, both told by facts."""
    slice_fact = view.fact(profile.slice.fact) if profile.slice else None
    closed = False
    if profile.case and (fact := view.fact(profile.case.closed_when.fact)):
        closed = fact.value.raw.casefold() in {value.casefold() for value in profile.case.closed_when.values}
    return view.model_copy(update={"slice": slice_fact.value.raw if slice_fact else "", "closed": closed})


def extract_file(path: str, profile: Profile | None = None) -> View:
    """The view of a plain HTML file, read without a browser.

    Raises:
        SnapshotError: the file cannot be read or is not HTML.
    """
    return extract(snapshot_of_file(path), profile)
