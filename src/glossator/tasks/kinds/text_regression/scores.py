"""How good numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.figures import (
    Column,
    Histogram,
    Measure,
    Quotes,
    Scatter,
    Section,
    Table,
)
from glossator.evaluation.regression import RegressionScores, paired_difference
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import useless
from glossator.tasks.quotes import FirstQuotes, WorstQuotes, quote_of
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding, count_of
from glossator.text.records import Record

__all__ = ["MEASURES", "NumberScores"]

MEASURES = (
    Measure("pearson", "Pearson", "number", "high", note="1: all on a line", hub="pearsonr"),
    Measure("spearman", "Spearman", "number", "high", note="of the ranks", hub="spearmanr"),
    Measure("rmse", "RMSE", "number", "low", note="in the units of the numbers"),
    Measure("mae", "Mean error", "number", "low", note="in the units of the numbers"),
    Measure("r2", "R squared", "number", "high", note="share of the variance explained"),
)

_POINTS = 5000  # of the plots, which show no more
_BANDS = 5


class NumberScores:
    """Adds up the scores of answered numbers.

    Args:
        intervals: whether `result` holds bootstrap intervals.
        paired: whether the answers are kept, to be held against another model's.
    """

    def __init__(self, *, intervals: bool, paired: bool):
        self._scores = RegressionScores(intervals=intervals)
        self._worst, self._first = WorstQuotes(), FirstQuotes()
        self._pairs: list[NDArray[np.float64]] = []  # (n, 2) right and answered
        self._held, self._keep_all = 0, paired
        self._sums = np.zeros(4)  # rows, numbers, their squares, squared errors

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        gold = np.array([record.target for record in records], np.float64)
        found = np.array([answer[0] for answer in answers], np.float64)
        self._scores.add(found, gold)
        self._sums += [len(gold), gold.sum(), (gold**2).sum(), ((found - gold) ** 2).sum()]
        if self._keep_all or self._held < _POINTS:
            self._pairs.append(np.stack([gold, found], axis=1))
            self._held += len(gold)
        for record, right, value in zip(records, gold.tolist(), found.tolist(), strict=True):
            told = quote_of, record, f"{right:g}", f"{value:.4g}"
            self._first.offer(*told)
            self._worst.offer(abs(value - right), *told)

    def result(self) -> dict[str, Any]:
        """See `RegressionScores.result`."""
        return self._scores.result()

    def remarks(self) -> list[Finding]:
        """That always the mean would be as good."""
        rows, total, squares, errors = self._sums.tolist()
        spread = squares - total**2 / max(rows, 1)
        if rows < 2 or not 0 < spread <= errors:
            return []
        what = "the model is no better than a guess: the mean for every row would err less"
        return useless(what, int(rows))

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        pairs = np.concatenate(self._pairs)[:_POINTS]
        gold, found = pairs.T
        return [
            Section(
                id="numbers",
                title="Right and answered",
                figures=[
                    Scatter("", gold, found, "right", "answered"),
                    _bands(gold, found),
                    Histogram("Errors", found - gold, "answered less right", "rows"),
                ],
                aside=(
                    "A point on the diagonal is answered exactly; below it too little was "
                    "answered, above it too much.",
                    "Models answer extremes too mildly; the table shows by how much.",
                ),
                short="Numbers",
            ),
            Section(
                id="answers",
                title="Largest errors",
                figures=[
                    Quotes("", self._worst.worst()),
                    Quotes(
                        f"Answers for {count_of(len(self._first.quotes), f'{split} row')}",
                        self._first.quotes,
                    ),
                ],
                aside=(f"The {split} rows whose answer is furthest from what is right.",),
                short="Answers",
            ),
        ]

    def paired(self, other: NumberScores) -> Paired:
        """See `Scores`; the error decides."""
        a, b = np.concatenate(self._pairs), np.concatenate(other._pairs)
        differences = tuple(
            paired_difference(a[:, 0], a[:, 1], b[:, 1], metric=name)
            for name in ("rmse", "pearson", "spearman")
        )
        return Paired(
            differences=differences,
            tests={},
            p_value=differences[0].p_value,
            b_is_better=differences[0].difference < 0,
            same=bool((a == b).all()),
        )


def _bands(gold: NDArray[np.float64], found: NDArray[np.float64]) -> Table:
    """The error in fifths of the rows by the right number."""
    order = np.argsort(gold, kind="stable")
    rows = []
    for part in np.array_split(order, min(_BANDS, len(order))):
        errors = found[part] - gold[part]
        low, high = gold[part].min(), gold[part].max()
        mean, size = float(errors.mean()), float(np.sqrt((errors**2).mean()))
        rows.append((f"{low:g} to {high:g}", mean, size, len(part)))
    columns = (
        Column("Right number", "text"),
        Column("Answered less right", "number"),
        Column("RMSE", "number"),
        Column("Rows", "count"),
    )
    return Table("By the size of the number", columns, rows)
