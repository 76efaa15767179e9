"""A run on an application with the console beside it, in the loop of the tests' portal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.console.accounts import Accounts
from agent.console.database import opened
from agent.console.parts import Parts, with_runner
from agent.console.serving import running_console
from agent.console.settings import ConsoleSettings
from agent.console.tokens import Tokens
from agent.desk import Desk
from agent.runner import Runner
from agent.settings import RunSettings
from agent.store import CaseSummary
from agent.worker import Decider
from policies.gate import Gate
from policies.proposal import Policy

PASSWORD = "a long password"
OPERATORS = {"kim": "operator", "lee": "operator", "sam": "supervisor", "ada": "admin"}


@dataclass
class Staffed:
    """`running`: the run's summaries, once all cases are over. `call` runs a coroutine's function in the run's loop."""

    address: str
    runner: Runner
    parts: Parts
    running: asyncio.Task[list[CaseSummary]]
    tokens: dict[str, str]


def accounts_at(path: Path) -> dict[str, str]:
    """The accounts of `OPERATORS` in a database, made once; returns a new token of each."""
    db = opened(path)
    accounts, tokens = Accounts(db), Tokens(db)
    for name, role in OPERATORS.items():
        if accounts.find(name) is None:
            accounts.add(name, PASSWORD, role)  # type: ignore[arg-type]
    issued = {name: tokens.issue(name, "tests")[1] for name in OPERATORS}
    db.close()
    return issued


@asynccontextmanager
async def staffed(
    settings: RunSettings,
    policy: Policy,
    cases: Sequence[str],
    gates: Callable[[str], Decider] = lambda _: Gate("copilot"),
    **console: Any,
) -> AsyncIterator[Staffed]:
    """Work `cases` with the console open; leaving stops the run."""
    path = settings.run_dir / "console.sqlite"
    tokens = await asyncio.to_thread(accounts_at, path)
    chosen = ConsoleSettings.model_validate({"port": 0, "accounts": path, "undo_seconds": 0.0} | console)
    async with Runner(settings, policy, gates, Desk()) as runner:
        parts = with_runner(chosen, runner)
        async with running_console(parts) as address:
            running = asyncio.create_task(runner.run(cases))
            try:
                yield Staffed(address=address, runner=runner, parts=parts, running=running, tokens=tokens)
            finally:
                runner.stop()
                await running
