"""The relation of two pieces of a text, off the marks that open them.

Soares et al. 2019, "Matching the blanks: distributional similarity for relation learning" (entity
start); Zhou and Chen 2021, "An improved baseline for sentence-level relation extraction".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glossator.models.dropout import Dropout
from glossator.models.linear import Linear
from glossator.text.packing import PackedBatch

__all__ = ["RelationHead", "pair_states"]


class RelationHead(nn.Module):
    """`output(dropout(relu(dense([head; tail]))))`.

    Args:
        width: of a hidden state.
        labels: C, how many relations there are.
        dropout: probability of a zero before `output`.
    """

    def __init__(self, width: int, labels: int, dropout: float):
        super().__init__()
        self.dense = Linear(2 * width, width)
        self.dropout = Dropout(dropout)
        self.output = Linear(width, labels)

    def forward(self, x: Tensor) -> Tensor:  # (B, 2 * width) -> (B, C)
        x = torch.relu(self.dense(x))
        return self.output(self.dropout(x))  # type: ignore[no-any-return]


def pair_states(model: nn.Module, batch: PackedBatch, places: Tensor) -> Tensor:
    """(B, 2 * width) float32 final states of two tokens of each text, one after the other.

    Args:
        model: an `EncoderModel`; its last block computes these tokens alone.
        batch: B texts.
        places: (B, 2) of the tokens in their text, from 0, in any order.
    """
    rows, order = (batch.starts[:, None] + places).sort(dim=1)
    states = model(batch, rows.flatten()).view(len(places), 2, -1)  # (B, 2, width)
    back = order.argsort(dim=1)[..., None].expand_as(states)
    return states.gather(1, back).flatten(1)  # type: ignore[no-any-return]
