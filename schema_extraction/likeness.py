"""How alike two controls are: the features that a match is scored by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from urllib.parse import urlsplit

from schema_extraction.traits import LONGEST, MOST_OPTIONS, Traits
from schema_extraction.view import Control, Format

FAMILIES = (
    frozenset({"textbox", "searchbox", "spinbutton", "slider", "combobox"}),
    frozenset({"combobox", "listbox", "radiogroup"}),
    frozenset({"checkbox", "switch", "menuitemcheckbox"}),
    frozenset({"radio", "menuitemradio"}),
    frozenset({"button", "link", "menuitem", "tab", "treeitem"}),
    frozenset({"file"}),
)
"""Roles that take the same actions. A control never matches one of another family."""

FEATURES = (
    "same role",
    "name alike",
    "words of the name",
    "same name",
    "other name",
    "other name and address",
    "section alike",
    "same section",
    "same frame",
    "options alike",
    "other options",
    "options on one side",
    "same input type",
    "same pattern or limits",
    "other pattern or limits",
    "hint alike",
    "other hint",
    "before",
    "after",
    "between the same two",
    "place",
    "same address",
    "other address",
    "row alike",
    "other row",
)


def kin(role: str, other: str) -> bool:
    """Whether two roles take the same actions."""
    return role == other or any(role in family and other in family for family in FAMILIES)


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", text.casefold()))


@lru_cache(maxsize=16384)
def alike(a: str, b: str) -> float:
    """Edit similarity of two texts in [0, 1], case, punctuation and white space aside; 1 for two empty ones."""
    one, two = " ".join(_words(a)), " ".join(_words(b))
    if one == two:
        return 1.0
    return SequenceMatcher(None, one, two, autojunk=False).ratio() if one and two else 0.0


def shared(a: str, b: str) -> float:
    """How much of the shorter text's words the other has, in [0, 1]."""
    one, two = set(_words(a)), set(_words(b))
    return len(one & two) / min(len(one), len(two)) if one and two else 0.0


def _limits(format: Format) -> tuple[object, ...]:
    return format.pattern, format.min, format.max, format.min_length, format.max_length


def _nearest(names: Sequence[str], others: Sequence[str]) -> float:
    """How alike the nearest neighbours are; a page's end is like another's end, and a neighbour may have come between."""
    if not names or not others:
        return 1.0 if not names and not others else 0.0
    best = alike(names[0], others[0])
    if best < 1.0 and (names[0] in others or others[0] in names):
        best = max(best, 0.8)
    return best


def features(role: str, name: str, was: Traits, control: Control, now: Traits) -> tuple[float, ...]:
    """The features of `control` on the page now, beside a control that was `role`, `name` and `was`; as `FEATURES`."""
    labels = {option.label[:LONGEST].casefold() for option in control.options[:MOST_OPTIONS]}
    old = {label.casefold() for label in was.options}
    both = bool(labels and old)
    overlap = len(labels & old) / len(labels | old) if both else 0.0
    ruled, rules = any(_limits(was.format)), any(_limits(control.format))
    agree = ruled and _limits(was.format) == _limits(control.format)
    links = role == control.role == "link"
    address = links and urlsplit(was.href).path == urlsplit(control.href).path
    other = shared(name, control.name) == 0.0 and alike(name, control.name) < 0.6
    before, after = _nearest(was.before, now.before), _nearest(was.after, now.after)
    return (
        float(role == control.role),
        alike(name, control.name),
        shared(name, control.name),
        float(_words(name) == _words(control.name) != ()),
        float(other),
        float(other and links and not address),
        alike(was.section, control.section),
        float(_words(was.section) == _words(control.section)),
        float(was.frame == control.frame),
        overlap,
        1.0 - overlap if both else 0.0,
        float(bool(labels) != bool(old)),
        float(bool(was.format.type) and was.format.type == control.format.type),
        float(agree),
        float((ruled or rules) and not agree),
        alike(was.hint, control.hint) if was.hint and control.hint else 0.0,
        1.0 - alike(was.hint, control.hint) if was.hint and control.hint else 0.0,
        before,
        after,
        before * after,
        1.0 - abs(was.place - now.place),
        float(address),
        float(links and not address),
        alike(was.row, now.row) if was.row and now.row else 0.0,
        1.0 - alike(was.row, now.row) if was.row and now.row else 0.0,
    )
