"""How good relations are: F1 without the relation that says that there is none.

Hendrickx et al. 2010, "SemEval-2010 task 8" (a relation with its direction, macro-averaged); Zhang
et al. 2017, "Position-aware attention and supervised data improve slot filling" (micro-averaged).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.evaluation.bootstrap import bootstrap_intervals, resampled_counts
from glossator.evaluation.comparison import PairedDifference, difference_of
from glossator.evaluation.proportions import unless_degenerate

__all__ = [
    "Cells",
    "RelationCounts",
    "RelationScore",
    "has_directions",
    "paired_relations",
    "usual_negative",
    "without_direction",
]

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

_DIRECTION = re.compile(r"(.*\S)\s*\(\s*e(?:1\s*,\s*e2|2\s*,\s*e1)\s*\)\s*", re.DOTALL)
_NEGATIVE = frozenset(
    [
        *("other", "norelation", "na", "n/a", "none", "null", "unknown", "unrelated", "negative"),
        *("无关系", "無關係", "没有关系", "未知", "无"),
    ]
)


def without_direction(name: str) -> str:
    """The relation of `Cause-Effect(e2,e1)` whichever way it goes; another name as it is."""
    found = _DIRECTION.fullmatch(name)
    return found[1] if found else name


def has_directions(names: Sequence[str], negative: str | None) -> bool:
    """Whether all names, but that of no relation, say which way the relation goes."""
    relations = [name for name in names if name != negative]
    return bool(relations) and all(_DIRECTION.fullmatch(name) for name in relations)


def usual_negative(counts: Mapping[str, int]) -> str | None:
    """The name that usually says that there is no relation; of several the most frequent.

    Args:
        counts: rows of each name.
    """
    found = [name for name in counts if re.sub(r"[\s_-]", "", name).casefold() in _NEGATIVE]
    return min(found, key=lambda name: (-counts[name], name), default=None)


@dataclass(frozen=True, kw_only=True)
class RelationScore:
    """How well a relation is found: shares from 0 to 1.

    Attributes:
        name: of the relation, without its direction where directions are scored.
        support: rows that have it.
        turned: rows that have it and got it the other way round.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    turned: int


@dataclass(frozen=True)
class Cells:
    """Pairs of a right and an answered relation that occur, as bootstrap cells.

    Attributes:
        counts: (K,) rows of each.
        right: (K,) whether both are the same, with their direction.
        gold: (K, G) whether the right one is of each group.
        answered: (K, G) whether the answer is.
    """

    counts: Counts
    right: NDArray[np.bool_]
    gold: Values
    answered: Values

    def accuracy(self, counts: Counts) -> Values:
        """(r,) of a block of counts (r, K)."""
        return np.asarray(counts @ self.right / counts.sum(axis=1), np.float64)

    def macro_f1(self, counts: Counts) -> Values:
        """(r,) mean over the groups that are right or answered in a block."""
        hits, gold, answered = self._sums(counts)
        either = gold + answered
        f1 = 2 * hits / np.maximum(either, 1)
        return np.asarray(f1.sum(axis=1) / np.maximum((either > 0).sum(axis=1), 1), np.float64)

    def micro_f1(self, counts: Counts) -> Values:
        """(r,) of a block, over all groups together."""
        hits, gold, answered = (x.sum(axis=1) for x in self._sums(counts))
        return np.asarray(2 * hits / np.maximum(gold + answered, 1), np.float64)

    def precision(self, counts: Counts) -> Values:
        """(r,) of a block, over all groups together."""
        hits, _, answered = (x.sum(axis=1) for x in self._sums(counts))
        return np.asarray(hits / np.maximum(answered, 1), np.float64)

    def recall(self, counts: Counts) -> Values:
        """(r,) of a block, over all groups together."""
        hits, gold, _ = (x.sum(axis=1) for x in self._sums(counts))
        return np.asarray(hits / np.maximum(gold, 1), np.float64)

    def _sums(self, counts: Counts) -> tuple[Values, Values, Values]:
        """(r, G) each: rows that are right, that are of each group, that got it."""
        hits = (counts * self.right) @ self.gold
        return hits, counts @ self.gold, counts @ self.answered


class RelationCounts:
    """Counts right and answered relations; memory grows with the different pairs of them alone.

    A relation that the model does not have may be right: such a row is wrong.

    Args:
        negative: the name that says that there is no relation, which F1 leaves out; None: none.
        directed: whether names are relations with a direction, so that both directions are one
            relation, and an answer the other way round is wrong.
        seed: of the bootstrap, 1,000 resamples.
    """

    def __init__(self, negative: str | None, *, directed: bool = False, seed: int = 0):
        self.negative, self.directed, self._seed = negative, directed, seed
        self.pairs: Counter[tuple[str, str]] = Counter()

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self.pairs.total()

    def add(self, gold: str, answered: str) -> None:
        """Count a row."""
        self.pairs[gold, answered] += 1

    def result(self, *, intervals: bool = True) -> dict[str, Any]:
        """The scores of all rows so far.

        Returns:
            accuracy: share of rows whose relation is right, the negative one among them.
            macro_f1: mean over relations, the negative one left out; where names have directions
                the official score of SemEval-2010 task 8.
            micro_f1, precision, recall: over all relations together, the negative one left out.
            accuracy_ci, macro_f1_ci, micro_f1_ci: `[low, high]`, 95 percent.
            All but accuracy are None where no row has a relation and none is answered.

        Raises:
            InputError: there are no rows.
        """
        if not self.rows:
            raise InputError("there are no rows to score")
        kinds = sorted(self.pairs)  # in one order however the rows came
        cells = self.cells(kinds, np.array([self.pairs[kind] for kind in kinds], np.int64))
        names = ("accuracy", "macro_f1", "micro_f1", "precision", "recall")
        found: dict[str, Any] = {
            name: float(getattr(cells, name)(cells.counts[None])[0]) for name in names
        }
        if not cells.gold.any() and not cells.answered.any():
            found |= dict.fromkeys(names[1:])
        return found | (self._intervals(cells, found) if intervals else {})

    def _intervals(self, cells: Cells, found: dict[str, Any]) -> dict[str, list[float]]:
        names = [name for name in ("accuracy", "macro_f1", "micro_f1") if found[name] is not None]
        statistics = {f"{name}_ci": getattr(cells, name) for name in names}
        drawn = bootstrap_intervals(cells.counts, statistics, seed=self._seed)
        having = cells.counts @ cells.gold  # (G,) rows
        trials = {"accuracy_ci": self.rows, "macro_f1_ci": having, "micro_f1_ci": having.sum()}
        return {name: unless_degenerate(pair, trials[name]) for name, pair in drawn.items()}

    def report(self) -> list[RelationScore]:
        """The scores of each relation, in the order of their names; the negative one left out."""
        rows = Counter[str]()
        answered, hits, turned = Counter[str](), Counter[str](), Counter[str]()
        for (gold, answer), count in self.pairs.items():
            a, b = self._group(gold), self._group(answer)
            rows[a] += count
            answered[b] += count
            hits[a] += count * (gold == answer)
            turned[a] += count * (gold != answer and a == b)
        return [
            RelationScore(
                name=name,
                precision=hits[name] / max(1, answered[name]),
                recall=hits[name] / max(1, rows[name]),
                f1=2 * hits[name] / (rows[name] + answered[name]),
                support=rows[name],
                turned=turned[name],
            )
            for name in sorted(rows.keys() | answered.keys())
            if name != self.negative
        ]

    def confusion(self, names: Sequence[str]) -> Counts:
        """(C, C) rows by their right name down and the answered one across; of others none."""
        place = {name: number for number, name in enumerate(names)}
        table = np.zeros((len(names), len(names)), np.int64)
        for (gold, answer), count in self.pairs.items():
            if gold in place and answer in place:
                table[place[gold], place[answer]] += count
        return table

    def _group(self, name: str) -> str:
        return without_direction(name) if self.directed and name != self.negative else name

    def cells(self, pairs: Sequence[tuple[str, str]], counts: Counts) -> Cells:
        """K pairs of a right and an answered name, of which some may be alike, as cells.

        Args:
            pairs: K of them.
            counts: (K,) rows of each.
        """
        groups = sorted({self._group(name) for pair in pairs for name in pair} - {self.negative})
        place = {name: number for number, name in enumerate(groups)}
        gold, answered = np.zeros((2, len(pairs), len(groups)))
        for number, pair in enumerate(pairs):
            for flags, name in zip((gold, answered), pair, strict=True):
                if name != self.negative:
                    flags[number, place[self._group(name)]] = 1
        right = np.array([name == answer for name, answer in pairs], bool)
        return Cells(counts, right, gold, answered)


def paired_relations(
    metric: str,
    counts: RelationCounts,
    gold: Sequence[str],
    a: Sequence[str],
    b: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Score two models on the same resampled rows and look at how the difference spreads.

    Args:
        metric: `accuracy`, `macro_f1` or `micro_f1`.
        counts: says what is no relation, and whether names have directions.
        gold: of N rows.
        a: what one model answers.
        b: what the other does.

    Raises:
        InputError: there are no rows.

    Source: Koehn 2004, "Statistical significance tests for machine translation evaluation".
    """
    if not gold:
        raise InputError("there are no rows to compare")
    triples = Counter(zip(gold, a, b, strict=True))
    kinds = sorted(triples)
    number = np.array([triples[kind] for kind in kinds], np.int64)
    first, second = (
        getattr(counts.cells([(kind[0], kind[side]) for kind in kinds], number), metric)
        for side in (1, 2)
    )
    blocks = resampled_counts(number, resamples=resamples, seed=seed)
    drawn = np.concatenate([second(block) - first(block) for block in blocks])
    whole = number[None]
    return difference_of(metric, float(first(whole)[0]), float(second(whole)[0]), drawn)
