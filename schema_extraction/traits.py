"""What a control was like on the page that it was chosen on: enough to know it again on a later page, release or case.

The stable key says less than it seems to where several controls share its words ("Remove" in every row of a table) and says
nothing once a label was reworded. `Traits` is the rest, small enough to be stored with an action.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping

from schema_extraction.view import Control, Format, Frozen, Table, View

NEIGHBOURS = 2
MOST_OPTIONS = 20
LONGEST = 80
"""Options and rows are cut to this many characters."""


class Traits(Frozen):
    """A control among the others of its page.

    `before`, `after`: names of the nearest controls, nearest first. `place`: in [0, 1], where it stood among the controls of
    its role. `twins`: how many controls shared its key but for the ordinal, itself included; `namesakes`: how many of these
    also had the very same name; `homonyms`: how many of its role had that name anywhere on the page. `row`: what stood in its
    table row. `around`: a digest of all that stood in its section but for what was typed. `alone`: short digests of the keys of
    all controls of the page that had no twin, to tell what a later page still has.
    """

    section: str = ""
    frame: str = ""
    options: tuple[str, ...] = ()
    format: Format = Format()
    hint: str = ""
    href: str = ""
    sensitive: bool = False
    critical: bool = False
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    place: float = 0.0
    twins: int = 1
    namesakes: int = 1
    homonyms: int = 1
    row: str = ""
    around: str = ""
    alone: tuple[str, ...] = ()


def stem(key: str) -> str:
    """A key without its ordinal."""
    return key.rpartition("/")[0] or key


def digest(text: str, size: int = 3) -> str:
    """A short name for a text, the same in every process; `size` in bytes."""
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


def traits_of(view: View) -> dict[str, Traits]:
    """The traits of every control of a view, by key."""
    controls = view.controls
    groups = Counter(stem(control.key) for control in controls)
    named = Counter((stem(control.key), control.name) for control in controls)
    heard = Counter((control.role, control.name) for control in controls)
    alone = tuple(digest(control.key) for control in controls if groups[stem(control.key)] == 1)
    places = _places(controls)
    rows = _rows(view, groups)
    around = {where: _around(view, *where) for where in {(control.frame, control.section) for control in controls}}
    said = [control.name or control.role for control in controls]
    return {
        control.key: Traits(
            section=control.section,
            frame=control.frame,
            options=tuple(option.label[:LONGEST] for option in control.options[:MOST_OPTIONS]),
            format=control.format,
            hint=control.hint,
            href=control.href,
            sensitive=control.sensitive,
            critical=control.critical,
            before=tuple(reversed(said[max(index - NEIGHBOURS, 0) : index])),
            after=tuple(said[index + 1 : index + 1 + NEIGHBOURS]),
            place=places[control.key],
            twins=groups[stem(control.key)],
            namesakes=named[stem(control.key), control.name],
            homonyms=heard[control.role, control.name],
            row=rows.get(control.key, ""),
            around=around[control.frame, control.section],
            alone=alone,
        )
        for index, control in enumerate(controls)
    }


def _places(controls: tuple[Control, ...]) -> dict[str, float]:
    by_role: dict[str, list[str]] = defaultdict(list)
    for control in controls:
        by_role[control.role].append(control.key)
    return {key: round(n / max(len(keys) - 1, 1), 3) for keys in by_role.values() for n, key in enumerate(keys)}


def _around(view: View, frame: str, section: str) -> str:
    said: list[object] = [(c.role, c.name) for c in view.controls if (c.frame, c.section) == (frame, section)]
    said += [_text(table, number) for table in view.tables if table.section == section for number in range(len(table.rows))]
    said += [(fact.label, fact.value.raw) for fact in view.facts if fact.section == section]
    said += [found.text for found in view.sections if found.name == section]
    return digest(repr(said), 6)


def _text(table: Table, number: int) -> str:
    return " | ".join(cell.raw for cell in table.rows[number].cells)[:LONGEST]


def _rows(view: View, groups: Mapping[str, int]) -> dict[str, str]:
    """The table row that a control stands in, where that can be told: the row's link is its own, or a table of its section has
    as many rows as the control has twins."""
    linked = {row.href: _text(table, n) for table in view.tables for n, row in enumerate(table.rows) if row.href}
    found: dict[str, str] = {}
    met: Counter[str] = Counter()
    for control in view.controls:
        name = stem(control.key)
        number = met[name]
        met[name] += 1
        if control.href and control.href in linked:
            found[control.key] = linked[control.href]
            continue
        fitting = [t for t in view.tables if t.section == control.section and len(t.rows) == groups[name]]
        if len(fitting) == 1:
            found[control.key] = _text(fitting[0], number)
    return found
