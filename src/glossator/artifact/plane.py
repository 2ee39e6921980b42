"""Vectors laid out in a plane, near ones near."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["laid_out"]

_FEWEST = 4  # points that have neighbours to speak of
_NEIGHBOURS = 30
_STEPS = 500
_KEPT = 50  # directions; what lies in the others is noise to the eye


def laid_out(vectors: ArrayLike) -> NDArray[np.float64]:
    """Places `(N, 2)` of finite vectors `(N, D)`, of which only the directions count.

    The same for the same vectors: what is random has a seed, and sums are added up in one order.
    Distances of near points tell something, those of far ones nothing.

    Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE"; begun from the two main
    axes, as Kobak and Linderman 2021 ask for, so that the coarse order is that of the vectors.
    """
    given = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(given, axis=1, keepdims=True)
    given = given / np.maximum(lengths, np.finfo(np.float64).tiny)
    given = given - given.mean(axis=0)
    left, scale, _ = np.linalg.svd(given, full_matrices=False)
    main = (left * scale)[:, :_KEPT]
    if main.shape[1] < 2:
        main = np.pad(main, ((0, 0), (0, 2 - main.shape[1])))
    if len(main) < _FEWEST or scale[0] < 1e-9:
        return np.asarray(main[:, :2], np.float64)
    return _neighbourly(main)


def _neighbourly(main: NDArray[np.float64]) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = main[:, :2] / max(float(main[:, 0].std()), 1e-12) * 1e-4
    layout = TSNE(
        perplexity=min(_NEIGHBOURS, (len(main) - 1) / 3),
        init=start.astype(np.float32),
        max_iter=_STEPS,
        random_state=0,
    )
    with threadpool_limits(1):  # several add up in an order that nobody knows
        return np.asarray(layout.fit_transform(main.astype(np.float32)), np.float64)
