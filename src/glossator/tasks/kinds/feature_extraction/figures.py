"""What report and card show of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.figures import (
    Column,
    Histogram,
    Quote,
    Quotes,
    Scatter,
    Section,
    Table,
    VectorMap,
    Words,
)
from glossator.models.pooling import Pooling
from glossator.tasks.kinds.feature_extraction.config import CONFIG, Options
from glossator.tasks.kinds.feature_extraction.reading import Aim

__all__ = [
    "class_section",
    "grade_section",
    "map_section",
    "misses_section",
    "notes_of",
    "words",
]

_POINTS = 5_000
_MAPPED = 2_000  # points of a map; more can't be told apart, and take long to lay out
_LEARNED: dict[Aim, str] = {
    "pairs": "texts that belong together",
    "grades": "pairs with a number of how alike they are",
    "classes": "texts with labels",
    "texts": "texts alone",
}
_POOLED: dict[Pooling, str] = {
    "mean": "the mean over its tokens",
    "cls": "its first token",
    "last": "its last token",
}


def class_section(
    names: Sequence[str], right: NDArray[np.int64], alike: NDArray[np.bool_]
) -> Section:
    """How often the nearest text is of the same label, by label.

    Args:
        names: of the labels.
        right: (N,) number of each row's label.
        alike: (N,) whether the nearest other row has it too.
    """
    totals = np.bincount(right, minlength=len(names))
    hits = np.bincount(right, weights=alike, minlength=len(names))
    rows = [
        (name, float(hits[i] / totals[i]) if totals[i] else None, int(totals[i]))
        for i, name in enumerate(names)
    ]
    rows.sort(key=lambda row: (row[1] is None, row[1]))
    columns = (Column("Label", "text"), Column("Nearest is alike", "bar"), Column("Rows", "count"))
    return Section(
        id="labels",
        title="Labels, the most scattered first",
        figures=[Table("", columns, rows, shown=15, noun="labels")],
        aside=("Of each row the nearest other row of the same table was looked at.",),
        short="Labels",
    )


def grade_section(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> Section:
    """Cosines beside those that the numbers of the pairs ask for."""
    return Section(
        id="cosines",
        title="Wanted and found",
        figures=[
            Scatter("", wanted[:_POINTS], found[:_POINTS], "wanted", "cosine"),
            Histogram("Cosines", found[:_POINTS], "cosine", "pairs"),
        ],
        aside=("A pair on the diagonal is as alike as its number says.",),
        short="Cosines",
    )


def map_section(
    vectors: NDArray[np.float32],
    groups: NDArray[np.int64],
    names: Sequence[str],
    *,
    missed: NDArray[np.bool_] | None = None,
    seen: int | None = None,
    chosen: str = "drawn by a seed",
) -> Section:
    """A map of vectors; of many some are drawn by a seed.

    Args:
        vectors: (N, width), N at least 1.
        groups: (N,) number of each one's group.
        names: of the groups: labels, or sides of pairs.
        missed: (N,) whether what is nearest is wrong; None: nothing is right or wrong.
        seen: of how many texts these are; None: of N.
        chosen: how, where there are more.
    """
    total = len(vectors) if seen is None else seen
    kept = np.arange(len(vectors))
    if len(kept) > _MAPPED:
        kept = np.sort(np.random.default_rng(0).choice(kept, _MAPPED, replace=False))
    rings = np.zeros(len(vectors), np.bool_) if missed is None else missed
    aside = [
        "Each point is the vector of a text, and near vectors stand near (t-SNE, with a fixed "
        "seed). How far groups are apart, and which way is up, means nothing.",
    ]
    if missed is not None:
        aside.append("A ring: what is nearest to it is not what is right; the worst are below.")
    if len(kept) < total:
        aside.append(f"{len(kept):,} of {total:,} texts, {chosen}.")
    found = VectorMap("", vectors[kept], groups[kept], names, rings[kept])
    return Section(
        id="map", title="A map of the vectors", figures=[found], aside=aside, short="Map"
    )


def misses_section(split: str, misses: Sequence[Quote]) -> Section:
    """What was found in the place of what is right."""
    none = f"Nothing was missed in the {split} rows."
    return Section(
        id="misses",
        title="Worst misses",
        figures=[Quotes("", misses, none=none)],
        aside=[f"The {split} rows that are furthest from right, each with what was nearest."]
        if misses
        else [],
        short="Misses",
    )


def notes_of(trained_with: tuple[str, str], options: Options) -> tuple[str, ...]:
    """What to say of the prefixes with which a model was trained, where none stands there now."""
    prefix, other = trained_with
    if not prefix or options.prefix or options.pair_prefix:
        return ()
    return (
        f"The model was trained with {prefix!r} before each text and {other!r} before one that is "
        f'to be found; nothing stands there now: --prefix "{prefix}" and --pair-prefix "{other}" '
        "set that.",
    )


def words(aim: Aim, pooling: Pooling, options: Options) -> Words:
    """What is said of a model that makes vectors."""
    made = f"The vector of a text is {_POOLED[pooling]}"
    decided = [f"{made}, scaled to the length 1." if options.normalize else f"{made}."]
    if options.prefix or options.pair_prefix:
        decided.append(
            f"{options.prefix!r} stands before each text, {options.pair_prefix!r} before one that "
            "is to be found (document=True)."
        )
    return Words(
        does=f"Reads a text and gives a vector of what it means; learned from {_LEARNED[aim]}.",
        caution="Two texts with a high cosine are alike in what was learned, and need not agree.",
        opens_as=CONFIG.opens_as,
        pipeline="feature-extraction",
        python_input='"a text"',
        command_input="a text of your own",
        elsewhere="sentence-transformers opens the folder and gives the same vectors, but reads "
        "the beginning of a long text alone; here its windows are averaged. transformers gives "
        "the states of tokens, which are still to be pooled.",
        decided=decided,
    )
