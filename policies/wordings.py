"""Which templates say the same thing in other words.

People have their own wording. Two templates are taken to mean the same when they were sent at the same task of the same
process, after the same choices, and no fact tells their cases apart better than chance would. A policy then need not guess
whose wording is wanted, and its confidence is in what is said.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policies.literals import Names
from policies.templates import Template

OVERLAP = 0.3
LEVEL = 0.05


@dataclass(frozen=True)
class Use:
    """One sending: the `template` by id, the task (see `literals.task_of`), the process, what was chosen before by control
    key, and what was true of the view."""

    template: str
    case_id: str
    task: Names
    slice: str
    chosen: tuple[tuple[str, str], ...]
    true: Names


def group(templates: Sequence[Template], uses: Iterable[Use]) -> tuple[Template, ...]:
    """`templates` with `meaning` set: the id of the most common template of the same meaning."""
    of: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        of[use.template].append(use)
    groups: list[list[Template]] = []
    for template in templates:
        home = next((g for g in groups if all(_same(of[template.id], of[other.id]) for other in g)), None)
        if home is None:
            groups.append([template])
        else:
            home.append(template)
    meaning = {template.id: members[0].id for members in groups for template in members}
    return tuple(template.model_copy(update={"meaning": meaning[template.id]}) for template in templates)


def _same(a: Sequence[Use], b: Sequence[Use]) -> bool:
    if not a or not b or not _tasks(a) & _tasks(b):
        return False
    shared = {use.slice for use in a} & {use.slice for use in b}
    if not shared:
        return False
    for name in shared:
        mine, other = [u for u in a if u.slice == name], [u for u in b if u.slice == name]
        keys = {key for use in (*mine, *other) for key, _ in use.chosen}
        if any(_overlap(mine, other, key) < OVERLAP for key in keys):
            return False
    return not _told_apart(a, b)


def _tasks(uses: Sequence[Use]) -> set[Names]:
    """The tasks at which something was said, less those that are below a fifth of its uses (slips)."""
    counts = Counter(_titles(use.task) for use in uses)
    return {task for task, count in counts.items() if count >= len(uses) / 5}


def _titles(task: Names) -> Names:
    return frozenset(part for part in task if part.startswith("section "))


def _overlap(a: Sequence[Use], b: Sequence[Use], key: str) -> float:
    """How much two sets of uses agree in what was chosen under `key`, 0 to 1."""
    p, q = (Counter(dict(use.chosen).get(key, "") for use in uses) for uses in (a, b))
    return sum(min(p[value] / len(a), q[value] / len(b)) for value in p)


def _told_apart(a: Sequence[Use], b: Sequence[Use]) -> bool:
    """Whether some literal holds in all cases of one and none of the other, and that is no chance (exact test, corrected
    for the number of literals)."""
    cases_a, cases_b = ({use.case_id: use.true for use in uses} for uses in (a, b))
    names = {name for true in (*cases_a.values(), *cases_b.values()) for name in true}
    chance = 2 * len(names) / math.comb(len(cases_a) + len(cases_b), len(cases_a))
    if chance > LEVEL:
        return False
    for name in names:
        held_a, held_b = (sum(name in true for true in cases.values()) for cases in (cases_a, cases_b))
        if (held_a, held_b) in ((len(cases_a), 0), (0, len(cases_b))):
            return True
    return False
