"""The API against its own description: whatever is sent, it answers as it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agent.console.api import ENDPOINTS, EVENTS, PREFIX
from agent.console.client import ConsoleClient
from tests.agent.console.office import Office, office

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12
"""Of each operation, and of requests as described as well as of others."""


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Office, str]]:
    async with office(folder, seeded_rate=0.2) as desk, desk.served() as address:
        yield desk, address


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_it_is_described(tmp_path: Path, portal: BlockingPortal, mode: GenerationMode) -> None:
    with portal.wrap_async_context_manager(served(tmp_path)) as (desk, address):
        schema = schemathesis.openapi.from_url(f"{address}{PREFIX}/openapi.json").exclude(path=PREFIX + EVENTS)
        headers = {"authorization": f"Bearer {desk.tokens['ada']}"}
        met: dict[str, set[int]] = {}

        async def new_handoff() -> str:
            return desk.hand_off()

        for found in schema.get_all_operations():
            operation = found.ok()

            @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            def check(case: Any, real: bool) -> None:
                if real:
                    id = portal.call(new_handoff)
                    case.path_parameters = {
                        name: id if name == "id" else "C-1-aaaaaaaa" for name in (case.path_parameters or {})
                    }
                response = case.call(headers=headers)
                case.validate_response(response, checks=CHECKS)
                met.setdefault(f"{case.method} {case.path}", set()).add(response.status_code)

            check()
        assert len(met) == len(ENDPOINTS)
        if mode is GenerationMode.POSITIVE:
            # It got past the door: what can be done without agents has been done.
            assert {path for path, codes in met.items() if 200 in codes} >= {
                f"GET {PREFIX}/handoffs/{{id}}",
                f"POST {PREFIX}/handoffs/{{id}}/claim",
                f"POST {PREFIX}/handoffs/{{id}}/verdict",
                f"GET {PREFIX}/audit",
            }


def test_the_stream_of_events_takes_tokens_and_is_taken_up_again(tmp_path: Path, portal: BlockingPortal) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (desk, address), ConsoleClient(address, desk.tokens["kim"]) as console:
            events = console.events(lambda: desk.hand_off("C-1-aaaaaaaa") and None)
            first = await anext(events)
            assert (first.name, first.data["change"]) == ("handoff", "opened")
            second = desk.hand_off("C-2-aaaaaaaa")
            assert (await anext(events)).data["id"] == second
            missed = desk.parts.hub.stream("kim", first.id, lambda: True)
            assert second in await anext(missed)

    portal.call(scenario)
