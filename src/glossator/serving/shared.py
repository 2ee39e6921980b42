"""What the processes of an endpoint have in common."""

from __future__ import annotations

import mmap

from glossator.serving.config import LimitConfig
from glossator.serving.rates import Rates

__all__ = ["Shared"]


class Shared:
    """What the processes of an endpoint have in common; made before they are forked.

    Args:
        limits: of requests.

    Attributes:
        rates: the budgets of keys, where they are limited.
    """

    def __init__(self, limits: LimitConfig):
        self.rates = None if limits.rate is None else Rates(limits.rate, limits.burst)
        self._ready = mmap.mmap(-1, 1)
        self.all_ready = True

    @property
    def all_ready(self) -> bool:
        """Whether no process is missing; without others none is."""
        return self._ready[0] == 1

    @all_ready.setter
    def all_ready(self, ready: bool) -> None:
        self._ready[0] = int(ready)
