"""Ctrl-C: the first ends the work cleanly, the second at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Interrupt:
    """`asked` once somebody pressed Ctrl-C or the process was told to end."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def handler(self, stop: Callable[[], None]) -> Iterator[None]:
        """While inside, SIGINT and SIGTERM call `stop` the first time and cancel the present task the second."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def interrupted() -> None:
            if self.asked and task is not None:
                task.cancel()
                return
            self.asked = True
            stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, with a second Ctrl-C turned back into KeyboardInterrupt."""
    try:
        return asyncio.run(work)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
