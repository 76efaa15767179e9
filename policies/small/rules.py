"""Rules over facts, learned from a few dozen cases: what the network alone would need hundreds for.

A view becomes a set of literals (see `policies.literals`). Two kinds of question are then answered by extremely randomised
trees (Geurts et al. 2006): which source a target takes its value from, and whether a target is acted on at all before the
next critical action. Their answers are features of the network, which learns how far to trust them;
for training cases they come from trees that have not seen the case (cross-fitting by case).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from policies.dataset import Example, Sample
from policies.derive.comparisons import Comparison, truths
from policies.literals import Names, roundness, task_of
from policies.proposal import is_critical
from policies.small.lexicon import Lexicon
from schema_extraction.view import View

MIN_ROWS = 4
TREES = 40
FOLDS = 4


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
        mean = self.leaf[trees, node].mean(0, dtype=np.float64)
        return dict(zip(self.classes, mean.tolist(), strict=True))


Rows = list[tuple[str, Names, str]]
"""(case, what held, answer)"""


def grow(rows: Rows, lexicon: Lexicon, seed: int) -> Forest | None:
    """A forest that tells answers apart by literals the lexicon knows, or None with too few rows or only one answer."""
    from sklearn.tree import ExtraTreeClassifier

    answers = [answer for _, _, answer in rows]
    if len(rows) < MIN_ROWS or len(set(answers)) < 2:
        return None
    counts = Counter(name for _, held, _ in rows for name in held)
    columns: dict[bytes, str] = {}
    telling = (n for n, c in counts.items() if 2 <= c <= len(rows) - 2 and _allowed(n, lexicon))
    for name in sorted(telling, key=roundness):
        columns.setdefault(np.array([name in held for _, held, _ in rows]).tobytes(), name)
    if not columns:
        return None
    x = np.stack([np.frombuffer(column, np.bool_) for column in columns], axis=1).astype(np.float32)
    classes = tuple(sorted(set(answers)))
    y = np.array([[classes.index(answer)] for answer in answers], np.float64)
    # The trees of a forest without bootstrap; grown one by one, since most of a small forest's time is its bookkeeping.
    trees = [
        ExtraTreeClassifier(criterion="entropy", max_features=0.7, random_state=seed + n).fit(x, y, check_input=False).tree_
        for n in range(TREES)
    ]
    nodes = max(tree.node_count for tree in trees)
    feature = np.full((TREES, nodes), -1, np.int32)
    child = np.zeros((TREES, nodes, 2), np.int32)
    leaf = np.zeros((TREES, nodes, len(classes)), np.float32)
    for index, tree in enumerate(trees):
        count = tree.node_count
        feature[index, :count] = np.where(tree.children_left >= 0, tree.feature, -1)
        child[index, :count, 0], child[index, :count, 1] = tree.children_left, tree.children_right
        leaf[index, :count] = tree.value[:, 0] / tree.value[:, 0].sum(-1, keepdims=True)
    return Forest(tuple(columns.values()), classes, feature, child, leaf)


def _allowed(name: str, lexicon: Lexicon) -> bool:
    """Whether a literal may be learned from: no value that only tells customers apart."""
    return ">" in name or name.startswith(("slice=", "section=", "past ")) or "=" not in name or name in lexicon.words


@dataclass
class Rules:
    """`values[key]` and `uptakes[key]`: the forest of a target, all rows seen. `habits[key]`: tasks (by `task_name`) at which
    a target is always or never acted on, with the share. `folds[n]`: the same without the cases of fold n, kept only while
    training."""

    values: dict[str, Forest] = field(default_factory=dict)
    uptakes: dict[str, Forest] = field(default_factory=dict)
    habits: dict[str, dict[str, float]] = field(default_factory=dict)
    folds: tuple[Rules, ...] = ()

    def fold(self, case_id: str) -> Rules:
        """The rules to show a training case."""
        return self.folds[fold_of(case_id)] if self.folds else self

    def value(self, key: str, true: Names) -> dict[str, float]:
        """Slot to probability, for the value of a target; empty where no rule was learned."""
        forest = self.values.get(key)
        return forest(true) if forest else {}

    def uptake(self, key: str, true: Names, task: str) -> float | None:
        """Probability that a target is acted on before the next critical action; None where no rule was learned."""
        habit = self.habits.get(key, {}).get(task)
        if habit is not None:
            return habit
        forest = self.uptakes.get(key)
        return forest(true)["yes"] if forest else None


Read = Callable[..., Names]
"""Like `truths`: view, history and comparisons to what is true of them, `controls=False` without what fields hold."""


def learn_rules(
    cases: dict[str, list[Example]],
    lexicon: Lexicon,
    seed: int,
    comparisons: Sequence[Comparison] = (),
    read: Read = truths,
    folds: bool = True,
) -> Rules:
    """Rules of training `cases` over what `read` gives, with those of every fold for cross-fitting. `comparisons` are asked
    besides the literals."""
    values: dict[str, Rows] = defaultdict(list)
    uptakes: dict[str, list[tuple[str, Names, str, str]]] = defaultdict(list)
    for case_id, examples in cases.items():
        for example in examples:
            if example.matches:
                key = example.choices[example.target].key
                slots = {example.candidates[i].slot for i in example.matches}
                answer = max(sorted(slots), key=lambda slot: lexicon.prior(key, slot)[0])
                values[key].append((case_id, read(example.sample.view, example.sample.history, comparisons), answer))
        for sample, offered in first_offers(examples):
            held = read(sample.view, sample.history, comparisons, controls=False)
            task = task_name(sample.view)
            for key, taken in offered.items():
                uptakes[key].append((case_id, held, "yes" if taken else "no", task))

    def all_but(fold: int) -> Rules:
        found = Rules()
        for key, rows in sorted(values.items()):
            forest = grow([row for row in rows if fold_of(row[0]) != fold], lexicon, seed)
            if forest is not None:
                found.values[key] = forest
        for key, noted in sorted(uptakes.items()):
            seen = [row for row in noted if fold_of(row[0]) != fold]
            found.habits[key] = _habits(seen)
            forest = grow(
                [(case, held, answer) for case, held, answer, task in seen if task not in found.habits[key]], lexicon, seed
            )
            if forest is not None:
                found.uptakes[key] = forest
        return found

    whole = all_but(-1)
    if folds:
        whole.folds = tuple(all_but(fold) for fold in range(FOLDS))
    return whole


def task_name(view: View) -> str:
    """Names the task at hand in a word."""
    return blake2b("\0".join(sorted(task_of(view))).encode(), digest_size=8).hexdigest()


def _habits(rows: Iterable[tuple[str, Names, str, str]]) -> dict[str, float]:
    """Tasks seen often enough at which the answer is nearly always the same, with the smoothed share of yes."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, _, answer, task in rows:
        counts[task][answer] += 1
    shares = {task: ((c["yes"] + 0.25) / (c.total() + 0.5), c.total()) for task, c in counts.items()}
    return {task: share for task, (share, total) in sorted(shares.items()) if total >= MIN_ROWS and not 0.1 < share < 0.9}


def first_offers(examples: Sequence[Example]) -> Iterator[tuple[Sample, dict[str, bool]]]:
    """For every stretch up to a critical action: the samples at which targets could first be acted on, by key, with whether
    they were in that stretch."""
    for stretch in _stretches(examples):
        acted = {example.choices[example.target].key for example in stretch}
        seen: set[str] = set()
        for example in stretch:
            new = [choice.key for choice in example.choices if choice.key not in seen]
            seen.update(new)
            if new:
                yield example.sample, {key: key in acted for key in new}


def _stretches(examples: Iterable[Example]) -> Iterator[list[Example]]:
    stretch: list[Example] = []
    for example in examples:
        stretch.append(example)
        if is_critical(example.sample.view, example.sample.action):
            yield stretch
            stretch = []
