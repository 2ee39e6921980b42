"""A map of vectors as SVG: a point each, in the colour of its group."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from glossator.artifact.axes import joined
from glossator.artifact.escaping import shortened
from glossator.artifact.plane import laid_out
from glossator.evaluation.figures import VectorMap

__all__ = ["vector_map"]

_SIDE, _LEGEND = 560, 240  # pixels of the map, and of the names beside it
_ROOM = 14
_LINE = 22
_LOOKS = 8  # colours; the last is for all groups that have none of their own
_NAME = 24


def vector_map(figure: VectorMap) -> Markup:
    """The picture of at least one finite vector; the name of a group stands at each of its points.

    The groups with the most points have colours of their own, and the others share one.
    """
    vectors, groups = np.asarray(figure.vectors), np.asarray(figure.groups)
    finite = np.isfinite(vectors).all(axis=1)
    places = _pixels(laid_out(vectors[finite]))
    groups, ringed = groups[finite], np.asarray(figure.ringed, bool)[finite]
    counts = np.bincount(groups, minlength=len(figure.names))
    order = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i]]
    own = order if len(order) <= _LOOKS else order[: _LOOKS - 1]
    looks = {group: f"c{number}" for number, group in enumerate(own, start=1)}
    drawn = [
        _dots(places[groups == group], looks.get(group, f"c{_LOOKS}"), figure.names[group])
        for group in reversed(order)  # rare ones would lie below
    ]
    rest = [group for group in order if group not in looks]
    legend = [(looks[x], figure.names[x], int(counts[x])) for x in own]
    if rest:
        legend.append((f"c{_LOOKS}", f"{len(rest):,} other groups", int(counts[rest].sum())))
    return Markup(
        '<svg class="plot" viewBox="0 0 {width} {side}" role="img" style="max-width:{width}px">'
        '<title>{title}</title><rect class="paper" width="{side}" height="{side}" rx="6"/>'
        "{drawn}{rings}{legend}</svg>"
    ).format(
        width=_SIDE + _LEGEND,
        side=_SIDE,
        title=figure.title,
        drawn=joined(drawn),
        rings=_rings(places[ringed]),
        legend=_named(legend),
    )


def _pixels(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places inside the map, by one scale for both ways."""
    low, high = places.min(axis=0), places.max(axis=0)
    size = max(float((high - low).max()), 1e-12)
    inside = (places - (low + high) / 2) / size * (_SIDE - 2 * _ROOM) + _SIDE / 2
    return np.asarray(inside.round(1), np.float64)


def _dots(places: ArrayLike, look: str, name: str) -> Markup:
    """Points of a group share a path: a line without length has round ends and nothing else."""
    path = "".join(f"M{x:g} {y:g}h0" for x, y in np.asarray(places).tolist())
    return Markup(
        '<path class="dots {}" stroke-opacity=".7" d="{}"><title>{}</title></path>'
    ).format(look, path, shortened(name, 120))


def _rings(places: ArrayLike) -> Markup:
    path = "".join(
        f"M{x - 4.5:g} {y:g}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0"
        for x, y in np.asarray(places).tolist()
    )
    return Markup('<path class="ring" d="{}"/>').format(path) if path else Markup("")


def _named(legend: list[tuple[str, str, int]]) -> Markup:
    entry = Markup(
        '<path class="dots {look}" d="M{x} {y}h0"/>'
        '<text class="tick" x="{t}" y="{y}" dy=".32em">{name} ({count:,})</text>'
    )
    x = _SIDE + 2 * _ROOM
    return joined(
        entry.format(
            look=look, x=x, t=x + _ROOM, y=_ROOM + number * _LINE, name=shortened(name, _NAME),
            count=count,
        )
        for number, (look, name, count) in enumerate(legend)
    )  # fmt: skip
