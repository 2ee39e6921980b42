"""How well candidates of queries are put in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.evaluation.figures import Measure, Quote, Quotes, Section
from glossator.evaluation.means import means, paired_means
from glossator.evaluation.retrieval import graded
from glossator.tasks.learnable import Encoded
from glossator.tasks.rank_table import rank_section
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding
from glossator.text.records import Record

__all__ = ["MEASURES", "RankScores"]

_AT = 10
_SHOWN = 400
_MISSES = 50
MEASURES = (
    Measure("ndcg", f"NDCG of {_AT}", "share", "high", note="1: the best order", hub="ndcg"),
    Measure("mrr", "Mean reciprocal rank", "share", "high", hub="mrr"),
    Measure("recall", f"Recall of {_AT}", "share", "high", hub="recall"),
)


class RankScores:
    """Adds up how good the order of candidates is, query by query.

    Args:
        intervals: whether `result` holds bootstrap intervals.
    """

    def __init__(self, *, intervals: bool):
        self._intervals = intervals
        self._rows: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
        self._values: NDArray[np.float64] | None = None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        self._values = None
        for record, answer in zip(records, answers, strict=True):
            query, candidate = record.texts
            row = float(answer[0]), float(record.target), candidate[:_SHOWN]
            self._rows[query].append(row)

    def _measured(self) -> NDArray[np.float64]:
        """(Q, 3) measures of each query that has a relevant candidate, in the order of MEASURES."""
        if not self._rows:
            raise InputError("there are no rows to score")
        if self._values is None:
            found = []
            for rows in self._rows.values():
                scores, grades = np.array([row[:2] for row in rows]).T
                if grades.max() > 0:
                    found.append(graded(scores, grades, at=_AT))
            self._values = np.array(found, np.float64).reshape(-1, len(MEASURES))
        return self._values

    def result(self) -> dict[str, Any]:
        """See `Scores`: means over queries; None where no query has a relevant candidate."""
        values = self._measured()
        if not len(values):
            return {measure.name: None for measure in MEASURES}
        named = {measure.name: values[:, i] for i, measure in enumerate(MEASURES)}
        return means(named, intervals=self._intervals)

    def remarks(self) -> list[Finding]:
        """That some queries have nothing that could be found."""
        without = len(self._rows) - len(self._measured())
        if not without:
            return []
        message = (
            f"{without:,} of {len(self._rows):,} queries have no relevant candidate: the scores "
            "leave them out"
        )
        return [Finding("nothing_relevant", "warning", message, without)]

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        values = self._measured()
        places = np.round(1 / np.maximum(values[:, 1], 1e-9)).astype(np.int64)
        title = "Where the first relevant candidate stands"
        return [
            rank_section(title, places, "queries"),
            Section(
                id="misses",
                title="Worst misses",
                figures=[Quotes("", self._misses(), none=f"No {split} query was missed.")],
                aside=["Queries whose first candidate is not relevant, the surest first."],
                short="Misses",
            ),
        ]

    def _misses(self) -> list[Quote]:
        """Queries with a candidate before the best one, and how far above it stands."""
        found = []
        for query, rows in self._rows.items():
            first = max(rows, key=lambda row: (row[0], -row[1]))
            best = max(rows, key=lambda row: (row[1], row[0]))
            if first[1] < best[1]:
                quote = Quote(query[:_SHOWN], best[2], first[2])
                found.append((first[0] - best[0], quote))
        found.sort(key=lambda x: -x[0])
        return [quote for _, quote in found[:_MISSES]]

    def paired(self, other: RankScores) -> Paired:
        """See `Scores`; NDCG decides."""
        a, b = self._measured(), other._measured()
        if not len(a):
            raise InputError("no query has a relevant candidate, so that there is no better order")
        differences = tuple(
            paired_means(measure.name, a[:, i], b[:, i]) for i, measure in enumerate(MEASURES)
        )
        return Paired(
            differences=differences,
            tests={},
            p_value=differences[0].p_value,
            b_is_better=differences[0].difference > 0,
            same=bool((a == b).all()),
        )
