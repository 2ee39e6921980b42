"""Every stretch of a text scored for every label, so that spans may lie inside one another.

Su et al. 2022, "Global Pointer: novel efficient span-based approach for named entity recognition"
(the efficient form: one score for a stretch, and a bias for each label at its ends), and "ZLPR: a
novel loss for multi-label classification", of the same year.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glossator.models.linear import Linear
from glossator.models.positions import Rotation

__all__ = ["GlobalPointer", "span_loss"]

_SIZE = 64
_THETA = 10_000.0
# Far below any score, and yet finite: the exponential of a difference is 0, never NaN.
_NONE = -1e4


class GlobalPointer(nn.Module):
    """Scores of stretches of words.

    Args:
        width: of the states of words.
        labels: C, how many there are.
        size: of the vectors that are held against each other, even.
    """

    def __init__(self, width: int, labels: int, size: int = _SIZE):
        super().__init__()
        self.labels, self.size = labels, size
        self.pointer = Linear(width, 2 * size)
        self.ends = Linear(2 * size, 2 * labels)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The score of each stretch for each label.

        Args:
            x: (T, width) states of the words of B texts.
            lengths: (B,) words of each, 0 or more.

        Returns:
            (B, C, n, n) from the word down to the word across, both inclusive, n the longest text;
            far below 0 where there is no such stretch.
        """
        both = self.pointer(x)
        first, last = _turned(both, lengths).chunk(2, -1)  # (T, size) each
        first, last = (_padded(part, lengths) for part in (first, last))  # (B, n, size)
        scores = first @ last.transpose(1, 2) / self.size**0.5
        starts, ends = _padded(self.ends(both), lengths).transpose(1, 2).chunk(2, 1)  # (B, C, n)
        scores = scores[:, None] + (starts[..., None] + ends[..., None, :]) / 2
        there: Tensor = scores.masked_fill(~_stretches(lengths)[:, None], _NONE)
        return there


def span_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """What keeps the scores of right stretches above 0, and those of all others below.

    Args:
        scores: (B, C, n, n) as of `GlobalPointer`.
        targets: (B, C, n, n) bool.

    Returns:
        (B,) the mean over labels.

    Source: "ZLPR", equation 3.
    """
    flat, right = scores.flatten(2), targets.flatten(2)
    zero = flat.new_zeros(*flat.shape[:2], 1)
    positive = torch.cat([torch.where(right, -flat, _NONE), zero], -1).logsumexp(-1)
    negative = torch.cat([torch.where(right, _NONE, flat), zero], -1).logsumexp(-1)
    return (positive + negative).mean(-1)


def _turned(both: Tensor, lengths: Tensor) -> Tensor:
    """(T, 2 size) each half turned by the place of its word, so that products see distances."""
    starts = lengths.cumsum(0) - lengths
    places = torch.arange(len(both), device=both.device) - starts.repeat_interleave(lengths)
    size = both.shape[-1] // 2
    rotation = Rotation.at(places, theta=_THETA, dim=size)
    return rotation(both.view(len(both), 2, size)).reshape(both.shape)


def _padded(x: Tensor, lengths: Tensor) -> Tensor:
    """(T, size) of B texts -> (B, n, size)."""
    return nn.utils.rnn.pad_sequence(list(torch.split(x, lengths.tolist())), batch_first=True)


def _stretches(lengths: Tensor) -> Tensor:
    """(B, n, n) whether there is a stretch from the word down to the word across."""
    places = torch.arange(int(lengths.max()), device=lengths.device)
    inside = places < lengths[:, None]
    return (inside[:, :, None] & inside[:, None, :]) & (places[:, None] <= places)
