"""What pydantic finds wrong with a profile, in words for the person who wrote the file: what, where, and what to do."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schema_extraction.places import Fault, Loc, Sourced

_KEY = "[key]"
_KINDS = {
    "string_type": "text",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "fields with values",
    "model_type": "fields with values",
    "bool_type": "true or false",
}
_METS = {bool: "the truth value", int: "the number", float: "the number", dict: "fields", list: "a list", str: "the text"}


def _choices(annotation: Any, loc: Loc) -> tuple[str, ...] | type[BaseModel] | None:
    """What may stand at a place in a model: a model whose fields are wanted, or the words that are allowed there."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _choices(typing.get_args(annotation)[0], loc)
    if origin in (typing.Union, types.UnionType):
        found = (_choices(one, loc) for one in typing.get_args(annotation) if one is not type(None))
        return next((one for one in found if one is not None), None)
    if origin is tuple:
        return _choices(typing.get_args(annotation)[0], loc[1:]) if loc else None
    if origin is dict:
        key, value = typing.get_args(annotation)
        if len(loc) <= 1 or loc[1] == _KEY:
            return typing.get_args(key) or None
        return _choices(value, loc[1:])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return annotation
        field = annotation.model_fields.get(str(loc[0]))
        return _choices(field.annotation, loc[1:]) if field is not None else None
    return None


def _named(loc: Loc) -> str:
    """`composites.send_message[0].control`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _meant(met: str, known: typing.Sequence[str]) -> str:
    near = get_close_matches(met.casefold(), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else "expected one of " + ", ".join(repr(one) for one in known)


def _shown(value: object) -> str:
    text = f"'{value}'" if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _met(value: object) -> str:
    if value is None:
        return "nothing"
    kind = _METS.get(type(value), type(value).__name__)
    return kind if isinstance(value, dict | list) else f"{kind} {_shown(value)}"


def _example(model: type[BaseModel] | None, name: str) -> str:
    field = model.model_fields.get(name) if model else None
    examples = field.examples if field else None
    return f", such as `{name}: {examples[0]}`" if examples else ""


def _fault(error: ErrorDetails, model: type[BaseModel], source: Sourced) -> Fault:
    loc: Loc = error["loc"]
    kind, met = error["type"], error["input"]
    if kind == "missing":
        around = _choices(model, loc[:-1])
        inside = f" in {_named(loc[:-1])!r}" if loc[:-1] else ""
        example = _example(around if isinstance(around, type) else None, str(loc[-1]))
        return Fault(source.place(loc[:-1]), f"field {str(loc[-1])!r} is missing{inside}; add it{example}")
    if kind == "extra_forbidden":
        around = _choices(model, loc[:-1])
        known = tuple(around.model_fields) if isinstance(around, type) else ()
        inside = f" in {_named(loc[:-1])!r}" if loc[:-1] else ""
        return Fault(source.place(loc), f"unknown field {str(loc[-1])!r}{inside}; {_meant(str(loc[-1]), known)}")
    if kind == "literal_error":
        if loc[-1] == _KEY:
            words = _choices(model, loc)
            known = words if isinstance(words, tuple) else ()
            return Fault(
                source.place(loc[:-1]), f"unknown name {_shown(met)} in {_named(loc[:-2])!r}; {_meant(str(met), known)}"
            )
        expected = error.get("ctx", {}).get("expected", "")
        return Fault(source.value_place(loc), f"{_named(loc)!r}: expected {expected}, met {_shown(met)}; write one of these")
    if kind in _KINDS and not loc:
        return Fault(
            source.value_place(loc),
            f"expected fields with values, such as `name: my-desk`, met {_met(met)}; write `field: value` lines",
        )
    if kind in _KINDS:
        advice = "put it in quotes" if kind == "string_type" and not isinstance(met, dict | list | None) else "write it so"
        if kind == "string_type" and isinstance(met, bool):
            advice = "YAML reads yes, no, on and off so; put it in quotes"
        where = source.value_place(loc)
        return Fault(where, f"{_named(loc)!r}: expected {_KINDS[kind]}, met {_met(met)}; {advice}")
    cause = error.get("ctx", {}).get("error")
    offset = getattr(cause, "at", 0)
    told = str(cause) if cause is not None else f"{error['msg']}, met {_shown(met)}; correct it"
    return Fault(source.value_place(loc, offset), f"{_named(loc)!r}: {told}")


def faults_of(error: ValidationError, model: type[BaseModel], source: Sourced) -> Iterator[Fault]:
    """Every fault of a validation, with its place."""
    for one in error.errors(include_url=False):
        yield _fault(one, model, source)


def told(name: str, faults: typing.Iterable[Fault]) -> str:
    """All faults of a file as one text, in the order of the file."""
    some = sorted(set(faults))
    lines = [f"line {place.line}, column {place.column}: {text.rstrip('.')}" for place, text in some]
    lines = [line if line.endswith("?") else f"{line}." for line in lines]
    if len(lines) == 1:
        return f"{name}, {lines[0]}"
    return f"{name} has {len(lines)} faults:\n" + "\n".join(f"  {line}" for line in lines)
