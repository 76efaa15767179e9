"""Rules over facts, learned from a few dozen cases: what the network alone would need hundreds for.

Operators decide by conditions on typed facts ("Gold, or at most 90 days ago"). A view becomes a set of literals: a fact with
one of its usual values, a number or a day count on either side of a round edge. Two kinds of question are then answered by
extremely randomised trees (Geurts et al. 2006): which source a target takes its value from, and whether a target is acted
on at all before the next critical action. Their answers are features of the network, which learns how far to trust them;
for training cases they come from trees that have not seen the case (cross-fitting by case).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from policies.dataset import Example
from policies.proposal import History, is_critical
from policies.small.lexicon import Lexicon, literal
from schema_extraction.action import action_value, target_key
from schema_extraction.view import Value, View

EDGES = (
    *(0, 1, 10, 100, 1000, 50, 500, 5000, 5, 20, 200, 2000, 30, 60, 90, 180, 365, 7, 14, 15, 25, 250, 75, 150, 300, 2, 3, 4),
    *(21, 28, 40, 45, 70, 80, 120, 400, 600, 750, 800, 1500, 2500, 10000, 270, 730),
)
"""Roundest first: where data cannot tell two edges apart the rounder is taken."""
MIN_ROWS = 8
TREES = 40
FOLDS = 5

Names = frozenset[str]


def literals(view: View, history: History = (), *, controls: bool = True) -> Names:
    """What is true of a view, and what was chosen before on forms that are gone. `controls`: also what its fields hold."""
    names = {f"slice={view.slice}"} | {f"section={section.name}" for section in view.sections}
    for fact in view.facts:
        names.update(_of(fact.key, fact.value, view))
    if controls:
        for control in view.controls:
            if not control.part:
                names.update(_of(control.key, control.value, view))
                if control.checked is not None:
                    names.add(f"{control.key}:{control.checked}")
    for item in history:
        if item.action.type in ("select", "check") and view.control(target_key(item.action)) is None:
            names.add(f"past {target_key(item.action)}={action_value(item.action)}")
    return frozenset(names - {""})


def _of(key: str, value: Value | None, view: View) -> Iterator[str]:
    if value is None:
        return
    yield literal(key, value)
    amount = value.number if value.number is not None else float((view.today - value.date).days) if value.date else None
    if amount is not None:
        for edge in EDGES:
            if amount >= edge:
                yield f"{key}>={edge}"
                if amount > edge:
                    yield f"{key}>{edge}"


def fold_of(case_id: str) -> int:
    """The fold whose trees have not seen a training case."""
    return blake2b(case_id.encode(), digest_size=2).digest()[0] % FOLDS


@dataclass(frozen=True)
class Forest:
    """Trees over literals as arrays: `feature` (trees, nodes), -1 at leaves; `child` (trees, nodes, 2) for false and true;
    `leaf` (trees, nodes, classes)."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    feature: npt.NDArray[np.int32]
    child: npt.NDArray[np.int32]
    leaf: npt.NDArray[np.float32]

    def __call__(self, true: Names) -> dict[str, float]:
        """Probability of every class where the literals `true` hold."""
        x = np.array([name in true for name in (*self.names, "")], np.int32)
        trees = np.arange(len(self.feature))
        node = np.zeros(len(self.feature), np.int32)
        while (feature := self.feature[trees, node]).max() >= 0:
            node = np.where(feature >= 0, self.child[trees, node, x[feature]], node)
        mean = self.leaf[trees, node].mean(0)
        return dict(zip(self.classes, mean.tolist(), strict=True))


Rows = list[tuple[str, Names, str]]
"""(case, what held, answer)"""


def grow(rows: Rows, seed: int) -> Forest | None:
    """A forest that tells answers apart, or None when there are too few rows or only one answer."""
    from sklearn.ensemble import ExtraTreesClassifier

    answers = [answer for _, _, answer in rows]
    if len(rows) < MIN_ROWS or len(set(answers)) < 2:
        return None
    counts = Counter(name for _, held, _ in rows for name in held)
    columns: dict[bytes, str] = {}
    for name in sorted((n for n, c in counts.items() if 2 <= c <= len(rows) - 2), key=_order):
        columns.setdefault(np.array([name in held for _, held, _ in rows]).tobytes(), name)
    if not columns:
        return None
    x = np.stack([np.frombuffer(column, np.bool_) for column in columns], axis=1).astype(np.float32)
    trees = ExtraTreesClassifier(TREES, max_features=0.5, random_state=seed).fit(x, answers).estimators_
    nodes = max(tree.tree_.node_count for tree in trees)
    classes = tuple(sorted(set(answers)))
    feature = np.full((len(trees), nodes), -1, np.int32)
    child = np.zeros((len(trees), nodes, 2), np.int32)
    leaf = np.zeros((len(trees), nodes, len(classes)), np.float32)
    for index, estimator in enumerate(trees):
        tree, count = estimator.tree_, estimator.tree_.node_count
        feature[index, :count] = np.where(tree.children_left >= 0, tree.feature, -1)
        child[index, :count, 0], child[index, :count, 1] = tree.children_left, tree.children_right
        leaf[index, :count] = tree.value[:, 0] / tree.value[:, 0].sum(-1, keepdims=True)
    return Forest(tuple(columns.values()), classes, feature, child, leaf)


def _order(name: str) -> tuple[int, str]:
    edge = name.rsplit(">", 1)[-1].lstrip("=")
    return (EDGES.index(int(edge)) if ">" in name and edge.isdigit() and int(edge) in EDGES else 0, name)


@dataclass
class Rules:
    """`values[key]` and `uptakes[key]`: the forest of a target, all rows seen. `folds[n]`: the same without the cases of
    fold n, kept only while training."""

    values: dict[str, Forest] = field(default_factory=dict)
    uptakes: dict[str, Forest] = field(default_factory=dict)
    folds: tuple[Rules, ...] = ()

    def fold(self, case_id: str) -> Rules:
        """The rules to show a training case."""
        return self.folds[fold_of(case_id)] if self.folds else self

    def value(self, key: str, true: Names) -> dict[str, float]:
        """Slot to probability, for the value of a target; empty where no rule was learned."""
        forest = self.values.get(key)
        return forest(true) if forest else {}

    def uptake(self, key: str, true: Names) -> float | None:
        """Probability that a target is acted on before the next critical action; None where no rule was learned."""
        forest = self.uptakes.get(key)
        return forest(true)["yes"] if forest else None


def learn_rules(cases: dict[str, list[Example]], lexicon: Lexicon, seed: int) -> Rules:
    """Rules of training `cases`, with those of every fold for cross-fitting."""
    values: dict[str, Rows] = defaultdict(list)
    uptakes: dict[str, Rows] = defaultdict(list)
    for case_id, examples in cases.items():
        for example in examples:
            if example.matches:
                key = example.choices[example.target].key
                slots = {example.candidates[i].slot for i in example.matches}
                answer = max(sorted(slots), key=lambda slot: lexicon.prior(key, slot)[0])
                values[key].append((case_id, literals(example.sample.view, example.sample.history), answer))
        for key, held, taken in _uptakes(examples):
            uptakes[key].append((case_id, held, "yes" if taken else "no"))

    def all_but(fold: int) -> Rules:
        found = Rules()
        for rows, forests in ((values, found.values), (uptakes, found.uptakes)):
            for key, group in sorted(rows.items()):
                forest = grow([row for row in group if fold_of(row[0]) != fold], seed)
                if forest is not None:
                    forests[key] = forest
        return found

    whole = all_but(-1)
    whole.folds = tuple(all_but(fold) for fold in range(FOLDS))
    return whole


def _uptakes(examples: Sequence[Example]) -> Iterator[tuple[str, Names, bool]]:
    """For every stretch up to a critical action and every target that could be acted on in it: what held when it first
    could, and whether it was."""
    for stretch in _stretches(examples):
        acted = {example.choices[example.target].key for example in stretch}
        seen: set[str] = set()
        for example in stretch:
            new = [choice.key for choice in example.choices if choice.key not in seen]
            seen.update(new)
            held = literals(example.sample.view, example.sample.history, controls=False) if new else frozenset()
            yield from ((key, held, key in acted) for key in new)


def _stretches(examples: Iterable[Example]) -> Iterator[list[Example]]:
    stretch: list[Example] = []
    for example in examples:
        stretch.append(example)
        if is_critical(example.sample.view, example.sample.action):
            yield stretch
            stretch = []
