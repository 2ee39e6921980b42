"""The figures of a task that are pictures, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from markupsafe import Markup

from glossator.artifact.heatmap import confusion_map, labelled_confusion_map
from glossator.artifact.plots import Series, histogram, line_plot
from glossator.artifact.reliability_diagram import reliability_plot
from glossator.artifact.scatter_plot import scatter_plot
from glossator.artifact.vector_map import vector_map
from glossator.evaluation.figures import (
    Curve,
    Histogram,
    Line,
    Matrix,
    ReliabilityDiagram,
    Scatter,
    VectorMap,
)

__all__ = ["NAMED", "picture"]

NAMED = 25  # names of a matrix; a larger one cannot show them
_LOOKS = 8
_POINTS = 600  # of a line; more than a picture can show
_NOTHING = Markup('<p class="none">There is no finite number to draw.</p>')


def picture(
    figure: Curve | Histogram | Matrix | ReliabilityDiagram | Scatter | VectorMap,
) -> Markup:
    """The SVG of a figure."""
    return _PICTURES[type(figure)](figure)


def _curve(figure: Curve) -> Markup:
    lines = [
        Series(line.name, *_points(line), f"c{number % _LOOKS + 1}")
        for number, line in enumerate(figure.series)
    ]
    lines = [line for line in lines if line.x]
    if not lines:
        return _NOTHING
    return line_plot(
        lines,
        title=figure.title,
        x_label=figure.x_label,
        y_label=figure.y_label,
        y_range=figure.y_range,
        mark=figure.mark,
    )


def _points(line: Line) -> tuple[list[float], list[float]]:
    """The finite points of a line, thinned to what can be seen; its ends stay."""
    x, y = np.asarray(line.x, np.float64), np.asarray(line.y, np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).round().astype(int))
    return x[kept].tolist(), y[kept].tolist()


def _histogram(figure: Histogram) -> Markup:
    if not np.isfinite(figure.values).any():
        return _NOTHING
    return histogram(
        figure.values,
        title=figure.title,
        x_label=figure.x_label,
        y_label=figure.y_label,
        mark=figure.mark,
    )


def _matrix(figure: Matrix) -> Markup:
    if len(figure.names) <= NAMED:
        return labelled_confusion_map(figure.counts, figure.names, title=figure.title)
    return confusion_map(figure.counts, title=figure.title)


def _reliability(figure: ReliabilityDiagram) -> Markup:
    return reliability_plot(figure.reliability, title=figure.title)


def _scatter(figure: Scatter) -> Markup:
    if not (np.isfinite(figure.x) & np.isfinite(figure.y)).any():
        return _NOTHING
    return scatter_plot(
        figure.x, figure.y, title=figure.title, x_label=figure.x_label, y_label=figure.y_label
    )


def _vectors(figure: VectorMap) -> Markup:
    if not np.isfinite(figure.vectors).all(axis=1).any():
        return _NOTHING
    return vector_map(figure)


_PICTURES: dict[type, Callable[[Any], Markup]] = {
    Curve: _curve,
    Histogram: _histogram,
    Matrix: _matrix,
    ReliabilityDiagram: _reliability,
    Scatter: _scatter,
    VectorMap: _vectors,
}
