"""How many requests a key may make: a budget that fills up evenly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from glossator.serving.keys import Key
from glossator.serving.ledger import Ledger
from glossator.serving.problems import Problem, Refused

__all__ = ["Rates"]


class Rates:
    """For each key a budget of `burst` requests, of which `rate` come back each second.

    Processes that are forked from this one draw from the same budgets, and so do those that have a
    ledger of the same file.

    Args:
        rate: requests a second.
        burst: requests that may come at once.
        clock: seconds that only grow, the same in all processes.
        ledger: has until when each key has used its budget up.

    Source: ITU-T I.371, "generic cell rate algorithm", as a virtual schedule.
    """

    def __init__(
        self,
        rate: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        ledger: Ledger | None = None,
    ):
        self._apart, self._burst, self._clock = 1 / rate, burst, clock
        self._due = ledger or Ledger()

    def take(self, key: str) -> float:
        """Take one request of a key's budget: 0.0, or where there is none the seconds to wait."""
        with self._due.held():
            now = self._clock()
            due = max(now, self._due.get(key) or now)
            early = due - now - self._apart * (self._burst - 1)
            if early > 1e-9:
                return early
            # Where there is no place every other key waits for its budget too: none is given away.
            return 0.0 if self._due.put(key, due + self._apart, now) else self._apart

    def admit(self, key: Key) -> None:
        """Take one request of a key's budget.

        Raises:
            Refused: there is none.
        """
        wait = self.take(key.id)
        if wait:
            message = "this key has made as many requests as it may; see Retry-After"
            again = {"Retry-After": str(math.ceil(wait))}
            raise Refused(Problem("rate", message, 429), again)
