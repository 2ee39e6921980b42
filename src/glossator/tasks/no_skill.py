"""Whether a model answers better than one that has not read the texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.confusion import ClassScore
from glossator.text.findings import Finding, count_of, quoted

__all__ = ["finds_nothing", "no_skill", "useless"]

_FEW = 10


def no_skill(labels: Sequence[str], confusion: NDArray[np.int64]) -> list[Finding]:
    """That one label is answered for every row, or that always the same would be as good.

    Args:
        labels: C of them.
        confusion: (C, C) rows, by the right label down and the answered one across.
    """
    gold, answered, right = confusion.sum(axis=1), confusion.sum(axis=0), int(confusion.trace())
    rows, most = int(gold.sum()), int(gold.max())
    if np.count_nonzero(gold) < 2 or rows < _FEW:  # nothing to tell apart, or too few to say
        return []
    if np.count_nonzero(answered) == 1:
        only = quoted(labels[int(answered.argmax())])
        return useless(f"the model answers {only} for every row", rows)
    if right <= most:
        return useless(
            f"the model is no better than a guess: {right:,} of {count_of(rows, 'row')} are right, "
            f"and {quoted(labels[int(gold.argmax())])} for every row would be right {most:,} times",
            rows,
        )
    return []


def finds_nothing(report: Sequence[ClassScore], noun: str, rows: int) -> list[Finding]:
    """That of all that is to be found nothing is; `noun` is what that would be."""
    if not any(each.support for each in report) or any(each.recall for each in report):
        return []
    return useless(f"the model finds no {noun} rightly", rows)


def useless(what: str, rows: int) -> list[Finding]:
    """The finding, with what helps most often."""
    helps = "more rows, more --epochs or another --learning-rate may help"
    return [Finding("no_skill", "warning", f"{what}; {helps}", rows)]
