"""The packed encoder: one forward for every family."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from glossator.models.attention import AttentionPlan
from glossator.models.block import AttentionKind, Block
from glossator.models.embeddings import Embeddings
from glossator.models.positions import Rotation
from glossator.models.recomputation import recomputed
from glossator.text.packing import PackedBatch

__all__ = ["Encoder", "EncoderConfig", "EncoderOutput"]


class EncoderConfig(Protocol):
    """What the config of every family says."""

    @property
    def model_type(self) -> str:
        """The family as `config.json` names it."""

    @property
    def hidden_size(self) -> int:
        """Width of a hidden state."""

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have, special tokens counted."""

    @property
    def initializer_range(self) -> float:
        """Standard deviation of new weights."""

    def to_hf(self) -> dict[str, Any]:
        """The config as `config.json` has it."""


@dataclass(frozen=True)
class EncoderOutput:
    """What an encoder computed.

    Attributes:
        last: (R, width) final hidden states of the rows asked for, (T, width) when of all rows.
        hidden_states: the input of every block and `last`; None unless asked for.
        attention_maps: for each block one (heads, queries, keys) tensor a text; None unless
            asked for.
    """

    last: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attention_maps: tuple[list[Tensor], ...] | None = None


class _Surroundings(NamedTuple):
    plan: AttentionPlan
    rotary: Rotation | None


class Encoder(nn.Module):
    """Embeddings, blocks, and a final norm.

    Args:
        embeddings: makes the first hidden states, float32.
        blocks: at least one.
        config: the family's config, kept for saving.
        projection: from the width of the embeddings to that of the blocks.
        norm: norm after the last block.

    Attributes:
        compute_dtype: dtype of the activations of the blocks; the parameters keep theirs.
        recompute: whether the backward pass computes the blocks' activations again, one block at
            a time, instead of finding them kept.
        hf_fields: the `config.json` the encoder was read from, kept for what we do not use.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        blocks: Iterable[Block],
        *,
        config: EncoderConfig,
        projection: nn.Module | None = None,
        norm: nn.Module | None = None,
    ):
        super().__init__()
        self.embeddings = embeddings
        self.projection = projection or nn.Identity()
        self.blocks = nn.ModuleList(blocks)
        self.norm = norm or nn.Identity()
        self.config = config
        self.compute_dtype = torch.float32
        self.recompute = False
        self.hf_fields: dict[str, Any] = {}

    @property
    def width(self) -> int:
        """Width of a hidden state."""
        return self.config.hidden_size

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have, special tokens counted."""
        return self.config.max_length

    @property
    def typed_blocks(self) -> list[Block]:
        """The blocks, from the first to the last."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def forward(
        self,
        batch: PackedBatch,
        read: Tensor | None = None,
        hidden_states: bool = False,
        attention_maps: bool = False,
    ) -> EncoderOutput:
        """Final hidden states of a batch.

        Args:
            batch: B texts of T tokens, each of at most `max_length`.
            read: (R,) row numbers in rising order whose final state is wanted. The last block
                then computes queries and feed-forward for these alone; the result is the same.
            hidden_states: keep the input of every block too.
            attention_maps: write the attention weights out too; slow.
        """
        x = self.projection(self.embeddings(batch).to(self.compute_dtype))  # (T, width)
        states: list[Tensor] = []
        maps: list[list[Tensor]] = []
        for block, rows, surroundings in self._steps(batch, read):
            if hidden_states:
                states.append(x)
            if attention_maps:
                maps.append(block.attention_maps(x, *surroundings, rows))
            if self.recompute and torch.is_grad_enabled():
                x = recomputed(block, x, *surroundings, rows)
            else:
                x = block(x, *surroundings, rows)
        x = self.norm(x)
        return EncoderOutput(
            last=x,
            hidden_states=(*states, x) if hidden_states else None,
            attention_maps=tuple(maps) if attention_maps else None,
        )

    def _steps(
        self, batch: PackedBatch, read: Tensor | None
    ) -> Iterable[tuple[Block, Tensor | None, _Surroundings]]:
        """Each block, the rows it computes, and its plan and rotation; equal ones are shared."""
        made: dict[tuple[AttentionKind, bool], _Surroundings] = {}
        for block in self.typed_blocks:
            rows = read if block is self.blocks[-1] else None
            key = block.kind, rows is None
            if key not in made:
                made[key] = self._surroundings(batch, block, rows)
            yield block, rows, made[key]

    def _surroundings(self, batch: PackedBatch, block: Block, rows: Tensor | None) -> _Surroundings:
        plan = AttentionPlan.build(
            batch.lengths,
            None if rows is None else batch.counts(rows),
            q_positions=None if rows is None else batch.positions.index_select(0, rows),
            window=block.kind.window,
            causal=block.kind.causal,
        ).mask_dtype(self.compute_dtype)
        if block.kind.theta is None:
            return _Surroundings(plan, None)
        dim = self.width // block.attention.heads
        return _Surroundings(plan, Rotation.at(batch.positions, theta=block.kind.theta, dim=dim))
