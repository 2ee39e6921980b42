"""The plots of the report, as SVG that needs no script: lines and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from glossator.artifact.axes import LEFT, TOP, Axes, joined

__all__ = ["Series", "histogram", "line_plot", "loss_series", "span"]

Values = NDArray[np.float64]

_POINTS = 300  # more than a picture of 640 pixels can show
_BINS = 30
_LEGEND = 110  # pixels of an entry; with many, what there is


@dataclass(frozen=True)
class Series:
    """One line: a name, values across and up `(P,)`, and its look in the style sheet."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    look: str = "c1"


def line_plot(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    mark: tuple[float, str] | None = None,
    powers: bool = False,
) -> Markup:
    """Lines over a common axis, with a legend where there is more than one.

    Args:
        series: at least one, each with at least one point.
        title: what a screen reader says.
        x_label: below.
        y_label: beside.
        y_range: lowest and highest value up; by default what the lines need.
        mark: a place across and what stands there, as a dashed line.
        powers: whether values across are powers of ten, and to be named so.
    """
    across = [float(x) for line in series for x in line.x]
    up = [float(y) for line in series for y in line.y]
    heights = y_range or _with_room(span(min(up), max(up)))
    axes = Axes(span(min(across), max(across)), heights, powers=powers)
    drawn = [_line(axes, line) for line in series]
    if mark is not None:
        drawn.append(_mark(axes, *mark))
    if len(series) > 1:
        drawn.append(_legend(axes, series))
    return axes.picture(joined(drawn), title=title, x_label=x_label, y_label=y_label)


def span(low: float, high: float) -> tuple[float, float]:
    """The range, never empty."""
    room = abs(low) * 0.1 or 1.0
    return (low, high) if high > low else (low - room, low + room)


def _with_room(ends: tuple[float, float]) -> tuple[float, float]:
    """The range with room above and below, but not below zero where nothing is."""
    low, high = ends
    room = 0.05 * (high - low)
    return (low - room if low < 0 else max(0.0, low - room)), high + room


def _line(axes: Axes, line: Series) -> Markup:
    path = Markup('<polyline class="line {}" points="{}"/>').format(
        line.look, axes.points(line.x, line.y)
    )
    if len(line.x) > 40:
        return path
    dots = (
        Markup(
            '<circle class="dot {}" cx="{}" cy="{}" r="3"><title>{}: {:.4g}</title></circle>'
        ).format(line.look, axes.px(x), axes.py(y), axes.x_name(x), y)
        for x, y in zip(line.x, line.y, strict=True)
    )
    return path + joined(dots)


def _mark(axes: Axes, x: float, text: str) -> Markup:
    return Markup(
        '<line class="mark" x1="{x}" x2="{x}" y1="{top}" y2="{floor}"/>'
        '<text class="note" x="{x}" y="{y}" text-anchor="middle">{text}</text>'
    ).format(x=axes.px(x), top=TOP - 4, floor=axes.py(axes.y[0]), y=TOP - 9, text=text)


def _legend(axes: Axes, series: Sequence[Series]) -> Markup:
    entry = Markup(
        '<line class="line {look}" x1="{x}" x2="{e}" y1="{y}" y2="{y}"/>'
        '<text class="tick" x="{t}" y="{y}" dy=".32em">{name}</text>'
    )
    step = min(_LEGEND, (axes.width - LEFT) // len(series))
    places = ((LEFT + i * step, line) for i, line in enumerate(series))
    return joined(
        entry.format(look=line.look, x=x, e=x + 18, t=x + 24, y=axes.height - 10, name=line.name)
        for x, line in places
    )


def loss_series(steps: Sequence[int], losses: Sequence[float]) -> list[Series]:
    """The loss of each step, thinned to what can be seen, and its running mean over a twentieth.

    Losses that are not finite are left out; there must be one that is.
    """
    x, y = np.asarray(steps, np.float64), np.asarray(losses, np.float64)
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    thin = max(1, -(-len(x) // _POINTS))
    x, y = _bucket_means(x, thin), _bucket_means(y, thin)
    mean = _running_mean(y, max(1, len(y) // 20))
    return [
        Series("each step", x.tolist(), y.tolist(), "faint"),
        Series("mean", x.tolist(), mean.tolist()),
    ]


def _bucket_means(values: Values, size: int) -> Values:
    starts = np.arange(0, len(values), size)
    sums = np.add.reduceat(values, starts)
    return np.asarray(sums / np.diff(np.append(starts, len(values))), np.float64)


def _running_mean(values: Values, reach: int) -> Values:
    """The mean of each value and the `reach` values on each side, where there are that many."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low), np.float64)


def histogram(
    values: ArrayLike, *, title: str, x_label: str, y_label: str, mark: tuple[float, str] | None
) -> Markup:
    """Numbers counted in some thirty bins of equal width; at least one that is finite.

    Whole numbers, none below zero, are counted from zero on, so many to a bin.
    """
    found = np.asarray(values)
    found = found[np.isfinite(found)]
    whole = bool(found.dtype.kind in "iu" and found.min() >= 0)
    edges = _whole_edges(int(found.max())) if whole else _edges(found)
    counts, _ = np.histogram(found, edges)
    left, right = float(edges[0]), float(edges[-1])
    if mark is not None:
        left, right = min(left, mark[0]), max(right, mark[0] * 1.05)
    axes = Axes((left, right), (0, counts.max() * 1.06))
    bars = [
        _bar(axes, (a, b), count, f"{a:g} to {b - 1:g}" if whole else f"{a:.3g} to {b:.3g}")
        for a, b, count in zip(
            edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True
        )
        if count
    ]
    if mark is not None:
        bars.append(_mark(axes, *mark))
    return axes.picture(joined(bars), title=title, x_label=x_label, y_label=y_label)


def _whole_edges(highest: int) -> Values:
    width = max(1, -(-(highest + 1) // _BINS))
    # The last bin of numpy is closed above, and the edge itself is never reached.
    return np.arange(0, highest + width + 1, width, dtype=np.float64)


def _edges(values: NDArray[Any]) -> Values:
    low, high = span(float(values.min()), float(values.max()))
    return np.linspace(low, high, _BINS + 1)


def _bar(axes: Axes, x: tuple[float, float], count: int, name: str) -> Markup:
    left, right, top = axes.px(x[0]), axes.px(x[1]), axes.py(count)
    return Markup(
        '<rect class="fill c1" x="{}" y="{}" width="{}" height="{}"><title>{}: {:,}</title></rect>'
    ).format(left + 0.5, top, max(0.5, right - left - 1), round(axes.py(0) - top, 1), name, count)
