"""Peak memory of this process with its children, browsers included."""

from __future__ import annotations

import threading

import psutil

MB = 2**20


class MemoryWatch:
    """Looks every `interval` seconds while its context is open; `peak_mb` is the largest sum of proportional set sizes seen
    (pages that processes share are counted once)."""

    def __init__(self, interval: float = 10.0) -> None:
        self.interval = interval
        self.peak_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(self.interval):
            self.peak_mb = max(self.peak_mb, sum(_size(p) for p in [me, *me.children(recursive=True)]) / MB)


def _size(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.Error:
        return 0  # it ended between being listed and being asked
