"""Keys and values of what a decoder has read, so that the next token alone is computed."""

from __future__ import annotations

import torch
from torch import Tensor

from glossator.models.attention import AttentionPlan
from glossator.models.encoder import Encoder
from glossator.text.packing import PackedBatch

__all__ = ["Cache"]


class Cache:
    """A decoder and the keys and values of N texts, in memory that is taken once.

    Args:
        encoder: a decoder's stack.
        texts: N.
        capacity: tokens of the longest text that it may grow to; the memory is
            `2 * blocks * texts * capacity * width` numbers in the compute dtype.
    """

    def __init__(self, encoder: Encoder, texts: int, capacity: int):
        weight = encoder.embeddings.words.weight
        self._encoder = encoder
        self._lengths = torch.zeros(texts, dtype=torch.int64, device=weight.device)
        self._layers = [
            _Layer(weight.new_empty(
                2, texts, block.attention.heads, capacity, encoder.width // block.attention.heads,
                dtype=encoder.compute_dtype,
            ))
            for block in encoder.typed_blocks
        ]  # fmt: skip

    def read(self, batch: PackedBatch) -> Tensor:
        """Take the N prompts in; (N, width) final hidden state of the last token of each."""
        plan = AttentionPlan.build(batch.lengths, causal=True)
        texts = torch.arange(batch.texts, device=batch.lengths.device)
        of_token = texts.repeat_interleave(batch.lengths)
        for layer in self._layers:
            layer.place(of_token, batch.positions, plan.mask_dtype(self._encoder.compute_dtype))
        self._lengths.copy_(batch.lengths)
        return self._forward(batch).index_select(0, batch.lengths.cumsum(0) - 1)

    def add(self, tokens: Tensor) -> Tensor:
        """One more token (N,) of each text; (N, width) its final hidden state."""
        texts = torch.arange(len(tokens), device=tokens.device)
        for layer in self._layers:
            layer.place(texts, self._lengths, None)
        x = self._forward(PackedBatch(tokens, torch.ones_like(tokens), None, self._lengths))
        self._lengths = self._lengths + 1
        return x

    def select(self, texts: Tensor) -> None:
        """Go on with `texts` (M,) alone, numbers from 0 to N - 1 in any order, also repeated."""
        self._lengths = self._lengths.index_select(0, texts)
        for layer in self._layers:
            layer.memory = layer.memory.index_select(1, texts)

    def _forward(self, batch: PackedBatch) -> Tensor:
        encoder = self._encoder
        x = encoder.projection(encoder.embeddings(batch).to(encoder.compute_dtype))
        for block, layer in zip(encoder.typed_blocks, self._layers, strict=True):
            x = block(x, layer)
        return encoder.norm(x)  # type: ignore[no-any-return]


class _Layer:
    """The cache of one block.

    Args:
        memory: (2, N, heads, capacity, dim) keys and values.
    """

    def __init__(self, memory: Tensor):
        self.memory = memory
        self._texts = self._places = torch.zeros(0, dtype=torch.int64)
        self._plan: AttentionPlan | None = None

    def place(self, texts: Tensor, places: Tensor, plan: AttentionPlan | None) -> None:
        """Where the tokens that come next belong: text (T,) and place in it (T,).

        With a plan they begin their texts; without one they are one more of each text.
        """
        self._texts, self._places, self._plan = texts, places, plan

    def attend(self, q: Tensor, k: Tensor, v: Tensor, *, dropout: float = 0.0) -> Tensor:
        """As `AttentionPlan.attend`, over all that the texts have by now."""
        keys, values = self.memory
        keys[self._texts, :, self._places] = k.to(keys.dtype)
        values[self._texts, :, self._places] = v.to(values.dtype)
        if self._plan is not None:
            return self._plan.attend(q, k, v, dropout=dropout)
        width = int(self._places.max()) + 1
        scores = torch.einsum("nhd,nhkd->nhk", q * q.shape[-1] ** -0.5, keys[:, :, :width])
        ahead = torch.arange(width, device=q.device) > self._places[:, None]  # (N, width)
        weights = scores.masked_fill(ahead[:, None], float("-inf")).softmax(-1)
        # What lies ahead was never written: nothing says that it is finite.
        weights, seen = weights.to(values.dtype), values[:, :, :width]
        return torch.einsum("nhk,nhkd->nhd", weights, seen.masked_fill(ahead[:, None, :, None], 0))
