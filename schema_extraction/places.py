"""YAML with the place of everything in it, so that a fault can name the line that it stands in."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

NODES = 20_000
"""A file may hold so many values; aliases count wherever they are used, so that a few lines cannot stand for millions."""

Loc = tuple[str | int, ...]


class Place(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


class Fault(NamedTuple):
    """Something wrong in a file: where, and in words what was expected, what was met and what to do."""

    place: Place
    text: str


class Sourced(NamedTuple):
    """What a file holds. `keys`: where each field's name stands; `values`: where each value begins; `faults`: what no reader
    of the data would notice, such as a field that is given twice."""

    data: Any
    keys: dict[Loc, Place]
    values: dict[Loc, yaml.Node]
    faults: list[Fault]

    def place(self, loc: Loc) -> Place:
        """Where a field's name stands, or that of the nearest one around it."""
        while loc and loc not in self.keys:
            loc = loc[:-1]
        return self.keys.get(loc, Place(1, 1))

    def value_place(self, loc: Loc, offset: int = 0) -> Place:
        """Where a value begins, or its character number `offset` (from 0) where the file writes it on one line as it is."""
        node = self.values.get(loc)
        if node is None:
            return self.place(loc)
        start = _place(node.start_mark)
        if not isinstance(node, yaml.ScalarNode) or node.start_mark.line != node.end_mark.line:
            return start
        if node.style == "'":
            return Place(start.line, start.column + 1 + offset + node.value[:offset].count("'"))
        return Place(start.line, start.column + offset) if node.style is None else start


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Walk:
    """Goes through all nodes once and notes their places."""

    def __init__(self) -> None:
        self.keys: dict[Loc, Place] = {}
        self.values: dict[Loc, yaml.Node] = {}
        self.faults: list[Fault] = []
        self.count = 0

    def into(self, node: yaml.Node, loc: Loc, above: tuple[yaml.Node, ...]) -> None:
        self.count += 1
        if self.count > NODES or node in above:
            return
        self.values.setdefault(loc, node)
        if isinstance(node, yaml.MappingNode):
            first: dict[str, Place] = {}
            for key, value in node.value:
                name = str(key.value)
                here = _place(key.start_mark)
                if name in first and name != "<<":
                    told = f"field {name!r} is given twice, first in line {first[name].line}; keep one of the two"
                    self.faults.append(Fault(here, told))
                    continue
                first[name] = here
                self.keys.setdefault((*loc, name), here)
                self.into(value, (*loc, name), (*above, node))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self.keys.setdefault((*loc, number), _place(value.start_mark))
                self.into(value, (*loc, number), (*above, node))


def _told(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    advice = "check quotes, colons and indentation around here"
    if "unknown escape character" in problem:
        advice = "write regular expressions in single quotes, where a backslash is a backslash"
    elif "'\\t'" in problem:
        advice = "indent with blanks, not with tabs"
    elif "mapping values are not allowed" in problem:
        advice = "put a text that holds a colon in quotes, and check the indentation"
    return Fault(_place(mark) if mark else Place(1, 1), f"not valid YAML: {problem}; {advice}")


def _is_no_date(node: yaml.Node) -> bool:
    if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:timestamp":
        return False
    try:
        yaml.SafeLoader("").construct_yaml_timestamp(node)
    except ValueError:
        return True
    return False


def read_yaml(text: str) -> Sourced:
    """The data of a YAML document with places. A document that cannot be read gives no data and one fault."""
    walk = _Walk()
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Sourced(None, {}, {}, [])
        walk.into(node, (), ())
        if walk.count > NODES:
            told = f"more than {NODES} values, aliases included; write out what is meant"
            return Sourced(None, {}, {}, [Fault(Place(1, 1), told)])
        return Sourced(loader.construct_document(node), walk.keys, walk.values, walk.faults)
    except yaml.YAMLError as error:
        return Sourced(None, {}, {}, [*walk.faults, _told(error)])
    except (ValueError, RecursionError) as error:
        # A date such as 2026-13-45 that fits YAML's form of a date and is none; thousands of nested brackets.
        first = next(iter(str(error).splitlines()), type(error).__name__)
        where = next((_place(node.start_mark) for node in walk.values.values() if _is_no_date(node)), Place(1, 1))
        return Sourced(None, {}, {}, [*walk.faults, Fault(where, f"not readable: {first}; write it in quotes")])
    finally:
        loader.dispose()
