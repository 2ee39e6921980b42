"""A batch without padding: the tokens of all texts, one after another."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["PackedBatch", "pack"]


@dataclass(frozen=True)
class PackedBatch:
    """B texts of T tokens in all.

    Attributes:
        tokens: (T,) int64, ids of the vocabulary.
        lengths: (B,) int64, tokens of each text, 1 or more; they add up to T.
        segments: (T,) int64, 0 in the first sentence of a pair and 1 in the second; None: all 0.
        positions: (T,) int64, place of each token in its text, from 0.
    """

    tokens: Tensor
    lengths: Tensor
    segments: Tensor | None
    positions: Tensor

    @property
    def texts(self) -> int:
        """B, the number of texts."""
        return len(self.lengths)

    @property
    def starts(self) -> Tensor:
        """(B,) row of the first token of each text."""
        return self.lengths.cumsum(0) - self.lengths

    def counts(self, rows: Tensor) -> Tensor:
        """(B,) how many of `rows` (R,), row numbers in rising order, lie in each text."""
        ends = torch.searchsorted(rows, self.lengths.cumsum(0))
        return ends.diff(prepend=ends.new_zeros(1))

    def to(self, device: torch.device | str) -> PackedBatch:
        """The same batch on another device."""
        moved = {
            field.name: value.to(device)
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return dataclasses.replace(self, **moved)


def pack(
    sequences: Sequence[Sequence[int] | NDArray[np.integer]],
    segments: Sequence[Sequence[int] | NDArray[np.integer]] | None = None,
) -> PackedBatch:
    """Lay token ids one text after another.

    Args:
        sequences: token ids of each text, at least one text and one token in each.
        segments: segment ids, as many as token ids; all 0 when left out.

    Raises:
        ValueError: there is no text, a text is empty, or segments and tokens differ in number.
    """
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    if not lengths.size or not lengths.min():
        what = f"text {lengths.argmin()} has no token" if lengths.size else "there is no text"
        raise ValueError(f"cannot pack the batch: {what}; a text has at least one token")
    starts = np.cumsum(lengths) - lengths
    tokens = _flat(sequences, lengths)
    return PackedBatch(
        tokens=tokens,
        lengths=torch.from_numpy(lengths),
        segments=None if segments is None else _flat_segments(segments, lengths),
        positions=torch.from_numpy(np.arange(len(tokens)) - np.repeat(starts, lengths)),
    )


def _flat_segments(
    segments: Sequence[Sequence[int] | NDArray[np.integer]], lengths: NDArray[np.int64]
) -> Tensor:
    got, expected = [len(text) for text in segments], lengths.tolist()
    if got != expected:
        raise ValueError(f"segments have lengths {got}, but tokens have lengths {expected}")
    return _flat(segments, lengths)


def _flat(
    sequences: Sequence[Sequence[int] | NDArray[np.integer]], lengths: NDArray[np.int64]
) -> Tensor:
    if all(isinstance(text, np.ndarray) for text in sequences):
        return torch.from_numpy(np.concatenate(sequences).astype(np.int64, copy=False))
    ids = itertools.chain.from_iterable(sequences)
    return torch.from_numpy(np.fromiter(ids, dtype=np.int64, count=int(lengths.sum())))
