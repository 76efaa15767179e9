"""How often somebody may try to sign in: by name and by address, in a sliding window."""

from __future__ import annotations

import time
from collections import defaultdict, deque

WINDOW_SECONDS = 900.0
PER_NAME = 5
PER_ADDRESS = 20


class Throttle:
    """Counts failures in memory. A name is locked for the address that failed, not for others: nobody can lock out an operator
    from elsewhere; what one address may try in all is limited too."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def wait(self, name: str, address: str) -> float:
        """Seconds until the next try is allowed; 0.0 when it is now."""
        return max(self._left((name, address), PER_NAME), self._left(("", address), PER_ADDRESS))

    def failed(self, name: str, address: str) -> None:
        moment = time.monotonic()
        for key in ((name, address), ("", address)):
            self._failures[key].append(moment)

    def succeeded(self, name: str, address: str) -> None:
        self._failures.pop((name, address), None)

    def _left(self, key: tuple[str, str], most: int) -> float:
        tries = self._failures.get(key)
        if tries is None:
            return 0.0
        moment = time.monotonic()
        while tries and moment - tries[0] > WINDOW_SECONDS:
            tries.popleft()
        if not tries:
            del self._failures[key]
            return 0.0
        return WINDOW_SECONDS - (moment - tries[-most]) if len(tries) >= most else 0.0
