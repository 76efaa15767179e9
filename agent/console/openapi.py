"""The OpenAPI 3.1 description of the API, made from the list of its endpoints and the schemas of their records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

if TYPE_CHECKING:
    from agent.console.api import Endpoint

PROBLEMS = {
    400: "the request cannot be read",
    401: "no valid token",
    403: "the account's role does not allow it",
    404: "there is no such thing",
    409: "another operator has it, or it cannot be done now",
    410: "the hand-off has ended",
    413: "the body is too large",
    422: "the body is not as described",
}


def described(endpoints: Sequence[Endpoint], prefix: str, events: str) -> dict[str, Any]:
    """The description, as a JSON object. `events`: the path of the event stream, which has no end and so is no endpoint."""
    from agent.console.api import Message

    bodies: list[type[BaseModel]] = [one.body for one in endpoints if one.body is not None]
    wanted: list[tuple[type[BaseModel], Any]] = []
    wanted += [(model, "validation") for model in bodies]
    answered: list[type[BaseModel]] = [Message, *(one.answer for one in endpoints)]
    wanted += [(model, "serialization") for model in dict.fromkeys(answered)]
    refs, schemas = models_json_schema(list(dict.fromkeys(wanted)), ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        answers = {"200": _content("what was asked for", refs[one.answer, "serialization"])}
        answers |= {str(code): _content(words, refs[Message, "serialization"]) for code, words in PROBLEMS.items()}
        operation: dict[str, Any] = {
            "operationId": re.sub(r"\W+", "_", f"{one.method} {one.path}").strip("_").lower(),
            "summary": one.summary,
            "description": f"For the role {one.role}.",
            "responses": answers,
            "parameters": [
                *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _names(one.path)),
                *({"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in one.query),
            ],
        }
        if one.body is not None:
            content = {"application/json": {"schema": refs[one.body, "validation"]}}
            operation["requestBody"] = {"required": False, "content": content}
        paths.setdefault(prefix + one.path, {})[one.method.lower()] = operation
    problem = _content(PROBLEMS[401], refs[Message, "serialization"])
    paths[prefix + events] = {
        "get": {
            "operationId": "get_events",
            "summary": "What happens, as it happens",
            "description": "An event stream (HTML Living Standard, 9.2) without an end; `Last-Event-ID` takes it up again.",
            "responses": {"200": {"description": "events", "content": {"text/event-stream": {}}}, "401": problem},
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "casepilot console", "version": "1", "description": "What operators can do, for programs."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _content(words: str, schema: Any) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
