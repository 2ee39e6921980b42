"""Training the rows of the word table that the data uses, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glossator.models.encoder import Encoder
from glossator.models.linear import Table
from glossator.text.tokenizer import Ids

__all__ = ["narrow_vocabulary"]


class _UsedRows(nn.Module):
    """A word table of some rows, which is asked by the ids of the full one."""

    def __init__(self, full: Table, used: Tensor):
        super().__init__()
        self._full = [full]  # in a list, so that it is no submodule
        self._used = used
        self.weight = nn.Parameter(full.weight.detach()[used].clone())
        self._place = torch.full((full.num_embeddings,), -1, dtype=torch.int64, device=used.device)
        self._place[used] = torch.arange(len(used), device=used.device)

    def forward(self, tokens: Tensor) -> Tensor:  # (T,) -> (T, width)
        return F.embedding(self._place[tokens], self.weight)

    def widen(self) -> Table:
        """The full table, with the rows as they are now."""
        (full,) = self._full
        full.weight.data[self._used] = self.weight.detach()
        return full


@contextmanager
def narrow_vocabulary(encoder: Encoder, texts: Iterable[Ids]) -> Iterator[None]:
    """Put a word table of only the used rows into an encoder, for the length of a block.

    A batch touches some hundred rows of a table of 30,000 to 250,000, but a gradient and an
    optimizer step over the table touch them all. Rows of tokens that occur nowhere in the data
    have no gradient; the one thing plain AdamW would do to them is to decay them, and that is left
    out. All else is the same to the bit.

    Args:
        encoder: its word table is exchanged, and put back with the trained rows at the end.
        texts: token ids of all that the encoder will see inside the block.
    """
    embeddings = encoder.embeddings
    seen = np.zeros(embeddings.words.num_embeddings, dtype=bool)
    for ids in texts:
        seen[ids] = True
    used = torch.from_numpy(np.flatnonzero(seen)).to(embeddings.words.weight.device)
    narrow = _UsedRows(embeddings.words, used)
    embeddings.words = narrow  # type: ignore[assignment]
    try:
        yield
    finally:
        embeddings.words = narrow.widen()
