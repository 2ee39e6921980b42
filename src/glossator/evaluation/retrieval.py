"""How well vectors find each other: ranks of what is right, and the measures made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["discounted_gain", "graded", "nearest", "ranks"]

Vectors = NDArray[np.floating[Any]]

_AT_ONCE = 1 << 22  # similarities that are held at a time


def ranks(
    queries: Vectors,
    candidates: Vectors,
    of_queries: NDArray[np.integer[Any]],
    of_candidates: NDArray[np.integer[Any]],
    *,
    itself: bool = False,
) -> NDArray[np.int64]:
    """The place of each query's best right candidate among those that are not right, from 1.

    A candidate that is as similar as the right one stands before it: who cannot tell two texts
    apart has not found one.

    Args:
        queries: `(N, D)`.
        candidates: `(M, D)`; the dot product says how similar two are.
        of_queries: `(N,)` numbers of what belongs together: a candidate is right for the queries
            of its number.
        of_candidates: `(M,)` likewise.
        itself: whether queries and candidates are the same rows, and each leaves itself out.

    Returns:
        `(N,)`; 0 where no candidate is right.
    """
    found = np.zeros(len(queries), np.int64)
    step = max(1, _AT_ONCE // max(1, len(candidates)))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        similar = queries[part] @ candidates.T
        hit = of_queries[part, None] == of_candidates
        if itself:
            places = np.arange(start, min(start + step, len(queries)))
            hit[places - start, places] = False
            similar[places - start, places] = -np.inf
        best = np.where(hit, similar, -np.inf).max(axis=1, initial=-np.inf)
        before = (~hit & (similar >= best[:, None])).sum(axis=1)
        if itself:  # -inf is no match for anything but for a query without a right candidate
            before -= np.isneginf(best)
        found[part] = np.where(np.isneginf(best), 0, before + 1)
    return found


def nearest(queries: Vectors, candidates: Vectors, *, itself: bool = False) -> NDArray[np.int64]:
    """`(N,)` the most similar candidate of each query, of equal ones the first.

    Arguments are those of `ranks`.
    """
    found = np.zeros(len(queries), np.int64)
    step = max(1, _AT_ONCE // max(1, len(candidates)))
    for start in range(0, len(queries), step):
        similar = queries[start : start + step] @ candidates.T
        if itself:
            places = np.arange(start, start + len(similar))
            similar[places - start, places] = -np.inf
        found[start : start + step] = similar.argmax(axis=1)
    return found


def discounted_gain(ranks: NDArray[np.int64], *, at: int) -> NDArray[np.float64]:
    """`(N,)` normalized discounted cumulative gain of rows with one right candidate.

    Args:
        ranks: `(N,)` its place, from 1; 0: it is not there.
        at: places that count.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques".
    """
    counted = (ranks > 0) & (ranks <= at)
    return np.where(counted, 1 / np.log2(np.maximum(ranks, 1) + 1), 0.0)


def graded(
    scores: NDArray[np.float64], grades: NDArray[np.float64], *, at: int
) -> tuple[float, float, float]:
    """NDCG, reciprocal rank and recall of the candidates of one query.

    Of candidates with one score the less relevant stands first: who cannot tell two apart has not
    ordered them.

    Args:
        scores: `(N,)` by which they are put in order.
        grades: `(N,)` how relevant each is; 0: not at all. At least one is relevant.
        at: places that count, for NDCG and recall.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with
    a gain of 2**grade - 1 (Burges et al. 2005).
    """
    order = np.lexsort((grades, -scores))
    found = grades[order]
    discounts = 1 / np.log2(np.arange(2, len(grades) + 2))
    gains, best = (np.exp2(x) - 1 for x in (found, np.sort(grades)[::-1]))
    ndcg = float((gains[:at] * discounts[:at]).sum() / (best[:at] * discounts[:at]).sum())
    relevant = found > 0
    reciprocal = 1 / (int(relevant.argmax()) + 1)
    return ndcg, reciprocal, float(relevant[:at].sum() / relevant.sum())
