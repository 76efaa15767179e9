"""The tree of one frame's markup, also of markup that is damaged: what can be read of it, and in words what cannot."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple, cast

from lxml import etree

from schema_extraction.errors import SnapshotError
from schema_extraction.static import CONTROL_CHARACTERS, prepare

Element = etree._Element

LEVELS = 560
"""Elements nested deeper are left out. Chromium's own parser stops at 512; what a script nests deeper nobody means to be read,
and every pass that looks at what is around an element, or in it, would take its time once more for each level."""

_REFS = etree.XPath("//@cp-ref[.!='']", smart_strings=False)
# References to halves of surrogate pairs, which libxml2 lets through.
_HALVES = re.compile(
    r"&#(?:x0*d[89a-f][0-9a-f]{2}|0*(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));",
    re.IGNORECASE,
)


class Parsed(NamedTuple):
    """`root`: None where nothing could be parsed; `fault`: the parser's first complaint, or ""; `huge`: it may be nested
    hundreds of levels deep."""

    root: Element | None
    fault: str
    huge: bool


def parsed(markup: str) -> Parsed:
    """The tree of serialised markup, and what is wrong with it."""
    text = _HALVES.sub("", CONTROL_CHARACTERS.sub("", markup)).encode("utf-8")
    found = _parsed(text, huge=False)
    return _parsed(text, huge=True) if found.fault else found  # the parser's own limits are faults, too


def _parsed(text: bytes, huge: bool) -> Parsed:
    parser = etree.XMLParser(
        recover=True, huge_tree=huge, resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(text, parser)
    faults = [entry for entry in parser.error_log if entry.level >= etree.ErrorLevels.ERROR]
    return Parsed(root, f"{faults[0].message.strip()}, line {faults[0].line}" if faults else "", huge)


def cut(root: Element) -> int:
    """Leave out what is nested too deep; how many elements that were."""
    level, count = 0, 0
    deep: list[Element] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            level -= 1
            continue
        level += 1
        if level == LEVELS and len(element):
            deep.append(element)
    for element in deep:
        count += sum(1 for _ in element.iterdescendants("*"))
        del element[:]
    return count


def refs_once(root: Element, known: set[str]) -> None:
    """A ref that stands twice, as in a recording that is damaged, names the first. `known`: those of frames before."""
    refs = cast(list[str], _REFS(root))
    if len(set(refs)) < len(refs) or not known.isdisjoint(refs):
        for element in root.iter("*"):
            ref = element.get("cp-ref", "")
            if ref in known:
                del element.attrib["cp-ref"]
            elif ref:
                known.add(ref)
    known.update(refs)


def read_markup(markup: str, today: date) -> tuple[Element, list[str]]:
    """The root of one frame's markup, and what of it could not be read, in words. Plain HTML is brought into the serialiser's
    form first.

    Raises:
        SnapshotError: it is not HTML that can be read.
    """
    missing: list[str] = []
    begin = markup[:200].find("<html")
    if begin < 0 or "cp-date=" not in markup[:200]:
        markup, missing = prepare(markup, today)
        begin = 0
    # What stands before the root is none of the serialiser's doing: it could define entities.
    root, fault, huge = parsed(markup[begin:])
    if root is None:
        raise SnapshotError(f"Expected serialised HTML, met {markup[:40]!r}; capture the page again.")
    if fault:
        missing.append(f"parts of a recording that is damaged ({fault})")
    if huge and (left_out := cut(root)):
        missing.append(f"{left_out} elements nested more than {LEVELS} levels deep")
    return root, missing
