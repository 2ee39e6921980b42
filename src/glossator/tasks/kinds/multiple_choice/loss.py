"""The loss of choices, of which each row has a number of its own."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["choice_losses"]


def choice_losses(logits: Tensor, *, rows: Tensor, choices: Tensor, right: Tensor) -> Tensor:
    """Cross-entropy of each row over its own choices, without padding.

    Args:
        logits: (B,) of windows, those of a row side by side, and in it those of a choice.
        rows: (B,) the row of each, rising.
        choices: (B,) its choice in the row, from 0.
        right: (B,) the right choice of its row.

    Returns:
        (R,) losses; the logit of a choice is the mean over its windows.
    """
    _, choice_of = torch.unique_consecutive(
        torch.stack([rows, choices]), dim=1, return_inverse=True
    )
    means = _means(logits, choice_of)
    first = torch.zeros_like(means, dtype=torch.long).scatter_(
        0, choice_of, torch.arange(len(logits), device=logits.device)
    )
    _, row_of = torch.unique_consecutive(rows[first], return_inverse=True)
    count = int(row_of[-1]) + 1 if len(row_of) else 0
    highest = means.new_full((count,), -torch.inf).scatter_reduce(0, row_of, means.detach(), "amax")
    sums = means.new_zeros(count).index_add(0, row_of, (means - highest[row_of]).exp())
    hit = choices[first] == right[first]
    chosen = means.new_zeros(count).index_add(0, row_of, means * hit)
    return sums.log() + highest - chosen


def _means(values: Tensor, group: Tensor) -> Tensor:
    """(G,) means of the values of each group."""
    count = int(group[-1]) + 1 if len(group) else 0
    sums = values.new_zeros(count).index_add(0, group, values)
    return sums / torch.bincount(group, minlength=count)
