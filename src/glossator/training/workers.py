"""Threads that each compute a share of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from glossator.models.hardware import using_threads

__all__ = ["Workers", "even_shares"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# More were not measured: the shares get narrow, and every one adds a set of gradients to sum.
_SIDE_BY_SIDE = 2


class Workers:
    """Threads that work side by side, each with its part of torch's threads.

    A step is some thousand short operations. Where each of them is split among threads, each ends
    with one thread waiting for the other; two halves of a batch wait for each other once a step
    (measured: benchmarks/notes.md).

    Args:
        device: on a GPU there is one worker, the calling thread.

    Attributes:
        count: how many items are worked on at once.
    """

    def __init__(self, device: torch.device):
        threads = torch.get_num_threads() if device.type == "cpu" else 1
        self.count = min(_SIDE_BY_SIDE, threads)
        self._threads_each = threads // self.count
        self._pool = ThreadPoolExecutor(
            self.count, "glossator-worker", torch.set_num_threads, (self._threads_each,)
        )

    def map(self, function: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """`function` of each item, in order; one item alone has all threads.

        When it is interrupted or an item fails, the other items are waited for.
        """
        if len(items) == 1 or self.count == 1:
            return [function(item) for item in items]
        # For the workers too: what the number is of MKL's threads, all threads share.
        with using_threads(self._threads_each):
            futures = [self._pool.submit(function, item) for item in items]
            try:
                return [future.result() for future in futures]
            finally:
                wait(futures)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def even_shares(sizes: Sequence[int], count: int) -> list[list[int]]:
    """Which items make up each of at most `count` shares of like size, the largest items first."""
    shares: list[list[int]] = [[] for _ in range(min(count, len(sizes)))]
    filled = [0] * len(shares)
    for item in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        least = filled.index(min(filled))
        shares[least].append(item)
        filled[least] += sizes[item]
    return shares
