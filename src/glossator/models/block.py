"""One transformer block over packed rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from glossator.models.attention import AttentionPlan, attention_maps
from glossator.models.dropout import Dropout
from glossator.models.linear import Linear, joint
from glossator.models.positions import Rotation

__all__ = ["Attends", "AttentionKind", "Block", "BlockNorms", "SelfAttention"]


class Attends(Protocol):
    """Where the keys of each query are: an `AttentionPlan`, or a cache of earlier ones."""

    def attend(self, q: Tensor, k: Tensor, v: Tensor, *, dropout: float = 0.0) -> Tensor:
        """(R, heads, dim), (T, heads, dim), (T, heads, dim) -> (R, heads, dim), packed."""


@dataclass(frozen=True)
class AttentionKind:
    """What blocks that share an attention plan have in common.

    Attributes:
        window: a token sees those at most this many places away; None: all of its text.
        theta: base of the rotary angles; None: no rotation.
        causal: a token sees none after it.
    """

    window: int | None = None
    theta: float | None = None
    causal: bool = False


@dataclass(frozen=True)
class BlockNorms:
    """Where a block normalizes: pre-norm has the two `_in`, post-norm the two `_out`."""

    attention_in: nn.Module
    attention_out: nn.Module
    feedforward_in: nn.Module
    feedforward_out: nn.Module


class SelfAttention(nn.Module):
    """Multi-head self-attention.

    Query, key and value are maps of their own, as checkpoints have them, computed by one product.

    Args:
        width: width of input and output.
        heads: number of heads; divides `width`.
        bias: whether the four maps have one.
        dropout: probability with which an attention weight is zeroed in training.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.2.
    """

    def __init__(self, width: int, heads: int, *, bias: bool = True, dropout: float = 0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = Linear(width, width, bias=bias)
        self.key = Linear(width, width, bias=bias)
        self.value = Linear(width, width, bias=bias)
        self.output = Linear(width, width, bias=bias)

    def forward(
        self,
        x: Tensor,
        plan: Attends,
        rotary: Rotation | None = None,
        read: Tensor | None = None,
    ) -> Tensor:
        """(T, width) -> (R, width), or (T, width) where `read` (R,) is None."""
        q, k, v = self._query_key_value(x, rotary, read)
        dropout = self.dropout if self.training else 0.0
        return self.output(plan.attend(q, k, v, dropout=dropout).flatten(1))  # type: ignore[no-any-return]

    def query_key(
        self, x: Tensor, rotary: Rotation | None, read: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(T, width) -> (R, heads, dim) queries, (T, heads, dim) keys, rotated."""
        return self._query_key_value(x, rotary, read)[:2]

    def _query_key_value(
        self, x: Tensor, rotary: Rotation | None, read: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        if read is None:
            projected = joint(x, self.query, self.key, self.value)
        else:
            projected = self.query(_rows(x, read)), *joint(x, self.key, self.value)
        q, k, v = (rows.view(len(rows), self.heads, -1) for rows in projected)
        if rotary is None:
            return q, k, v
        return rotary.rows(read)(q), rotary(k), v


class Block(nn.Module):
    """Attention and feed-forward, each with a residual: pre-norm or post-norm by its norms.

    Args:
        attention: the attention half.
        feedforward: the feed-forward half, (T, width) -> (T, width).
        norms: the four norms, `Identity` where the family has none.
        kind: which plan and rotation the block wants.
        attention_dropout: probability of a zero in what attention adds.
        feedforward_dropout: probability of a zero in what the feed-forward half adds.
    """

    def __init__(
        self,
        attention: SelfAttention,
        feedforward: nn.Module,
        norms: BlockNorms,
        *,
        kind: AttentionKind,
        attention_dropout: float,
        feedforward_dropout: float,
    ):
        super().__init__()
        self.kind = kind
        self.attention_norm_in = norms.attention_in
        self.attention = attention
        self.attention_dropout = Dropout(attention_dropout)
        self.attention_norm_out = norms.attention_out
        self.feedforward_norm_in = norms.feedforward_in
        self.feedforward = feedforward
        self.feedforward_dropout = Dropout(feedforward_dropout)
        self.feedforward_norm_out = norms.feedforward_out

    def forward(
        self,
        x: Tensor,
        plan: Attends,
        rotary: Rotation | None = None,
        read: Tensor | None = None,
    ) -> Tensor:
        """(T, width) -> (R, width), or (T, width) where `read` (R,) is None.

        Keys and values come from all rows; all else is computed for the rows in `read` alone.
        """
        attended = self.attention(self.attention_norm_in(x), plan, rotary, read)
        x = self.attention_norm_out(self.attention_dropout.add(_rows(x, read), attended))
        added = self.feedforward(self.feedforward_norm_in(x))
        return self.feedforward_norm_out(self.feedforward_dropout.add(x, added))  # type: ignore[no-any-return]

    def attention_maps(
        self,
        x: Tensor,
        plan: AttentionPlan,
        rotary: Rotation | None = None,
        read: Tensor | None = None,
    ) -> list[Tensor]:
        """The attention weights of this block: one (heads, queries, keys) tensor for each text."""
        q, k = self.attention.query_key(self.attention_norm_in(x), rotary, read)
        return attention_maps(q, k, plan)


def _rows(x: Tensor, read: Tensor | None) -> Tensor:
    return x if read is None else x.index_select(0, read)
