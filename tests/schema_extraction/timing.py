"""How long a piece of work takes by itself."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


class TooSlow(AssertionError):
    """Work took longer than it may."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the block took more than so many seconds of this thread's own time.

    The garbage collector rests meanwhile: a pass over all that a suite has left in memory says nothing about the work. Neither
    do other threads or a busy machine.
    """
    collecting = gc.isenabled()
    gc.disable()
    started = time.thread_time()
    try:
        yield
        if (taken := time.thread_time() - started) > seconds:
            raise TooSlow(f"took {taken:.2f} s, at most {seconds:g} s wanted")
    finally:
        if collecting:
            gc.enable()
