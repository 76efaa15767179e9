"""A session on one case, as a durable workflow.

Its rounds are recorded steps. After a crash the workflow runs again: recorded rounds give their recorded outputs, so only
`Memory` is rebuilt from them, and the first round that was not recorded opens a new page and looks before it acts. A
hand-off is shown and announced outside the recorded steps, because that has to happen again in the new process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Literal

from dbos import DBOS
from loguru import logger

from agent.errors import RunError
from agent.handoff import Ending
from agent.live import Live
from agent.memory import Memory, Round
from agent.rounds import conclude, wait, work
from agent.store import CaseSummary
from agent.worker import Worker
from schema_extraction.errors import CasepilotError

SESSION_VERSION = "1"
"""Changes when the order of the workflow's recorded steps does; sessions of another version are not resumed."""
WAIT_SECONDS = 86_400.0

_worker: Worker | None = None


def serve(worker: Worker | None) -> None:
    """Name the worker whose sessions run in this process."""
    global _worker
    _worker = worker


@DBOS.workflow(name="casepilot.session", max_recovery_attempts=None)
async def work_case(session: str, case_id: str) -> str:
    """Work one case to its end; returns its summary as JSON."""
    worker = _worker
    if worker is None:
        raise RunError("No run is open in this process. Enter a Runner first.")
    live = Live(worker, session, case_id)
    task = asyncio.current_task()
    assert task is not None
    worker.lives[session], worker.tasks[session] = live, task
    try:
        summary = await _session(worker, live)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        # The last net: one session's failure is recorded and must not take the others down.
        logger.opt(exception=error).error("{}: failed", session)
        summary = _summary(worker, live, Memory(), "failed", error=f"{type(error).__name__}: {error}")
    finally:
        worker.lives.pop(session, None)
        worker.takeovers.tell(session)
        await live.end()
        worker.changed()
    worker.store.finish(summary)
    worker.changed()
    return summary.model_dump_json()


async def _session(worker: Worker, live: Live) -> CaseSummary:
    memory = Memory()
    waited: tuple[str, Ending] | None = None
    while True:
        live.phase = "queued"
        async with worker.slots.slot(resumed=memory.rounds > 0):
            worker.check_stop()
            live.phase = "working"
            worker.changed()
            if waited is not None:
                round = await _recorded("conclude", conclude, live, memory, *waited)
            else:
                round = await _recorded("round", work, live, memory)
            memory = memory.after(round)
            while round.kind == "went_on":
                worker.check_stop()
                round = await _recorded("round", work, live, memory)
                memory = memory.after(round)
        if round.kind == "waits":
            live.phase, waited = "queued", None
            memory = memory.after(await _recorded("wait", wait, live, memory))
            continue
        if round.kind == "completed":
            return _summary(worker, live, memory, "completed")
        if round.kind == "ended":
            return _summary(worker, live, memory, "ended_by_operator")
        live.phase, live.pending = "waiting", memory.pending
        worker.check_stop()  # who waits from now on is stopped at once; this one may have been at work when the run stopped
        worker.changed()
        waited = round.handoff, await _ending(worker, live, round.handoff, memory)


async def _recorded(name: str, work: Callable[..., Coroutine[Any, Any, Round]], *arguments: object) -> Round:
    """Run one round as a durable step: its output is stored as JSON, and given back without running it in a replay."""

    async def as_json() -> str:
        return (await work(*arguments)).model_dump_json()

    return Round.model_validate_json(await DBOS.run_step_async({"name": name}, as_json))


async def _ending(worker: Worker, live: Live, handoff_id: str, memory: Memory) -> Ending:
    """Show and announce a hand-off, then wait for what ends it. A replayed one that had ended is not shown again."""
    handoff, state, _ = worker.store.handoff(handoff_id)
    if state != "ended":
        shown = True
        if live.page is not None or worker.has_room():
            try:
                live.take_up(handoff, memory)
                shown = await live.present(handoff)
            except CasepilotError as error:
                # No page to show it in: it waits at the desk all the same, and a claim tries again.
                logger.warning("{}: {}", live.session, error)
        if shown:
            await worker.make_room(live)
            if handoff.taken_by and live.page is not None:
                await worker.takeovers.begin(live, handoff, handoff.taken_by)
            await worker.desk.announce(handoff)
            live.standing.set()
            worker.takeovers.tell(live.session)
        else:
            await worker.desk.stale(handoff)
    try:
        while True:
            text = await DBOS.recv_async(topic=handoff_id, timeout_seconds=WAIT_SECONDS)
            if text is not None:
                return Ending.model_validate_json(text)
    finally:
        live.standing.clear()


def _summary(
    worker: Worker,
    live: Live,
    memory: Memory,
    status: Literal["completed", "ended_by_operator", "failed", "stopped"],
    error: str = "",
) -> CaseSummary:
    started = worker.store.started(live.session)
    return CaseSummary(
        case_id=live.case_id,
        session=live.session,
        status=status,
        steps=len(memory.taken),
        handoffs=memory.handoffs,
        audits=memory.audits,
        critical_unattended=memory.count("nobody"),
        critical_supervised=memory.count("verdict"),
        critical_operator=memory.count("operator"),
        wall_seconds=(datetime.now(UTC) - started).total_seconds(),
        agent_seconds=worker.store.worked(live.session, 0.0),
        error=error,
    )
