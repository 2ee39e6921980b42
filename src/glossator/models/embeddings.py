"""From token ids to the first hidden state."""

from __future__ import annotations

from torch import Tensor, nn

from glossator.models.dropout import Dropout
from glossator.models.linear import Table
from glossator.text.packing import PackedBatch

__all__ = ["Embeddings", "SegmentTable"]


class SegmentTable(Table):
    """One learned vector for each sentence of a pair, or one for both as RoBERTa has it."""

    def forward(self, batch: PackedBatch) -> Tensor:  # type: ignore[override]
        """(T, width), or (width,) where the whole batch is of segment 0 or there is no other."""
        if batch.segments is None or self.num_embeddings == 1:
            return self.weight[0]
        return super().forward(batch.segments)


class Embeddings(nn.Module):
    """`dropout(norm(word + position + segment))`, whichever of the three the family has.

    Args:
        words: table of the vocabulary. It has no `padding_idx`: a packed batch holds no padding.
        added: tables that take the batch; their rows are added to the words'.
        norm: layer norm of the sum.
        dropout: probability of a zero after the norm.
    """

    def __init__(self, words: Table, added: dict[str, nn.Module], norm: nn.Module, dropout: float):
        super().__init__()
        self.words = words
        self.added = nn.ModuleDict(added)
        self.norm = norm
        self.dropout = Dropout(dropout)

    def forward(self, batch: PackedBatch) -> Tensor:  # (T, width)
        x = self.words(batch.tokens)
        for table in self.added.values():
            x = x + table(batch)
        return self.dropout(self.norm(x))  # type: ignore[no-any-return]
