"""A page cut into runs of neighbouring elements, each small enough to be read again for every change in it."""

from __future__ import annotations

from collections.abc import Iterable

from schema_extraction.page import Node
from schema_extraction.text import INLINE

LEAST = 10
"""Elements in a run, before the next one may begin."""

_WHOLE = frozenset({"dd", "dt", "legend", "option", "td", "th", "tbody", "thead", "tfoot", "br", "img", "summary"})


def may_begin(node: Node) -> bool:
    """Whether a run may begin with this element: a block that does not belong to what stands before it."""
    return node.tag not in INLINE and node.tag not in _WHOLE and not node.in_control


def runs(nodes: Iterable[Node]) -> list[list[Node]]:
    """The nodes, in document order, as runs."""
    found: list[list[Node]] = []
    for node in nodes:
        if not found or node.prefix != found[-1][-1].prefix or (len(found[-1]) >= LEAST and may_begin(node)):
            found.append([])
        found[-1].append(node)
    return found
