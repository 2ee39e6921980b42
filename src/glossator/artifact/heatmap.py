"""The confusion matrix as a picture, and its most confused pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from glossator.artifact.axes import joined
from glossator.artifact.escaping import shortened

__all__ = ["ConfusedPair", "confused_pairs", "confusion_map", "labelled_confusion_map"]

Counts = NDArray[np.int64]

_CELLS = ((4, 74), (12, 48), (math.inf, 34))  # the side of a cell, up to so many classes
_LEVELS = 6  # steps of ink; finer ones cannot be told apart
_MOST_CELLS = 6000  # of the compact map: about 100 kB


@dataclass(frozen=True)
class ConfusedPair:
    """Rows of class `gold` that were taken for `predicted`; `share` of the class's rows, 0 to 1."""

    gold: str
    predicted: str
    count: int
    share: float


def confused_pairs(matrix: Counts, classes: Sequence[str], most: int = 12) -> list[ConfusedPair]:
    """The pairs of different classes with the most rows, highest first; none with no rows.

    Args:
        matrix: `(C, C)`, gold class down.
        classes: names of the C classes.
        most: how many at most.
    """
    wrong = matrix - np.diag(np.diagonal(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    rows = matrix.sum(axis=1)
    places = (divmod(int(place), len(classes)) for place in order)
    return [
        ConfusedPair(classes[g], classes[p], int(wrong[g, p]), float(wrong[g, p] / rows[g]))
        for g, p in places
        if wrong[g, p]
    ]


def labelled_confusion_map(matrix: Counts, classes: Sequence[str], *, title: str) -> Markup:
    """A map with every count and every name, for some 25 classes at most."""
    names = [shortened(name, 22) for name in classes]
    cell = next(size for most, size in _CELLS if len(names) <= most)
    left = 16 + round(6.6 * max(len(name) for name in names))
    top = 12 + round(0.72 * left)
    width, height = left + cell * len(names) + round(0.5 * left), top + cell * len(names) + 8
    cells = [
        _cell(matrix, g, p, (left + p * cell, top + g * cell, cell))
        for g in range(len(names))
        for p in range(len(names))
    ]
    labels = [
        Markup(
            '<text class="tick" x="{l}" y="{y}" dy=".32em" text-anchor="end">{name}</text>'
            '<text class="tick" transform="translate({x} {t}) rotate(-40)">{name}</text>'
        ).format(
            l=left - 8, y=top + (i + 0.5) * cell, x=left + (i + 0.5) * cell, t=top - 7, name=name
        )
        for i, name in enumerate(names)
    ]
    return _picture(width, height, joined([*cells, *labels]), title)


def _cell(matrix: Counts, gold: int, predicted: int, place: tuple[int, int, int]) -> Markup:
    x, y, size = place
    count = int(matrix[gold, predicted])
    share = count / max(1, int(matrix[gold].sum()))
    return Markup(
        '<rect class="cell {look}" x="{x}" y="{y}" width="{w}" height="{w}" '
        'fill-opacity="{o:.2f}"/>'
        '<text class="count {shade}" x="{cx}" y="{cy}" dy=".34em">{count}</text>'
    ).format(
        look="c1" if gold == predicted else "c2",
        x=x + 1,
        y=y + 1,
        w=size - 2,
        o=_ink(share),
        shade="on" if _ink(share) > 0.5 else "",
        cx=x + size / 2,
        cy=y + size / 2,
        count=f"{count:,}" if count else "",
    )


def _ink(share: float) -> float:
    """Rare confusions must be seen, so ink grows with the square root; 0.05 is an empty cell."""
    return 0.05 + 0.9 * math.sqrt(share)


def confusion_map(matrix: Counts, *, title: str) -> Markup:
    """A map of many classes without names: what lies off the diagonal, and where it gathers.

    Cells of one ink share one path, and only the fullest are drawn, so that a thousand classes
    stay a small file.
    """
    size = len(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    order = np.argsort(-shares, axis=None, kind="stable")[:_MOST_CELLS]
    gold, predicted = np.unravel_index(order, shares.shape)
    level = np.ceil(np.sqrt(shares[gold, predicted]) * _LEVELS).astype(int)
    paths = [
        _path(gold[chosen], predicted[chosen], look, number / _LEVELS)
        for number in range(1, _LEVELS + 1)
        for look, side in (("c1", gold == predicted), ("c2", gold != predicted))
        if (chosen := (level == number) & side).any()
    ]
    frame = Markup('<rect class="paper" width="{0}" height="{0}"/>').format(size)
    body = Markup('<g transform="translate(18 18) scale({:.4f})">{}{}</g>').format(
        440 / size, frame, joined(paths)
    )
    words = Markup(
        '<text class="axis" x="18" y="11">predicted →</text>'
        '<text class="axis" transform="translate(11 18) rotate(-90)" text-anchor="end">'
        "← gold</text>"
    )
    return _picture(462, 462, body + words, title)


def _path(gold: NDArray[np.intp], predicted: NDArray[np.intp], look: str, ink: float) -> Markup:
    squares = "".join(f"M{x} {y}h1v1h-1z" for x, y in zip(predicted, gold, strict=True))
    return Markup('<path class="fill {}" fill-opacity="{:.2f}" d="{}"/>').format(look, ink, squares)


def _picture(width: int, height: int, body: Markup, title: str) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {w} {h}" role="img" style="max-width:{w}px">'
        "<title>{title}: gold down, predicted across</title>{body}</svg>"
    ).format(w=width, h=height, body=body, title=title)
