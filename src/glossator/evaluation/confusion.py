"""What was predicted for what was right: counts of each pair of classes, and the scores they give.

The label -1 stands for every gold label that the model does not have. Such a row is wrong whatever
is predicted; where there are any, they are one class more, of F1 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError

__all__ = [
    "ClassScore",
    "Confusion",
    "class_scores",
    "classification_report",
    "confusion_matrix",
    "count_pairs",
]

Counts = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How well one class is found: shares between 0 and 1, `support` in rows."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Confusion:
    """Pairs of classes that occur, as bootstrap cells.

    Args:
        gold: `(K,)` gold class of each cell, -1 for an unknown label.
        predicted: `(K,)` predicted class of each cell.
        counts: `(K,)` rows in each cell, all above 0.
        n_classes: C, the classes that the model has.
    """

    gold: Counts
    predicted: Counts
    counts: Counts
    n_classes: int

    @classmethod
    def from_table(cls, table: Counts) -> Confusion:
        """The cells of a table `(C + 1, C)` as `count_pairs` makes it."""
        gold, predicted = np.nonzero(table)
        n_classes = table.shape[1]
        counts = table[gold, predicted]
        return cls(np.where(gold == n_classes, -1, gold), predicted, counts, n_classes)

    def accuracy(self, counts: Counts) -> Values:
        """The share of right rows, `(r,)` for a block of counts `(r, K)`."""
        right = counts[:, self.gold == self.predicted].sum(axis=1)
        return np.asarray(right / counts.sum(axis=1), np.float64)

    def macro_f1(self, counts: Counts) -> Values:
        """The mean F1, `(r,)`, over the classes that are gold or predicted in a block `(r, K)`."""
        width = self.n_classes + 1
        support = _group_sums(counts, self.gold % width, width)
        predicted = _group_sums(counts, self.predicted, width)
        right = self.gold == self.predicted
        hits = _group_sums(counts[:, right], self.gold[right], width)
        return _mean_f1(hits, support + predicted)


def _group_sums(counts: Counts, groups: Counts, n_groups: int) -> Counts:
    """Sum the columns of `counts` `(r, K)` that share a group `(K,)`: `(r, n_groups)`."""
    sums = np.zeros((len(counts), n_groups), np.int64)
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    if len(present):
        sums[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
    return sums


def _mean_f1(hits: Counts, either: Counts) -> Values:
    f1 = 2 * hits / np.maximum(either, 1)
    present = np.count_nonzero(either, axis=-1)
    return np.asarray(f1.sum(axis=-1) / np.maximum(present, 1), np.float64)


def count_pairs(gold: Counts, predicted: Counts, table: Counts) -> None:
    """Add rows to `table` `(C + 1, C)`: gold class down, the last row for -1, predicted across.

    Args:
        gold: `(N,)` class indices, -1 for an unknown label.
        predicted: `(N,)` class indices.
        table: changed in place.
    """
    np.add.at(table, (gold, predicted), 1)


def confusion_matrix(gold: ArrayLike, predicted: ArrayLike, n_classes: int) -> Counts:
    """Counts `(C, C)`, gold class down and predicted class across; rows with gold -1 left out.

    Raises:
        InputError: the two differ in length, or an index is not a class.
    """
    return _table(gold, predicted, n_classes)[:n_classes]


def classification_report(
    gold: ArrayLike, predicted: ArrayLike, classes: Sequence[str]
) -> list[ClassScore]:
    """Precision, recall, F1 and support of each class, in the order of `classes`.

    A share whose denominator is zero is 0. A row with gold -1 is a wrong answer of the class that
    was predicted for it.

    Args:
        gold: `(N,)` class indices, -1 for a label that is not in `classes`.
        predicted: `(N,)` class indices.
        classes: names of the C classes.

    Raises:
        InputError: the two differ in length, or an index is not a class.
    """
    return class_scores(_table(gold, predicted, len(classes)), classes)


def class_scores(table: Counts, classes: Sequence[str]) -> list[ClassScore]:
    """The class scores of a table `(C + 1, C)` as `count_pairs` makes it."""
    hits = np.diagonal(table)
    support = table.sum(axis=1)[: len(classes)]
    predicted = table.sum(axis=0)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    columns = zip(classes, precision, recall, f1, support, strict=True)
    return [
        ClassScore(label=label, precision=float(p), recall=float(r), f1=float(f), support=int(n))
        for label, p, r, f, n in columns
    ]


def _table(gold: ArrayLike, predicted: ArrayLike, n_classes: int) -> Counts:
    gold, predicted = np.asarray(gold, np.int64), np.asarray(predicted, np.int64)
    if gold.shape != predicted.shape:
        raise InputError(f"gold has shape {gold.shape} and predicted {predicted.shape}")
    for name, values, lowest in (("gold", gold, -1), ("predicted", predicted, 0)):
        if values.size and (values.min() < lowest or values.max() >= n_classes):
            got = f"{values.min()} to {values.max()}"
            raise InputError(f"{name} holds {got}; expected {lowest} to {n_classes - 1}")
    table = np.zeros((n_classes + 1, n_classes), np.int64)
    count_pairs(gold, predicted, table)
    return table
