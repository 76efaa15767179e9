"""The valid answers as a trie of tokens, and the best of them by a model's probability of each token among those that can
follow.

Every answer ends with the same token, so none is the beginning of another. Where only one token can follow nothing is asked:
its probability is 1. The probability of an answer is the product along its path, and over all answers they sum to 1.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from policies.errors import ModelError

Tokens = tuple[int, ...]
Ask = Callable[[Sequence["Fork"]], Sequence[Sequence[float]]]
"""Gives, for each fork, the log-probability of each of its children."""


@dataclass(frozen=True)
class Fork:
    """A place where more than one token can follow `path`: `children`, in a fixed order."""

    path: Tokens
    children: Tokens


@dataclass
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    leaf: int | None = None


class Trie:
    """Answers as paths of tokens.

    Raises:
        ModelError: two answers have the same tokens, or one is the beginning of another.
    """

    def __init__(self, paths: Sequence[Tokens]) -> None:
        self.root = _Node()
        for index, path in enumerate(paths):
            node = self.root
            for token in path:
                if node.leaf is not None:
                    raise ModelError(
                        "Expected answers that tokens tell apart, met two that they do not: use another tokenizer."
                    )
                node = node.children.setdefault(token, _Node())
            if node.leaf is not None or node.children:
                raise ModelError("Expected answers that tokens tell apart, met two that they do not: use another tokenizer.")
            node.leaf = index
        self.size = len(paths)
        self.paths = tuple(paths)

    def forks(self) -> tuple[Fork, ...]:
        """Every fork, from the root down."""
        found: list[Fork] = []
        open_: list[tuple[Tokens, _Node]] = [((), self.root)]
        while open_:
            path, node = open_.pop()
            path, node = _down(path, node)
            if len(node.children) > 1:
                found.append(Fork(path, tuple(node.children)))
            open_ += [((*path, token), child) for token, child in node.children.items()]
        return tuple(found)

    def log_probability(
        self, answer: int, forks: Sequence[Fork], answers: Sequence[Sequence[float]], temperature: float = 1.0
    ) -> float:
        """The log-probability of one answer, by the answers to all forks."""
        path = self.paths[answer]
        total = 0.0
        for fork, logprobs in zip(forks, answers, strict=True):
            if path[: len(fork.path)] == fork.path:
                total += normalised(logprobs, temperature)[fork.children.index(path[len(fork.path)])]
        return total

    def drawn(self, forks: Sequence[Fork], answers: Sequence[Sequence[float]], rng: random.Random) -> int:
        """An answer drawn token by token, each by its probability among those that can follow."""
        table = {fork.path: logprobs for fork, logprobs in zip(forks, answers, strict=True)}
        path, node = _down((), self.root)
        while node.leaf is None:
            shares = [math.exp(share) for share in normalised(table[path])]
            (token,) = rng.choices(list(node.children), shares)
            path, node = _down((*path, token), node.children[token])
        return node.leaf

    def best(
        self, ask: Ask, most: int, enough: float = 1.0, width: int = 1, temperature: float = 1.0
    ) -> list[tuple[int, float]]:
        """The likeliest answers by index with their probabilities, likeliest first, until they are `most` or together `enough`.

        Best-first search: since probabilities only fall along a path, an answer that comes to the top is the next best. Up to
        `width` forks are asked about at a time.
        """
        if not self.size:
            return []
        found: list[tuple[int, float]] = []
        count = 0
        heap: list[tuple[float, int, Tokens, _Node]] = [(0.0, count, *_down((), self.root))]
        total = 0.0
        while heap and len(found) < most and total < enough:
            asked: list[tuple[float, Tokens, _Node]] = []
            while heap and len(asked) < width:
                cost, _, path, node = heapq.heappop(heap)
                if node.leaf is None:
                    asked.append((cost, path, node))
                elif not asked:
                    found.append((node.leaf, math.exp(-cost)))
                    total += found[-1][1]
                    if len(found) == most or total >= enough:
                        break
                else:  # whatever the forks before it hold may be likelier
                    count += 1
                    heapq.heappush(heap, (cost, count, path, node))
                    break
            forks = [Fork(path, tuple(node.children)) for _, path, node in asked]
            answers = ask(forks) if forks else ()
            for (cost, path, node), logprobs in zip(asked, answers, strict=True):
                for token, share in zip(node.children, normalised(logprobs, temperature), strict=True):
                    count += 1
                    heapq.heappush(heap, (cost - share, count, *_down((*path, token), node.children[token])))
        return found


def normalised(logprobs: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Log-probabilities among these alone."""
    scaled = [value / temperature for value in logprobs]
    top = max(scaled)
    whole = top + math.log(sum(math.exp(value - top) for value in scaled))
    return [value - whole for value in scaled]


def _down(path: Tokens, node: _Node) -> tuple[Tokens, _Node]:
    """Past tokens that nothing else can stand for."""
    while len(node.children) == 1 and node.leaf is None:
        ((token, child),) = node.children.items()
        path, node = (*path, token), child
    return path, node
