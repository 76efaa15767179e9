"""Pages in two versions, with the truth of which control is which.

The truth is an attribute that every control of a base page carries and that goes with it through every mutation. It is read
back from the snapshot by the control's ref; no part of casepilot reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from random import Random

from lxml import etree
from lxml import html as lxml_html

from agent.bench import mutations, renames
from agent.bench.desk_pages import DeskPage, desk_pages
from agent.bench.forms import MARK, form_page
from agent.bench.mutations import DATA, Mutation
from fixtures.pages.support_case import support_case
from schema_extraction.extract import extract
from schema_extraction.static import snapshot_of_html
from schema_extraction.view import View

TODAY = date(2026, 3, 2)
FIRST = {"fit": 0, "certify": 40_000, "test": 60_000}
"""The seed of each part's first generated page; no two parts share one."""
PARTS = tuple(FIRST)

KEPT: dict[str, Mutation | None] = {
    "reload": mutations.reload,
    "other data": None,
    "reordered siblings": mutations.reorder,
    "reordered sections": mutations.reorder_sections,
    "added fields": mutations.add,
    "random ids": mutations.random_ids,
    "class hashes": mutations.class_hashes,
}
"""What a key must survive, every one of them."""
OTHER: dict[str, Mutation | None] = {
    "removed fields": mutations.remove,
    "fields replaced": mutations.replace,
    "labels reworded": renames.rewordings,
    "labels by other words": renames.synonyms,
    "sections renamed": renames.headings,
    "moved to another section": mutations.move,
    "wrapper elements": mutations.wrap,
    "other widgets": mutations.other_widget,
    "in German": renames.translated,
    "row added": mutations.add_row,
    "row removed": mutations.remove_row,
    "rows reordered": mutations.reorder_rows,
    "twin added": mutations.add_twin,
    "second release": None,
    "several at once": None,
}
KINDS = {**KEPT, **OTHER}
TOGETHER = (
    *("reordered siblings", "added fields", "removed fields", "fields replaced", "labels reworded", "labels by other words"),
    *("sections renamed", "moved to another section", "wrapper elements", "other widgets", "random ids", "twin added"),
)
"""What 'several at once' draws two or three from."""


@dataclass(frozen=True)
class Base:
    """A page; `other` is another case on it, `release` the same case in the application's second release."""

    name: str
    family: str
    part: str
    html: str
    other: str | None = None
    release: str | None = None


@dataclass(frozen=True)
class Seen:
    """A view with the identity of each of its controls, by key."""

    view: View
    true: dict[str, str]

    def key_of(self, identity: str) -> str | None:
        return next((key for key, true in self.true.items() if true == identity), None)


def look(markup: str) -> Seen:
    """The view of a page, and which control is which."""
    snapshot = snapshot_of_html(markup, "/cases/1", TODAY)
    view = extract(snapshot)
    root = etree.fromstring(snapshot.frames[0].html.encode(), parser=etree.XMLParser(recover=True, huge_tree=True))
    marks = {str(e.get("cp-ref")): str(e.get(MARK)) for e in root.iter() if e.get("cp-ref") and e.get(MARK)}
    return Seen(view, {control.key: marks[control.ref] for control in view.controls if control.ref in marks})


def changed(base: Base, kind: str, rng: Random) -> str | None:
    """The page after a mutation, or None where it has nothing to change there."""
    if kind == "other data":
        return base.other
    if kind == "second release":
        return base.release
    root = lxml_html.document_fromstring(base.html)
    if kind == "several at once":
        kinds = rng.sample(TOGETHER, rng.randrange(2, 4))
        if not any([_apply(name, root, rng) for name in kinds]):
            return None
    elif not _apply(kind, root, rng):
        return None
    return str(lxml_html.tostring(root, encoding="unicode", doctype="<!doctype html>"))


def _apply(kind: str, root: mutations.Tree, rng: Random) -> bool:
    mutation = KINDS[kind]
    assert mutation is not None, f"{kind!r} is no mutation of one page"
    return mutation(root, rng)


def _support(seed: int) -> str:
    """A support case as the other benchmark has it, with its controls marked by their order."""
    root = lxml_html.document_fromstring(support_case(4, seed).html)
    for number, element in enumerate(root.iter("a", "button", "input", "select", "textarea")):
        element.set(MARK, f"c{number}")
    for body in root.iter("tbody"):
        for row in body.iterchildren("tr"):
            row.set(DATA, "")
    return str(lxml_html.tostring(root, encoding="unicode", doctype="<!doctype html>"))


@lru_cache(maxsize=1)
def _desk() -> tuple[Base, ...]:
    """One base a task of each process of the practice BPM. All pages of a process are in one part."""
    found: dict[tuple[str, str], dict[int, dict[str, DeskPage]]] = {}
    for page in desk_pages():
        found.setdefault((page.process, page.task), {}).setdefault(page.release, {})[page.case_id] = page
    processes = sorted({process for process, _ in found})
    made = []
    for (process, task), releases in sorted(found.items()):
        cases = sorted(releases[1])
        release = releases.get(2, {}).get(cases[0])
        made.append(
            Base(
                name=f"{process}, {task}",
                family="practice BPM",
                part=PARTS[processes.index(process) % 3],
                html=releases[1][cases[0]].html,
                other=releases[1][cases[-1]].html if len(cases) > 1 else None,
                release=release.html if release else None,
            )
        )
    return tuple(made)


def bases(part: str, forms: int) -> list[Base]:
    """The base pages of a part: generated forms (so many), a support case for each tenth of them, pages of the practice BPM."""
    first = FIRST[part]
    seeds = range(first, first + forms)
    made = [Base(f"form {s}", "generated form", part, form_page(s), other=form_page(s, data=1)) for s in seeds]
    made += [Base(f"support case {s}", "support case", part, _support(s)) for s in seeds[::10]]
    return made + [base for base in _desk() if base.part == part]
