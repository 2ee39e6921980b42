"""The scores of spans found in texts: exact match of borders and label, and what went wrong.

Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 shared task" (the measure);
Chinchor and Sundheim 1993, "MUC-5 evaluation metrics" (the kinds of error).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.confusion import ClassScore, class_scores
from glossator.evaluation.proportions import unless_degenerate
from glossator.text.tagging import Span

__all__ = ["EntityErrors", "EntityScores"]

Counts = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class EntityErrors:
    """What became of gold and predicted spans; each of them is counted once.

    Args:
        right: borders and label are those of a gold span.
        wrong_label: the borders alone are.
        wrong_border: the label is that of a gold span which it overlaps.
        missed: gold spans of which none of these is true.
        invented: predicted spans of which none of these is true.
    """

    right: int
    wrong_label: int
    wrong_border: int
    missed: int
    invented: int


class EntityScores:
    """Adds up the scores of spans batch by batch; memory grows with the kinds of rows alone.

    A row is a text with its spans, in any order; they may overlap. A span given twice is one.

    Args:
        labels: names that the model can give.
        intervals: whether `result` holds bootstrap intervals.
        seed: of the bootstrap, 1,000 resamples of rows.
    """

    def __init__(self, labels: Sequence[str], *, intervals: bool = True, seed: int = 0):
        self.labels = tuple(labels)
        self.rows = 0
        self._intervals = intervals
        self._seed = seed
        self._number = {label: number for number, label in enumerate(self.labels)}
        # Gold down and predicted across: the labels, none, and for gold one the model lacks.
        self._table = np.zeros((len(labels) + 2, len(labels) + 1), np.int64)
        self._wrong_border = 0
        # Rows alike in their hits, false and missed spans are one cell of the bootstrap.
        self._cells: Counter[tuple[int, int, int]] = Counter()

    def add(self, gold: Sequence[Iterable[Span]], predicted: Sequence[Iterable[Span]]) -> None:
        """Add the spans of some rows; a gold label that the model lacks counts as missed.

        Raises:
            InputError: the two differ in length, or a predicted label is none of `labels`.
        """
        if len(gold) != len(predicted):
            raise InputError(f"gold has {len(gold)} rows and predicted {len(predicted)}")
        for wanted, found in zip(gold, predicted, strict=True):
            self._add_row(set(wanted), set(found))

    def _add_row(self, gold: set[Span], predicted: set[Span]) -> None:
        if strange := sorted({span.label for span in predicted} - self._number.keys()):
            known = ", ".join(self.labels)
            raise InputError(f"label '{strange[0]}' was predicted; the labels are: {known}")
        hits = gold & predicted
        missed, false = sorted(gold - hits), sorted(predicted - hits)
        self.rows += 1
        self._cells[len(hits), len(false), len(missed)] += 1
        swapped, missed, false = _swapped(missed, false)
        self._wrong_border += _moved(missed, false)
        for right in hits:
            self._count(right.label, right.label)
        for wanted, found in swapped:
            self._count(wanted, found)
        for span in missed:
            self._count(span.label, None)
        for span in false:
            self._count(None, span.label)

    def _count(self, gold: str | None, predicted: str | None) -> None:
        none = len(self.labels)
        row = none if gold is None else self._number.get(gold, none + 1)
        column = none if predicted is None else self._number[predicted]
        self._table[row, column] += 1

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far; a share whose denominator is zero is 0.

        Returns:
            precision, recall, f1: over all spans alike (micro), the CoNLL measure.
            macro_f1: the mean over labels that are gold or predicted; labels that the model lacks
                are one more, of F1 0.
            entities: gold spans.
            rows: texts.
            unknown_labels: gold spans whose label the model lacks.
            precision_ci, recall_ci, f1_ci: `[low, high]`, 95 percent; Wilson's where every span or
                none is right, a row with spans being one trial.

        Raises:
            InputError: there are no rows.
        """
        if not self.rows:
            raise InputError("there are no rows to score")
        cells, counts = self._bootstrap_cells()
        whole = (counts @ cells)[None]
        result: dict[str, Any] = {name: float(of(whole)[0]) for name, of in _SCORES.items()}
        result |= {"macro_f1": self._macro_f1(), "entities": self._gold, "rows": self.rows}
        result |= {"unknown_labels": self.unknown_labels}
        return result | (self._bootstrap(cells, counts) if self._intervals else {})

    @property
    def unknown_labels(self) -> int:
        """Gold spans whose label the model lacks."""
        return int(self._table[-1].sum())

    def _bootstrap_cells(self) -> tuple[Counts, Counts]:
        """Hits, false and missed spans of each kind of row `(K, 3)`, and rows of it `(K,)`."""
        kinds = sorted(self._cells)  # in one order however the rows came
        counts = np.array([self._cells[kind] for kind in kinds], np.int64)
        return np.array(kinds, np.int64), counts

    def _bootstrap(self, cells: Counts, counts: Counts) -> dict[str, list[float]]:
        # One statistic is bound per name: `of` would be the last one by the time it is called.
        statistics = {
            f"{name}_ci": lambda block, of=of: of(block @ cells) for name, of in _SCORES.items()
        }
        found = bootstrap_intervals(counts, statistics, seed=self._seed)
        hits, false, missed = cells.T
        trials = {"precision": hits + false, "recall": hits + missed, "f1": cells.sum(axis=1)}
        return {
            f"{name}_ci": unless_degenerate(found[f"{name}_ci"], counts[spans > 0].sum())
            for name, spans in trials.items()
        }

    @property
    def _gold(self) -> int:
        return int(np.delete(self._table, len(self.labels), axis=0).sum())

    def _macro_f1(self) -> float:
        seen = self._table.sum(axis=1)[: len(self.labels)] + self._table.sum(axis=0)[:-1]
        f1 = [score.f1 for score, either in zip(self.report(), seen, strict=True) if either]
        f1 += [0.0] * bool(self._table[-1].any())
        return float(np.mean(f1)) if f1 else 0.0

    def report(self) -> list[ClassScore]:
        """Precision, recall, F1 and support, in spans, of each label."""
        return class_scores(self._table, [*self.labels, "none"])[:-1]

    def confusion(self) -> Counts:
        """Counts `(C + 1, C + 1)` of spans by label: gold down, predicted across, none last.

        A pair has the same borders; where only one side has a span there, the other is none. Gold
        labels that the model lacks are left out.
        """
        return self._table[:-1].copy()

    def errors(self) -> EntityErrors:
        """How many spans were right, and how the others were wrong."""
        none, moved = len(self.labels), self._wrong_border
        missed = int(np.delete(self._table, none, axis=0)[:, none].sum())
        right = int(np.trace(self._table))
        return EntityErrors(
            right=right,
            wrong_label=self._gold - missed - right,
            wrong_border=moved,
            missed=missed - moved,
            invented=int(self._table[none].sum()) - moved,
        )


def _swapped(
    gold: list[Span], predicted: list[Span]
) -> tuple[list[tuple[str, str]], list[Span], list[Span]]:
    """Labels of spans whose borders alone are the same, and the spans that are left."""
    at: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for span in predicted:
        at[span.start, span.end].append(span)
    pairs, left = [], []
    for span in gold:
        if here := at[span.start, span.end]:
            pairs.append((span.label, here.pop(0).label))
        else:
            left.append(span)
    return pairs, left, sorted(span for here in at.values() for span in here)


def _moved(gold: list[Span], predicted: list[Span]) -> int:
    """How many gold spans overlap a predicted one of their label; one stands for one alone."""
    left = list(predicted)
    for span in gold:
        for other in left:
            if other.label == span.label and span.start < other.end and other.start < span.end:
                left.remove(other)
                break
    return len(predicted) - len(left)


def _precision(sums: Counts) -> Values:  # (r, 3) hits, false, missed -> (r,)
    return np.asarray(sums[:, 0] / np.maximum(sums[:, 0] + sums[:, 1], 1), np.float64)


def _recall(sums: Counts) -> Values:
    return np.asarray(sums[:, 0] / np.maximum(sums[:, 0] + sums[:, 2], 1), np.float64)


def _f1(sums: Counts) -> Values:
    return np.asarray(2 * sums[:, 0] / np.maximum(sums @ np.array([2, 1, 1]), 1), np.float64)


_SCORES = {"precision": _precision, "recall": _recall, "f1": _f1}
