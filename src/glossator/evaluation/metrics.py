"""The scores of a classifier, for rows in memory and for rows that stream by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.calibration import Reliability, ReliabilityCounts
from glossator.evaluation.confusion import ClassScore, Confusion, class_scores, count_pairs
from glossator.evaluation.proportions import unless_degenerate
from glossator.evaluation.ranking import roc_auc
from glossator.evaluation.spool import RowSpool
from glossator.evaluation.thresholds import decide

__all__ = ["ClassificationScores", "classification_metrics"]

Floats = NDArray[np.floating[Any]]
Counts = NDArray[np.int64]

_SMALLEST = np.finfo(np.float64).eps  # where a probability of 0 is cut off, as scikit-learn does


def classification_metrics(
    probabilities: ArrayLike,
    gold: ArrayLike,
    classes: Sequence[str],
    *,
    threshold: float | None = None,
    intervals: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """The scores of N rows, by the names and definitions of scikit-learn.

    Args:
        probabilities: `(N, C)`, each row adding up to 1.
        gold: `(N,)` class indices; -1 is a label that the model does not know.
        classes: names of the C classes.
        threshold: with two classes, see `thresholds.decide`.
        intervals: add `accuracy_ci`, `macro_f1_ci`, `micro_f1_ci`: `[low, high]`, 95 percent.
        seed: of the bootstrap, 1,000 resamples.

    Returns:
        What `ClassificationScores.result` returns.

    Raises:
        InputError: no rows, shapes that do not fit, indices or probabilities out of range.
    """
    scores = ClassificationScores(classes, threshold=threshold, intervals=intervals, seed=seed)
    scores.add(probabilities, gold)
    return scores.result()


class ClassificationScores:
    """Adds up the scores of a classifier batch by batch.

    Everything but the ROC AUC is a sum of constant size. For the AUC the probabilities are kept as
    they come, 4 bytes a row and class for float32 and 8 for float64 (two classes need one column),
    past `memory_bytes` in a temporary file. All batches should have one dtype.

    Args:
        classes: names of the C classes, at least two.
        threshold: with two classes, see `thresholds.decide`.
        intervals: whether `result` holds bootstrap intervals.
        seed: of the bootstrap.
        memory_bytes: what is kept in memory before it moves to disk.
        folder: where the temporary file goes; by default the system's place.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        threshold: float | None = None,
        intervals: bool = True,
        seed: int = 0,
        memory_bytes: int = 16 << 20,
        folder: str | Path | None = None,
    ):
        self.classes = tuple(classes)
        self.rows = 0
        self.unknown_labels = 0
        self._threshold = threshold
        self._intervals = intervals
        self._seed = seed
        self._table = np.zeros((len(self.classes) + 1, len(self.classes)), np.int64)
        self._log_loss = 0.0
        self._reliability = ReliabilityCounts()
        self._spool: RowSpool | None = None
        self._open_spool = partial(RowSpool, memory_bytes=memory_bytes, folder=folder)

    def add(self, probabilities: ArrayLike, gold: ArrayLike) -> None:
        """Add probabilities `(n, C)` and gold classes `(n,)`, -1 for an unknown label.

        Raises:
            InputError: shapes that do not fit, indices or probabilities out of range.
            OSError: the disk is full.
        """
        chances, right = np.asarray(probabilities), np.asarray(gold, np.int64)
        if chances.dtype != np.float64:
            chances = chances.astype(np.float32)
        self._check(chances, right)
        known = right >= 0
        self.rows += len(right)
        self.unknown_labels += int(np.count_nonzero(~known))
        count_pairs(right, decide(chances, self._threshold), self._table)
        self._reliability.add(chances, right)
        chosen = chances[known, right[known]].astype(np.float64)
        self._log_loss -= float(np.log(np.clip(chosen, _SMALLEST, 1.0)).sum())
        self._remember(chances[known], right[known])

    def _check(self, chances: Floats, gold: Counts) -> None:
        n_classes = len(self.classes)
        if chances.shape != (len(gold), n_classes) or gold.ndim != 1:
            raise InputError(
                f"probabilities have shape {chances.shape} and gold {gold.shape}; "
                f"expected (N, {n_classes}) and (N,)"
            )
        if len(gold) and (gold.min() < -1 or gold.max() >= n_classes):
            got = f"{gold.min()} to {gold.max()}"
            raise InputError(f"gold holds {got}; expected -1 to {n_classes - 1}")
        if len(gold) and not (chances.min() >= 0 and chances.max() <= 1.001):
            raise InputError("probabilities must lie between 0 and 1; logits need a softmax first")

    def _remember(self, chances: Floats, gold: Counts) -> None:
        columns = chances[:, 1:] if len(self.classes) == 2 else chances
        rows = np.column_stack([gold.astype(chances.dtype), columns])
        if self._spool is None:
            self._spool = self._open_spool(rows.shape[1], rows.dtype)
        self._spool.append(rows)

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far.

        Returns:
            accuracy, macro_f1, micro_f1: unknown labels count as wrong, and in macro F1 as one
                class of F1 0; classes that are neither gold nor predicted are left out of it.
            log_loss: in nats, over known labels; None where there are none.
            roc_auc: of the second of two classes, else the mean of one class against the rest;
                over known labels; None where fewer than two classes occur.
            ece: expected calibration error of the most probable class, 15 bins.
            unknown_labels: rows with gold -1.
            accuracy_ci, macro_f1_ci, micro_f1_ci: `[low, high]`; Wilson's where every row or none
                is right, see `unless_degenerate`.

        Raises:
            InputError: there are no rows.
        """
        if not self.rows:
            raise InputError("there are no rows to score")
        known = self.rows - self.unknown_labels
        cells = Confusion.from_table(self._table)
        accuracy = float(cells.accuracy(cells.counts[None])[0])
        result: dict[str, Any] = {
            "accuracy": accuracy,
            "macro_f1": float(cells.macro_f1(cells.counts[None])[0]),
            "micro_f1": accuracy,  # with one label a row, each wrong answer is one miss of both
            "log_loss": self._log_loss / known if known else None,
            "roc_auc": self._roc_auc(),
            "ece": self.reliability().ece,
            "unknown_labels": self.unknown_labels,
        }
        return result | (self._bootstrap(cells) if self._intervals else {})

    def _bootstrap(self, cells: Confusion) -> dict[str, list[float]]:
        statistics = {"accuracy_ci": cells.accuracy, "macro_f1_ci": cells.macro_f1}
        found = bootstrap_intervals(cells.counts, statistics, seed=self._seed)
        accuracy = unless_degenerate(found["accuracy_ci"], self.rows - self.unknown_labels)
        macro_f1 = unless_degenerate(found["macro_f1_ci"], self._table[:-1].sum(axis=1))
        return {"accuracy_ci": accuracy, "macro_f1_ci": macro_f1, "micro_f1_ci": accuracy}

    def _roc_auc(self) -> float | None:
        if self._spool is None:
            return None
        gold = self._spool.column(0).astype(np.int32)  # half of what the spool gives
        first = 1 if len(self.classes) == 2 else 0
        areas = [
            roc_auc(scores, gold == label)
            for label, scores in enumerate(self._spool.columns(first=1), start=first)
        ]
        present = [area for area in areas if area is not None]
        return float(np.mean(present)) if present else None

    def confusion(self) -> Counts:
        """Counts `(C, C)`: gold class down, predicted class across, unknown labels left out."""
        return self._table[:-1].copy()

    def report(self) -> list[ClassScore]:
        """Precision, recall, F1 and support of each class."""
        return class_scores(self._table, self.classes)

    def reliability(self) -> Reliability:
        """The reliability diagram of the most probable class."""
        return self._reliability.result()
