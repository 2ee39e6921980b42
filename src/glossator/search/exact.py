"""Which vectors are nearest: each query held against every vector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glossator.search.vector_file import Vectors

__all__ = ["Slots", "nearest", "rescored"]

Slots = NDArray[np.int64]

_BLOCK = 8192  # vectors at once
_AT_ONCE = 256  # queries


def nearest(
    queries: Vectors, vectors: Vectors, count: int, slots: Slots | None = None, first: int = 0
) -> list[Slots]:
    """Of each of Q queries the slots of the nearest vectors, at most `count`, the nearest first.

    Args:
        queries: (Q, width).
        vectors: (N, width), mapped into memory.
        count: how many.
        slots: (M,) of those that may be found, rising; None: all.
        first: the slot from which on vectors are looked at.
    """
    found = []
    for start in range(0, len(queries), _AT_ONCE):
        found += _nearest(queries[start : start + _AT_ONCE], vectors, count, slots, first)
    return found


def _nearest(
    queries: Vectors, vectors: Vectors, count: int, slots: Slots | None, first: int
) -> list[Slots]:
    if slots is not None:
        slots = slots[np.searchsorted(slots, first) :]
    total = len(vectors) - first if slots is None else len(slots)
    best = np.zeros((len(queries), 0), np.float32)
    best_slots = np.zeros((len(queries), 0), np.int64)
    for start in range(0, total, _BLOCK):
        stop = min(start + _BLOCK, total)
        part = np.arange(first + start, first + stop) if slots is None else slots[start:stop]
        block = vectors[first + start : first + stop] if slots is None else vectors[part]
        best = np.concatenate([best, queries @ block.T], axis=1)
        best_slots = np.concatenate(
            [best_slots, np.broadcast_to(part, (len(queries), len(part)))], 1
        )
        if best.shape[1] > count:
            kept = np.argpartition(-best, count - 1, axis=1)[:, :count]
            best = np.take_along_axis(best, kept, 1)
            best_slots = np.take_along_axis(best_slots, kept, 1)
    order = np.lexsort((best_slots, -best), axis=1)
    return list(np.take_along_axis(best_slots, order, 1))


def rescored(query: Vectors, vectors: Vectors, slots: Slots) -> tuple[Slots, NDArray[np.float64]]:
    """Slots and their exact products with a query, the highest first, of equal ones the lower slot.

    A product of matrices adds up in an order that hangs on their shapes; this one does not, so
    that a query finds the same alone or among others, by whichever way its slots were found.

    Args:
        query: (width,).
        vectors: (N, width).
        slots: (M,) to be put in order.
    """
    products = vectors[slots].astype(np.float64) * query.astype(np.float64)
    scores = products.sum(axis=1)
    order = np.lexsort((slots, -scores))
    return slots[order], scores[order]
