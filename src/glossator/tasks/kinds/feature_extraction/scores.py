"""How well vectors say what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.evaluation.comparison import mcnemar
from glossator.evaluation.figures import Measure, Quote, Section
from glossator.evaluation.means import means, paired_means
from glossator.evaluation.regression import RegressionScores, paired_difference
from glossator.evaluation.retrieval import discounted_gain, nearest, ranks
from glossator.evaluation.row_sample import RowSample
from glossator.tasks.kinds.feature_extraction.figures import (
    class_section,
    grade_section,
    map_section,
    misses_section,
)
from glossator.tasks.kinds.feature_extraction.reading import Aim
from glossator.tasks.learnable import Encoded
from glossator.tasks.rank_table import rank_section
from glossator.tasks.task import Answer, Paired, Scores
from glossator.text.findings import Finding, count_of
from glossator.text.records import Record

__all__ = [
    "FindingScores",
    "GradeScores",
    "SpreadScores",
    "chosen_by",
    "measures_of",
    "scores_of",
]

_AT = 10
_SHOWN = 400  # characters of a text that a report may show
_MISSES = 50
_MAPPED = 1_000  # pairs with a number, both of whose vectors a map may show
_RETRIEVAL = (
    Measure(
        "mrr", "Mean reciprocal rank", "share", "high", note="1: always found first", hub="mrr"
    ),
    Measure("recall_at_1", "Found first", "share", "high"),
    Measure(f"recall_at_{_AT}", f"Among the first {_AT}", "share", "high"),
    Measure(f"ndcg_at_{_AT}", f"NDCG of {_AT}", "share", "high", hub="ndcg"),
)
_CLASSES = (
    Measure("accuracy", "Nearest is alike", "share", "high", hub="accuracy"),
    Measure("mrr", "Mean reciprocal rank", "share", "high", note="of the nearest that is alike"),
)
_GRADES = (
    Measure("spearman", "Spearman", "number", "high", note="of the cosines", hub="spearmanr"),
    Measure("pearson", "Pearson", "number", "high", note="of the cosines", hub="pearsonr"),
)
_TEXTS = (
    Measure(
        "uniformity", "Uniformity", "number", "low", note="how little vectors spread; no right"
    ),
)
_MEASURES: Mapping[Aim, tuple[Measure, ...]] = {
    "pairs": _RETRIEVAL,
    "classes": _CLASSES,
    "grades": _GRADES,
    "texts": _TEXTS,
}


def measures_of(aim: Aim) -> tuple[Measure, ...]:
    """The scores of vectors, the one to judge by first."""
    return _MEASURES[aim]


def chosen_by(aim: Aim) -> tuple[str, ...]:
    """Measures that tell the better of two steps."""
    return tuple(measure.name for measure in _MEASURES[aim][:2])


def scores_of(
    aim: Aim, cosine: Callable[[float], float] | None, *, intervals: bool, paired: bool
) -> Scores:
    """Nothing scored yet.

    Args:
        aim: what the vectors are held against.
        cosine: that a number of a pair asks for; None: no numbers were learned from.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether the answers are kept, to be held against another model's.
    """
    if aim == "grades":
        return GradeScores(cosine, intervals=intervals)
    if aim == "texts":
        return SpreadScores()
    return FindingScores(intervals=intervals, classes=aim == "classes")


class FindingScores:
    """What is nearest to each text: the one that belongs to it, or one of its class.

    Args:
        intervals: whether `result` holds bootstrap intervals.
        classes: whether texts of a class belong together, else those of a row.
    """

    def __init__(self, *, intervals: bool, classes: bool):
        self._intervals, self._classes = intervals, classes
        self._numbers: dict[str, int] = {}  # of a class, or of a text that is to be found
        self._texts: list[str] = []
        self._queries: list[NDArray[np.float32]] = []
        self._wanted: list[int] = []  # its number, by query
        self._candidates: dict[int, NDArray[np.float32]] = {}
        self._found: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        self._found = None
        for record, vectors in zip(records, answers, strict=True):
            self._queries.append(vectors[0])
            self._texts.append(record.input[0][:_SHOWN])
            if self._classes:
                self._wanted.append(self._number(record.target))
                continue
            for number, side in enumerate(record.input[1:], start=1):
                place = self._number(side)
                self._candidates.setdefault(place, vectors[number])
                if number == 1:
                    self._wanted.append(place)

    def _number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def _ranked(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(N,) places of what is right, and (N,) what was nearest."""
        if not self._queries:
            raise InputError("there are no rows to score")
        if self._found is None:
            queries, wanted = np.stack(self._queries), np.array(self._wanted)
            if self._classes:
                candidates, numbers = queries, wanted
            else:
                numbers = np.array(sorted(self._candidates))
                candidates = np.stack([self._candidates[i] for i in numbers.tolist()])
            itself = self._classes
            self._found = (
                ranks(queries, candidates, wanted, numbers, itself=itself),
                nearest(queries, candidates, itself=itself),
            )
        return self._found

    def _values(self) -> dict[str, NDArray[np.float64]]:
        """(N,) of each measure, what a row adds to it."""
        places, _ = self._ranked()
        there = np.maximum(places, 1)
        reciprocal = np.where(places > 0, 1 / there, 0.0)
        first = (places == 1).astype(np.float64)
        if self._classes:
            return {"accuracy": first, "mrr": reciprocal}
        return {
            "mrr": reciprocal,
            "recall_at_1": first,
            f"recall_at_{_AT}": ((places > 0) & (places <= _AT)).astype(np.float64),
            f"ndcg_at_{_AT}": discounted_gain(places, at=_AT),
        }

    def result(self) -> dict[str, Any]:
        """See `Scores`; the means over all rows, and their intervals."""
        return means(self._values(), intervals=self._intervals)

    def remarks(self) -> list[Finding]:
        """Nothing beside the scores."""
        return []

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        places, found = self._ranked()
        names = list(self._numbers)
        if self._classes:
            right = np.array(self._wanted)
            told = [class_section(names, right, places == 1), self._map(names)]
        else:
            among = count_of(len(self._candidates), "text")
            aside = [f"Each text was looked for among {among} of these rows."]
            told = [rank_section("Where the right text stands", places, "rows", aside)]
            told.append(self._map(["texts", "texts to be found"]))
        return [*told, misses_section(split, self._misses(places, found, names))]

    def _map(self, names: Sequence[str]) -> Section:
        """The vectors by their labels; of pairs the sides."""
        missed = self._ranked()[0] > 1
        queries = np.stack(self._queries)
        if self._classes:
            return map_section(queries, np.array(self._wanted), names, missed=missed)
        found = np.stack(list(self._candidates.values()))
        sides = np.repeat([0, 1], [len(queries), len(found)])
        rings = np.concatenate([missed, np.zeros(len(found), np.bool_)])
        return map_section(np.concatenate([queries, found]), sides, names, missed=rings)

    def _misses(
        self, places: NDArray[np.int64], found: NDArray[np.int64], names: Sequence[str]
    ) -> list[Quote]:
        """The rows whose right text stands furthest away, each with what was nearest."""
        order = np.argsort(-places, kind="stable")
        worst = [i for i in order.tolist() if places[i] > 1][:_MISSES]
        candidates = sorted(self._candidates)
        quotes = []
        for i in worst:
            got = self._texts[found[i]] if self._classes else names[candidates[found[i]]]
            label = f" ({names[self._wanted[found[i]]]})" if self._classes else ""
            quotes.append(
                Quote(self._texts[i], names[self._wanted[i]][:_SHOWN], got[:_SHOWN] + label)
            )
        return quotes

    def paired(self, other: FindingScores) -> Paired:
        """See `Scores`; the first measure decides."""
        a, b = self._values(), other._values()
        name = next(iter(a))
        difference = paired_means(name, a[name], b[name])
        test = mcnemar(self._ranked()[0] == 1, other._ranked()[0] == 1)
        return Paired(
            differences=(difference,),
            tests={"mcnemar": vars(test)},
            p_value=difference.p_value,
            b_is_better=difference.difference > 0,
            same=bool((a[name] == b[name]).all()),
        )


class GradeScores:
    """Cosines of pairs beside the numbers that say how alike they are.

    Args:
        cosine: that a number asks for; None: from 0 for the least to 1 for the greatest of these
            rows, of which correlations do not take notice.
        intervals: whether `result` holds bootstrap intervals.
    """

    def __init__(self, cosine: Callable[[float], float] | None, *, intervals: bool):
        self._cosine = cosine
        self._scores = RegressionScores(intervals=intervals)
        self._pairs: list[NDArray[np.float64]] = []  # (n, 2) wanted and found
        self._sides: RowSample | None = None  # (n, 2 * width) both vectors of some pairs
        self._misses: list[_Miss] = []

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        numbers = [record.target for record in records]
        wanted = np.array(numbers if self._cosine is None else list(map(self._cosine, numbers)))
        found = np.array([_cosine(*vectors[:2]) for vectors in answers])
        self._scores.add(found, wanted)
        self._pairs.append(np.stack([wanted, found], axis=1))
        self._sample(np.stack([vectors[:2].ravel() for vectors in answers]))
        for record, right, value in zip(records, wanted.tolist(), found.tolist(), strict=True):
            text = "\n".join(x[:_SHOWN] for x in record.texts)
            self._misses.append(_Miss(right, value, text, record.row.source))
        if len(self._misses) > 2 * _MISSES:
            self._misses = self._worst()

    def _scaled(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Wanted numbers as cosines."""
        if self._cosine is not None:
            return wanted
        low = min(float(part[:, 0].min()) for part in self._pairs)
        high = max(float(part[:, 0].max()) for part in self._pairs)
        scaled: NDArray[np.float64] = (wanted - low) / (high - low or 1.0)
        return scaled

    def _sample(self, both: NDArray[np.float32]) -> None:
        if self._sides is None:
            self._sides = RowSample(both.shape[1], both.dtype, size=_MAPPED)
        self._sides.add(both)

    def _map(self) -> Section:
        assert self._sides is not None, "there are rows"
        both = self._sides.rows
        vectors = both.reshape(2 * len(both), -1)
        groups = np.tile([0, 1], len(both))
        names = ["first texts", "second texts"]
        return map_section(vectors, groups, names, seen=2 * self._sides.seen)

    def _worst(self) -> list[_Miss]:
        wanted = self._scaled(np.array([miss.wanted for miss in self._misses]))
        off = np.abs(wanted - np.array([miss.found for miss in self._misses]))
        order = np.argsort(-np.round(off, 2), kind="stable")
        return [self._misses[i] for i in order[:_MISSES].tolist()]

    def _quotes(self) -> list[Quote]:
        worst = self._worst()
        wanted = self._scaled(np.array([miss.wanted for miss in worst]))
        return [
            Quote(miss.text, f"{right:.2f}", f"{miss.found:.2f}", source=miss.source)
            for miss, right in zip(worst, wanted.tolist(), strict=True)
        ]

    def result(self) -> dict[str, Any]:
        """See `Scores`."""
        found = self._scores.result()
        names = {measure.name for measure in _GRADES}
        return {x: value for x, value in found.items() if x.removesuffix("_ci") in names}

    def remarks(self) -> list[Finding]:
        """Nothing beside the scores."""
        return []

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        wanted, found = np.concatenate(self._pairs).T
        return [
            grade_section(self._scaled(wanted), found),
            self._map(),
            misses_section(split, self._quotes()),
        ]

    def paired(self, other: GradeScores) -> Paired:
        """See `Scores`."""
        a, b = np.concatenate(self._pairs), np.concatenate(other._pairs)
        differences = tuple(
            paired_difference(a[:, 0], a[:, 1], b[:, 1], metric=name)
            for name in ("spearman", "pearson")
        )
        return Paired(
            differences=differences,
            tests={},
            p_value=differences[0].p_value,
            b_is_better=differences[0].difference > 0,
            same=bool((a[:, 1] == b[:, 1]).all()),
        )


@dataclass(frozen=True, slots=True)
class _Miss:
    """A pair, to be shown where its cosine is far from what is wanted."""

    wanted: float
    found: float
    text: str
    source: str


class SpreadScores:
    """How evenly vectors of texts spread, of which nothing says which belong together.

    Source: Wang and Isola 2020, "Understanding contrastive representation learning", section 4.1.2.
    """

    _most = 2_000  # texts, of which all pairs are looked at

    def __init__(self) -> None:
        self._vectors: list[NDArray[np.float32]] = []
        self._rows = 0

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`; the first texts tell."""
        self._rows += len(records)
        self._vectors += [x[0] for x in answers[: max(0, self._most - len(self._vectors))]]

    def result(self) -> dict[str, Any]:
        """See `Scores`; the logarithm of the mean of exp(-2 d²) over pairs at a distance of d."""
        if not self._rows:
            raise InputError("there are no rows to score")
        if len(self._vectors) < 2:
            return {"uniformity": None}
        unit = np.stack([x / max(float(np.linalg.norm(x)), 1e-12) for x in self._vectors])
        upper = np.triu_indices(len(unit), 1)
        squares = 2 - 2 * (unit @ unit.T)[upper].astype(np.float64)
        return {"uniformity": float(np.log(np.exp(-2 * squares).mean()))}

    def remarks(self) -> list[Finding]:
        """Nothing beside the scores."""
        return []

    def sections(self, split: str) -> list[Section]:
        """See `Scores`; a map of the vectors that were looked at."""
        if not self._vectors:
            return []
        vectors, groups = np.stack(self._vectors), np.zeros(len(self._vectors), np.int64)
        return [map_section(vectors, groups, ["texts"], seen=self._rows, chosen="the first")]

    def paired(self, other: SpreadScores) -> Paired:
        """Refuse: no row is right or wrong.

        Raises:
            InputError: always.
        """
        raise InputError(
            "rows of texts alone do not say which of two models is better; compare on a table "
            "with a column of a second text, or of labels"
        )


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    lengths = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return float(one @ other) / max(lengths, 1e-12)
