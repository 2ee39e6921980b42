"""Where in a list what is right stands, as a report shows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.figures import Column, Section, Table

__all__ = ["rank_section"]

_PLACES = (
    ("first", 1, 1),
    ("second or third", 2, 3),
    ("4th to 10th", 4, 10),
    ("11th to 100th", 11, 100),
)


def rank_section(
    title: str, places: NDArray[np.int64], noun: str, aside: Sequence[str] = ()
) -> Section:
    """How often what is right stands where.

    Args:
        title: of the section, which says what is right.
        places: (N,) from 1.
        noun: what was looked for with, in the plural.
        aside: what a reader has to know.
    """
    hits = [(name, (places >= low) & (places <= high)) for name, low, high in _PLACES]
    hits.append(("further down", places > _PLACES[-1][2]))
    rows = [(name, int(hit.sum()), float(hit.mean()) if len(hit) else 0.0) for name, hit in hits]
    columns = (Column("Place", "text"), Column(noun.capitalize(), "count"), Column("", "bar"))
    return Section(
        id="ranks",
        title=title,
        figures=[Table("", columns, rows)],
        aside=aside,
        short="Ranks",
    )
