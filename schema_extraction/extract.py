"""Snapshot to view: a list of named passes over the drafts of the parsed page, put together at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from schema_extraction.draft import Draft, Keyed, Shared
from schema_extraction.keys import Keys, private_texts
from schema_extraction.page import Page, parse
from schema_extraction.passes.controls import read_controls
from schema_extraction.passes.dialog import read_dialog
from schema_extraction.passes.facts import read_fields, read_lists, read_pair_tables, read_pairs
from schema_extraction.passes.history import directed
from schema_extraction.passes.messages import read_messages
from schema_extraction.passes.notices import read_boxes, read_notices
from schema_extraction.passes.profiled import apply_profile, assign, clicks_of, parts_of
from schema_extraction.passes.prose import read_prose
from schema_extraction.passes.survey import share, survey
from schema_extraction.passes.tables import read_tables
from schema_extraction.profile import Profile, compiled
from schema_extraction.runs import runs
from schema_extraction.snapshot import Changes, Snapshot
from schema_extraction.static import snapshot_of_file
from schema_extraction.view import Control, Dialog, Fact, Notice, Section, Table, View

T = TypeVar("T")

PASSES: tuple[tuple[str, Callable[[Draft], None]], ...] = (
    ("dialog", read_dialog),
    ("messages", read_messages),
    ("boxes that tell of a submit", read_boxes),
    ("fact lists", read_lists),
    ("fact tables", read_pair_tables),
    ("fields that show facts", read_fields),
    ("label and value pairs", read_pairs),
    ("tables", read_tables),
    ("controls", read_controls),
    ("notices", read_notices),
    ("profile", apply_profile),
    ("left-over text", read_prose),
)
"""In this order: a pass leaves alone what an earlier one has claimed."""

SHOWN = [read for _, read in PASSES].index(read_fields)
"""The number of the pass that reads what fields show."""

_SECTION_LIMIT = 4000


class Reading:
    """A parsed page that is read in drafts, so that only those that a change touches need to be read again."""

    def __init__(self, page: Page, profile: Profile | None = None) -> None:
        self.page = page
        self.profile = profile
        self.shared = Shared()
        self.keys = Keys()
        self.drafts: list[Draft] = []
        self._known: dict[str, tuple[object, Any]] = {}
        for nodes in runs(page.nodes):
            draft = Draft(page, nodes, self.shared, profile)
            self.drafts.append(draft)
            for node in nodes:
                node.draft = draft
        self.read(self.drafts)

    def read(self, drafts: Iterable[Draft]) -> None:
        """Run every pass over drafts from which nothing has been read yet."""
        drafts = list(drafts)
        self.shared.drafts = self.drafts
        for draft in drafts:
            survey(draft)
        share(self.shared)
        for number, (_, read) in enumerate(PASSES):
            self.shared.now = number
            for draft in drafts:
                read(draft)

    def view(self, snapshot: Snapshot | Changes) -> View:
        """The view, with what the snapshot says of the page apart from its frames."""
        profile = self.profile
        case_id = profile.case_id(snapshot.url) if profile else None
        self.keys.restart()
        facts = self._once(
            "facts", (case_id, [draft.facts for draft in self.drafts if draft.facts]), lambda: self._facts(case_id)
        )
        messages = [message for draft in self.drafts for message in draft.messages]
        controls = self._controls(snapshot.url)
        focused = [draft.controls[draft.focus].key for draft in self.drafts if draft.focus is not None]
        dialogs = [draft.dialog for draft in self.drafts if draft.dialog is not None]
        dialog = dialogs[-1] if dialogs else None
        if snapshot.native_dialog is not None:
            dialog = Dialog(name="", kind="native", text=snapshot.native_dialog)
        slice_fact = _fact(facts, profile.slice.fact) if profile and profile.slice else None
        return View(
            path=_path(snapshot.url),
            title=snapshot.title,
            profile=profile.name if profile else "",
            case_id=case_id,
            slice=slice_fact.value.raw if slice_fact else "",
            today=snapshot.today,
            sections=self._once("sections", [(draft.names, draft.lines) for draft in self.drafts], self._sections),
            controls=tuple(controls),
            facts=tuple(facts),
            messages=tuple(directed(messages, facts) if self.shared.history else messages),
            tables=tuple(self._tables()),
            notices=tuple(self._notices()),
            dialog=dialog,
            busy=any(draft.busy for draft in self.drafts),
            focus=focused[-1] if focused else "",
            closed=_closed(facts, profile),
            missing=tuple(words for words in (*snapshot.missing, *self.page.missing) if not _may_miss(profile, words)),
        )

    def _once(self, what: str, source: object, make: Callable[[], T]) -> T:
        """A part of the view, made again only when what it is made from is not what it was."""
        known = self._known.get(what)
        if known is None or known[0] != source:
            made = make()
            self._known[what] = source, made
            return made
        return cast(T, known[1])

    def _facts(self, case_id: str | None) -> list[Fact]:
        """Facts in the order of their passes, with keys; they tell what is private to this case and so in no key."""
        found = [(fact.order, draft, place) for draft in self.drafts for place, fact in enumerate(draft.facts)]
        found.sort(key=lambda item: item[0])
        private = frozenset(private_texts((draft.facts[place].fact for _, draft, place in found), case_id))
        if private != self.keys.private:
            self.keys = Keys(private)
        facts: list[Fact] = []
        for _, draft, place in found:
            _, fact, frame = draft.facts[place]
            key = self.keys.key(frame, fact.section, "fact", fact.label)
            if fact.key != key:
                fact = fact.but(key=key)
                draft.facts[place] = draft.facts[place]._replace(fact=fact)
            facts.append(fact)
        return facts

    def _tables(self) -> Iterator[Table]:
        for draft in self.drafts:
            if not draft.tables:
                continue
            for place, (table, frame) in enumerate(zip(draft.tables, draft.frames, strict=True)):
                key = self.keys.key(frame, table.section, "table", table.name or " ".join(table.headers))
                if table.key != key:
                    table = draft.tables[place] = table.but(key=key)
                yield table

    def _controls(self, url: str) -> list[Control]:
        """Controls with key, part and criticality, without those that the profile leaves out."""
        drafts = [draft for draft in self.drafts if draft.controls and not draft.hidden]
        keyed = self._stemmed(drafts, url)
        stems = [known.stems for known in keyed]
        keys = self._once("keys", stems, lambda: [[f"{stem}/{self.keys.ordinal(stem)}" for stem in some] for some in stems])
        found: list[Control] = []
        for draft, known, given in zip(drafts, keyed, keys, strict=True):
            if known.given != given:
                known.given, known.shown = given, _shown(draft, given)
            found += known.shown
        return found

    def _stemmed(self, drafts: list[Draft], url: str) -> list[Keyed]:
        """The keys of the controls but for their ordinals."""
        keys = self.keys
        parts, clicks = parts_of(self.profile, drafts, url), clicks_of(self.profile)
        parted = {draft for draft, _ in parts}
        found: list[Keyed] = []
        for draft in drafts:
            known = draft.keyed
            if known is None or known.by is not keys or known.parted or draft in parted:
                assign(draft, parts, clicks)
                stems = [keys.stem(control.frame, control.section, control.role, control.name) for control in draft.controls]
                known = draft.keyed = Keyed(keys, stems, draft in parted)
            found.append(known)
        return found

    def _notices(self) -> list[Notice]:
        """What the page says, then what it says of fields and no notice has said yet."""
        found: list[Notice] = []
        told_by = (draft.controls[place] for draft in self.drafts for place in draft.messaged)
        said = {control.message: control.key for control in told_by}
        for draft in self.drafts:
            for notice, element in draft.notices:
                if (seat := self.shared.speaks_of(element)) is not None:
                    notice = Notice(kind="validation", text=notice.text, control=seat[0].controls[seat[1]].key)
                elif notice.text in said and element.get("role") is None and element.get("aria-live") is None:
                    continue  # a field says it itself
                found.append(notice)
        told = {notice.control for notice in found}
        for draft in self.drafts:
            for place in draft.messaged:
                control = draft.controls[place]
                if control.key not in told:
                    found.append(Notice(kind="validation", text=control.message, control=control.key))
        return found

    def _sections(self) -> tuple[Section, ...]:
        """Every region and heading in document order with its left-over text; before them, texts that stand in none of them."""
        texts: dict[str, list[str]] = {}
        for draft in self.drafts:
            for section, lines in draft.lines.items():
                texts.setdefault(section, []).extend(lines)
        names = dict.fromkeys(name for draft in self.drafts for name in draft.names)
        order = [name for name, lines in texts.items() if name not in names and lines] + list(names)
        return tuple(Section(name=name, text="\n".join(texts.get(name, ()))[:_SECTION_LIMIT]) for name in order)


def _shown(draft: Draft, given: list[str]) -> list[Control]:
    """The controls of a draft with these keys, without those that the profile leaves out."""
    controls = draft.controls
    for place, key in enumerate(given):
        if controls[place].key != key:
            controls[place] = controls[place].but(key=key)
    return [control for control, mark in zip(controls, draft.marks, strict=True) if control.part or not mark.ignored]


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _may_miss(profile: Profile | None, words: str) -> bool:
    return profile is not None and any(compiled(one).search(words) for one in profile.may_miss)


def _fact(facts: Iterable[Fact], label: str) -> Fact | None:
    return next((fact for fact in facts if fact.label.casefold() == label.casefold()), None)


def _closed(facts: Iterable[Fact], profile: Profile | None) -> bool:
    wanted = profile.case.closed_when if profile is not None and profile.case is not None else None
    if wanted is None:
        return False
    fact = _fact(facts, wanted.fact)
    return fact is not None and fact.value.raw.casefold() in {value.casefold() for value in wanted.values}


def extract(snapshot: Snapshot, profile: Profile | None = None) -> View:
    """The view of a snapshot. A page without contents gives a view without contents.

    Raises:
        SnapshotError: a frame is not HTML that can be read.
    """
    return Reading(parse(snapshot), profile).view(snapshot)


def extract_file(path: str, profile: Profile | None = None) -> View:
    """The view of a plain HTML file, read without a browser.

    Raises:
        SnapshotError: the file cannot be read or is not HTML.
    """
    return extract(snapshot_of_file(path), profile)
