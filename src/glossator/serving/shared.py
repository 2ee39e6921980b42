"""What the processes of an endpoint have in common."""

from __future__ import annotations

import mmap
from pathlib import Path

from glossator.serving.config import LimitConfig
from glossator.serving.ledger import Ledger
from glossator.serving.rates import Rates

__all__ = ["Shared"]


class Shared:
    """What the processes of an endpoint have in common.

    It is made before they are forked; those that are not forked have budgets in common where each
    makes one with the same file.

    Args:
        limits: of requests.
        budgets: file of the budgets, which is not there yet when the first process opens it: until
            when one is used up is told in seconds since the machine began.

    Attributes:
        rates: the budgets of keys, where they are limited.
    """

    def __init__(self, limits: LimitConfig, budgets: Path | None = None):
        self.rates = None
        if limits.rate is not None:
            self.rates = Rates(limits.rate, limits.burst, ledger=Ledger(path=budgets))
        self._ready = mmap.mmap(-1, 1)
        self.all_ready = True

    @property
    def all_ready(self) -> bool:
        """Whether no process is missing; without others none is."""
        return self._ready[0] == 1

    @all_ready.setter
    def all_ready(self, ready: bool) -> None:
        self._ready[0] = int(ready)
