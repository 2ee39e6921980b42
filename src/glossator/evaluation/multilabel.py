"""The scores of a model that gives each row any number of labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.bootstrap import percentile_interval, resampled_counts
from glossator.evaluation.calibration import Reliability, ReliabilityCounts
from glossator.evaluation.confusion import ClassScore
from glossator.evaluation.label_thresholds import decide_labels
from glossator.evaluation.proportions import unless_degenerate
from glossator.evaluation.ranking import roc_auc
from glossator.evaluation.row_sample import RowSample, narrowed
from glossator.evaluation.spool import RowSpool

__all__ = ["MultilabelScores", "multilabel_metrics"]

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]

_SMALLEST = np.finfo(np.float64).eps  # where a probability of 0 is cut off, as scikit-learn does
_SAMPLE = 10_000  # rows that the bootstrap draws from
_AT_ONCE = 64  # labels whose flags are unpacked together, a multiple of 8


def multilabel_metrics(
    probabilities: ArrayLike,
    gold: ArrayLike,
    classes: Sequence[str],
    *,
    thresholds: ArrayLike = 0.5,
    intervals: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """The scores of N rows and C labels, `(N, C)` each; see `MultilabelScores`.

    Raises:
        InputError: no rows, shapes that do not fit, or probabilities out of range.
    """
    scores = MultilabelScores(classes, thresholds=thresholds, intervals=intervals, seed=seed)
    scores.add(probabilities, gold)
    return scores.result()


class MultilabelScores:
    """Adds up the scores of a multi-label classifier batch by batch.

    Everything but the ROC AUC and the intervals is a sum of constant size. For the AUC the
    probabilities are kept, past `memory_bytes` in a temporary file; all batches should have one
    dtype. The intervals come from a random sample of 10,000 rows, narrowed to the number of all.

    Args:
        classes: names of the C labels.
        thresholds: above which a label is given; one number, or `(C,)`.
        intervals: whether `result` holds bootstrap intervals.
        seed: of the sample and of the bootstrap, 1,000 resamples.
        memory_bytes: what is kept in memory before it moves to disk.
        folder: where the temporary file goes; by default the system's place.

    Raises:
        InputError: as many thresholds as there are labels, or one, were expected.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        thresholds: ArrayLike = 0.5,
        intervals: bool = True,
        seed: int = 0,
        memory_bytes: int = 16 << 20,
        folder: str | Path | None = None,
    ):
        self.classes = tuple(classes)
        self.rows = 0
        self.thresholds = np.asarray(thresholds, np.float64)
        if self.thresholds.shape not in {(), (len(classes),)}:
            got = f"thresholds have shape {self.thresholds.shape}"
            raise InputError(f"{got}; expected one number, or ({len(classes)},)")
        self._intervals = intervals
        self._seed = seed
        self._counts = np.zeros((3, len(classes)), np.int64)  # hits, predicted, gold
        self._sums = dict.fromkeys(
            ("exact_match", "sample_f1", "log_loss", "empty_gold", "empty_predicted"), 0.0
        )
        self._reliability = ReliabilityCounts()
        width = 2 * -(-len(classes) // 8)
        self._sample = RowSample(width, np.dtype(np.uint8), size=_SAMPLE, seed=seed)
        self._spool: RowSpool | None = None
        self._open_spool = partial(RowSpool, memory_bytes=memory_bytes, folder=folder)

    def add(self, probabilities: ArrayLike, gold: ArrayLike) -> None:
        """Add probabilities `(n, C)`, and whether each row has each label `(n, C)`.

        Raises:
            InputError: shapes that do not fit, or probabilities out of range.
            OSError: the disk is full.
        """
        chances, right = np.asarray(probabilities), np.asarray(gold, np.bool_)
        if chances.dtype != np.float64:
            chances = chances.astype(np.float32)
        self._check(chances, right)
        predicted = decide_labels(chances, self.thresholds)
        self.rows += len(right)
        self._counts += [flags.sum(axis=0) for flags in (right & predicted, predicted, right)]
        for name, values in _row_values(right, predicted).items():
            self._sums[name] += float(values.sum())
        self._add_chances(chances, right)
        self._sample.add(np.column_stack([np.packbits(right, 1), np.packbits(predicted, 1)]))

    def _check(self, chances: Floats, gold: Flags) -> None:
        n_classes = len(self.classes)
        if chances.shape != gold.shape or chances.ndim != 2 or chances.shape[1] != n_classes:
            raise InputError(
                f"probabilities have shape {chances.shape} and gold {gold.shape}; "
                f"expected (N, {n_classes}) both"
            )
        if chances.size and not (chances.min() >= 0 and chances.max() <= 1):
            raise InputError("probabilities must lie between 0 and 1; logits need a sigmoid first")

    def _add_chances(self, chances: Floats, gold: Flags) -> None:
        wide = chances.astype(np.float64)
        of_gold = np.where(gold, wide, 1 - wide)
        self._sums["log_loss"] -= float(np.log(np.clip(of_gold, _SMALLEST, 1)).sum())
        pairs = np.column_stack([1 - wide.ravel(), wide.ravel()])
        self._reliability.add(pairs, gold.ravel().astype(np.int64))
        if self._spool is None:
            self._spool = self._open_spool(len(self.classes), chances.dtype)
        # The sign says whether the row has the label; that of 0 does so too.
        self._spool.append(np.copysign(chances, np.where(gold, -1, 1)))

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far; a share whose denominator is zero is 0.

        Returns:
            micro_f1, precision, recall: over all pairs of a row and a label.
            macro_f1: the mean over labels that are gold or predicted.
            sample_f1: the mean over rows; 1 where no label is gold and none predicted.
            exact_match: the share of rows with exactly the gold labels.
            log_loss: binary, in nats, the mean over all pairs.
            roc_auc: the mean over labels that some rows have and others have not; else None.
            ece: expected calibration error of "has it" or "has it not", over all pairs, 15 bins.
            empty_gold, empty_predicted: rows without a label.
            micro_f1_ci, macro_f1_ci: `[low, high]`, 95 percent; Wilson's where every label or none
                is right, a row with labels being one trial.

        Raises:
            InputError: there are no rows.
        """
        if not self.rows:
            raise InputError("there are no rows to score")
        hits, predicted, gold = (int(count) for count in self._counts.sum(axis=1))
        pairs = self.rows * max(1, len(self.classes))
        result: dict[str, Any] = {
            **{name: float(of(self._counts[:, None])[0]) for name, of in _SCORES.items()},
            "sample_f1": self._sums["sample_f1"] / self.rows,
            "precision": hits / max(1, predicted),
            "recall": hits / max(1, gold),
            "exact_match": self._sums["exact_match"] / self.rows,
            "log_loss": self._sums["log_loss"] / pairs,
            "roc_auc": self._roc_auc(),
            "ece": self.reliability().ece,
            "empty_gold": int(self._sums["empty_gold"]),
            "empty_predicted": int(self._sums["empty_predicted"]),
        }
        return result | (self._bootstrap(result) if self._intervals else {})

    def _roc_auc(self) -> float | None:
        areas = (
            []
            if self._spool is None
            else [roc_auc(np.abs(column), np.signbit(column)) for column in self._spool.columns()]
        )
        present = [area for area in areas if area is not None]
        return float(np.mean(present)) if present else None

    def _bootstrap(self, whole: dict[str, Any]) -> dict[str, list[float]]:
        rows = self._sample.rows
        ones = np.ones(len(rows), np.int64)
        drawn: dict[str, list[Values]] = {name: [] for name in _SCORES}
        for counts in resampled_counts(ones, seed=self._seed):
            sums = _label_sums(counts, rows, len(self.classes))
            for name, of in _SCORES.items():
                drawn[name].append(of(sums))
        sample = _label_sums(ones[None], rows, len(self.classes))
        empty = min(whole["empty_gold"], whole["empty_predicted"])
        trials: dict[str, Any] = {"micro_f1": self.rows - empty, "macro_f1": self._counts[2]}
        intervals = {}
        for name, of in _SCORES.items():
            around = narrowed(
                np.concatenate(drawn[name]),
                center=float(of(sample)[0]),
                value=whole[name],
                rows=len(rows),
                seen=self.rows,
            )
            intervals[f"{name}_ci"] = unless_degenerate(percentile_interval(around), trials[name])
        return intervals

    def report(self) -> list[ClassScore]:
        """Precision, recall, F1 and support of each label."""
        hits, predicted, gold = self._counts
        columns = (
            self.classes,
            hits / np.maximum(predicted, 1),
            hits / np.maximum(gold, 1),
            2 * hits / np.maximum(predicted + gold, 1),
            gold,
        )
        return [
            ClassScore(
                label=label, precision=float(p), recall=float(r), f1=float(f), support=int(n)
            )
            for label, p, r, f, n in zip(*columns, strict=True)
        ]

    def reliability(self) -> Reliability:
        """The reliability diagram of "has it" or "has it not" over all pairs."""
        return self._reliability.result()


def _row_values(gold: Flags, predicted: Flags) -> dict[str, NDArray[Any]]:
    """What each row adds to the sums, `(n,)` by name."""
    wanted, found = gold.sum(axis=1), predicted.sum(axis=1)
    either = wanted + found
    f1 = 2 * (gold & predicted).sum(axis=1) / np.maximum(either, 1)
    return {
        "exact_match": (gold == predicted).all(axis=1),
        "sample_f1": np.where(either > 0, f1, 1.0),
        "empty_gold": wanted == 0,
        "empty_predicted": found == 0,
    }


def _label_sums(counts: Counts, rows: NDArray[np.uint8], n_classes: int) -> Values:
    """Hits, predicted and gold rows of each label `(3, r, C)` for blocks of counts `(r, K)`.

    Args:
        counts: how often each row was drawn.
        rows: `(K, 2 bytes)` packed flags, gold and then predicted.
        n_classes: C.
    """
    weights = counts.astype(np.float32)  # exact: no sum comes near 2 ** 24
    sums = [
        np.stack([weights @ flags for flags in (gold * predicted, predicted, gold)])
        for gold, predicted in _unpacked(rows)
    ]
    return np.concatenate(sums, axis=2)[:, :, :n_classes].astype(np.float64)


def _unpacked(rows: NDArray[np.uint8]) -> Iterator[tuple[Floats, Floats]]:
    """Gold and predicted flags of some labels at a time, `(K, labels)`."""
    width = rows.shape[1] // 2
    for first in range(0, width, _AT_ONCE // 8):
        part = slice(first, min(first + _AT_ONCE // 8, width))
        gold, predicted = (
            np.unpackbits(half[:, part], axis=1).astype(np.float32)
            for half in (rows[:, :width], rows[:, width:])
        )
        yield gold, predicted


def _micro_f1(sums: NDArray[Any]) -> Values:  # (3, r, C) -> (r,)
    hits, predicted, gold = sums.sum(axis=2)
    return np.asarray(2 * hits / np.maximum(predicted + gold, 1), np.float64)


def _macro_f1(sums: NDArray[Any]) -> Values:
    hits, predicted, gold = sums
    either = predicted + gold
    f1 = (2 * hits / np.maximum(either, 1)).sum(axis=1)
    return np.asarray(f1 / np.maximum(np.count_nonzero(either, axis=1), 1), np.float64)


_SCORES = {"micro_f1": _micro_f1, "macro_f1": _macro_f1}
