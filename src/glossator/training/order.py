"""Which rows an epoch has, in which order, and their examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from glossator.tasks.learnable import Example, Learnable, Ordering
from glossator.training.randomness import shuffled
from glossator.training.rows import ListedRows, Rows

__all__ = ["epoch_order", "examples_of"]


def epoch_order(task: Learnable[Any], rows: Rows, seed: int, epoch: int) -> Tensor:
    """(N,) the numbers of the rows of an epoch: each once, unless what is learned says otherwise.

    It hangs on seed and epoch alone, so that a run can be taken up anywhere.
    """
    if isinstance(task, Ordering) and isinstance(rows, ListedRows):
        own = task.order(rows.listed, seed, epoch)
        if own is not None:
            return torch.from_numpy(own)
    return shuffled(len(rows), seed, epoch)


def examples_of(rows: Rows, numbers: Sequence[int]) -> list[Example]:
    """The examples of rows; one that comes twice counts as two, also where it stands twice."""
    if len(set(numbers)) == len(numbers):
        return [example for i in numbers for example in rows[i]]
    return [
        dataclasses.replace(example, row=place)
        for place, i in enumerate(numbers)
        for example in rows[i]
    ]
