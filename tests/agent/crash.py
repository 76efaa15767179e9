"""A run in a process of its own, to be killed: `python -m tests.agent.crash BASE_URL RUN_DIR copilot|open`.

Prints one JSON line for every hand-off, answers those named on standard input, and one line at the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from agent.desk import Desk
from agent.logs import log_to
from agent.runner import Runner
from policies.feedback import Verdict
from policies.gate import Gate
from policies.scripted import ScriptedPolicy
from tests.agent.app import TinyApp
from tests.agent.script import OpenGate, decide_and_close, settings


def say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def main(base_url: str, run_dir: Path, kind: str) -> None:
    app, desk = TinyApp(base_url=base_url), Desk()
    gate = Gate("copilot") if kind == "copilot" else OpenGate()

    async def operator() -> None:
        async for waiting in desk:
            page = desk.page(waiting.id)
            amount = page and page.page.get_by_label("Amount")
            typed = await amount.input_value() if amount and await amount.count() else None
            say(handoff=waiting.id, suggestion=waiting.suggestion, reason=waiting.reason, typed=typed)
            answer = (await asyncio.to_thread(sys.stdin.readline)).strip()
            if answer == "accept":
                await desk.verdict(waiting.id, Verdict(kind="accept", operator="kim"))
            elif answer == "end":
                await desk.end_session(waiting.id, "kim")

    async with Runner(settings(app, run_dir), ScriptedPolicy(decide_and_close), lambda _: gate, desk) as run:
        working = asyncio.create_task(operator())
        (summary,) = await run.run(run.unfinished() or ["C-1"])
        say(status=summary.status, handoffs=summary.handoffs)
    await working


if __name__ == "__main__":
    log_to(Path(sys.argv[2]), quiet=True)
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
