"""How many requests a key may make: a budget that fills up evenly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Rates"]


class Rates:
    """For each key a budget of `burst` requests, of which `rate` come back each second.

    Args:
        rate: requests a second.
        burst: requests that may come at once.
        clock: seconds that only grow.

    Source: ITU-T I.371, "generic cell rate algorithm", as a virtual schedule.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic):
        self._apart, self._burst, self._clock = 1 / rate, burst, clock
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> float:
        """Take one request of a key's budget: 0.0, or where there is none the seconds to wait."""
        with self._lock:
            now = self._clock()
            due = max(now, self._due.get(key, now))
            early = due - now - self._apart * (self._burst - 1)
            if early > 1e-9:
                return early
            self._due[key] = due + self._apart
            return 0.0
