"""Work in a process of its own: it has its own interpreter lock and memory, and Ctrl-C does not have to wait for it."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from agent.errors import RunError
from agent.logs import log_to, tame_warnings

T = TypeVar("T")
Progress = Callable[[int, int], None]


async def aside(work: Callable[..., T], *arguments: Any, progress: Progress, log: Path) -> T:
    """`work(*arguments, progress)` in a child process, which ends with this call however that ends and logs into the folder
    `log`. All that crosses over is pickled.

    Raises:
        RunError: the child died. Whatever `work` raises.
    """
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe(duplex=False)
    child = spawning.Process(target=_child, args=(theirs, log, work, arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        while True:
            kind, content = await asyncio.to_thread(ours.recv)
            if kind == "progress":
                progress(*content)
            elif kind == "raised":
                raise content
            else:
                result: T = content
                return result
    except EOFError as error:
        raise RunError(f"{work.__name__} ended without a result; see {log / 'run.log'}. Was there enough memory?") from error
    finally:
        child.terminate()
        child.join()
        ours.close()


def _child(parent: Connection, log: Path, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers Ctrl-C
    log_to(log)
    tame_warnings()
    try:
        result = work(*arguments, lambda done, total: parent.send(("progress", (done, total))))
    except Exception as error:
        # Whatever it is, the parent raises it where the work was asked for.
        parent.send(("raised", error))
    else:
        parent.send(("result", result))
