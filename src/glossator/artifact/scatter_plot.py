"""Points beside the diagonal, as SVG: what was predicted for what was right."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from glossator.artifact.axes import Axes, joined
from glossator.artifact.plots import span

__all__ = ["scatter_plot"]

_SIDE = 440
_GRID = 90  # places along each side, where points lie so dense that they have to share one
_POINTS = 1500  # drawn where they lie, up to so many
_LEVELS = 5  # steps of ink; finer ones cannot be told apart


def scatter_plot(x: ArrayLike, y: ArrayLike, *, title: str, x_label: str, y_label: str) -> Markup:
    """Points `(N,)` over two axes of one range, with the diagonal; at least one that is finite.

    Many points are moved to a grid of what can be seen, and those of one place share a dot, the
    darker the more they are: a picture of a million points stays a small file.
    """
    across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    finite = np.isfinite(across) & np.isfinite(up)
    across, up = across[finite], up[finite]
    ends = span(float(min(across.min(), up.min())), float(max(across.max(), up.max())))
    axes = Axes(ends, ends, width=_SIDE, height=_SIDE)
    points, counts = _thinned(np.stack([across, up], axis=1), ends)
    level = np.ceil(np.sqrt(counts / counts.max()) * _LEVELS).astype(int)
    dots = [_dots(axes, points[level == n], n) for n in np.unique(level).tolist()]
    diagonal = Markup('<polyline class="mark" points="{}"/>').format(axes.points(ends, ends))
    return axes.picture(diagonal + joined(dots), title=title, x_label=x_label, y_label=y_label)


def _thinned(
    points: NDArray[np.float64], ends: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The places `(P, 2)` of points `(N, 2)`, and how many lie at each."""
    if len(points) > _POINTS:
        low, high = ends
        step = (high - low) / _GRID
        points = low + np.round((points - low) / step) * step
    places, counts = np.unique(points, axis=0, return_counts=True)
    return places, np.asarray(counts, np.int64)


def _dots(axes: Axes, points: NDArray[np.float64], level: int) -> Markup:
    """Dots of one ink share a path: a line without length has round ends and nothing else."""
    drawn = "".join(f"M{axes.px(x)} {axes.py(y)}h0" for x, y in points.tolist())
    return Markup('<path class="dots c1" stroke-opacity="{:.2f}" d="{}"/>').format(
        0.25 + 0.75 * level / _LEVELS, drawn
    )
