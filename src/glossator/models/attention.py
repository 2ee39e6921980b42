"""Attention over a packed batch: the one place that knows where texts begin.

A plan lays the texts of a batch out in rows, once for all blocks. Short texts share a row, each
seeing itself alone through the mask, so that a batch of like texts is a handful of dense products
with hardly any padding. Rows of like width form a group.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from glossator.models.dropout import dropout as random_zeros
from glossator.models.dropout import dropout_mask

__all__ = ["AttentionPlan", "attention", "attention_maps"]

# Rows are as wide as whole vectors of the processor: softmax takes up to twice the time over a
# rest. Few widths also mean few shapes, and the first product of a shape compiles a kernel.
_WIDTH_STEP = 32
# What one more group costs, in scores a head (measured: benchmarks/notes.md).
_GROUP_PRICE = 5000.0
# From this row width on, fused attention beats the explicit product.
_FUSED_WIDTH = 192
# Finite, so that a padded query has a softmax; every real score lies far above it.
_MASKED = -30000.0


@dataclass(frozen=True)
class _Side:
    """Where the packed rows of one side (queries or keys) stand in the padded layout.

    The layout is head by head, as the products want it: group, row, head, place in the row.
    """

    slots: tuple[NDArray[np.int64], ...]  # for each group (rows, width): the packed row, or -1

    def pad(self, x: Tensor) -> list[Tensor]:
        """(T, heads, dim) -> (rows, heads, width, dim) for each group; row 0 stands in padding."""
        heads, dim = x.shape[1:]
        # In pieces of `dim` numbers: where `x` is part of a joint product, others lie between.
        stride = x.stride(0) // dim
        pieces = x.as_strided(((len(x) - 1) * stride + heads, dim), (dim, 1))
        return self._groups(pieces.index_select(0, self._index(heads, stride, x.device).take))

    def pad_with_zeros(self, x: Tensor) -> list[Tensor]:
        """As `pad`, of a contiguous `x`, and padding is zero."""
        heads, dim = x.shape[1:]
        index = self._index(heads, heads, x.device)
        slots = x.view(-1, dim).index_select(0, index.take).index_fill_(0, index.unused, 0)
        return self._groups(slots)

    def unpad(self, groups: Sequence[Tensor]) -> Tensor:
        """(rows, heads, width, dim) for each group -> (T, heads, dim)."""
        heads, _, dim = groups[0].shape[1:]
        index = self._index(heads, heads, groups[0].device)
        slots = [group.reshape(-1, dim) for group in groups]
        joined = slots[0] if len(slots) == 1 else torch.cat(slots)
        return joined.index_select(0, index.put).view(-1, heads, dim)

    def _groups(self, slots: Tensor) -> list[Tensor]:
        heads = len(slots) // sum(table.size for table in self.slots)
        groups = torch.split(slots, [table.size * heads for table in self.slots])
        return [
            group.view(len(table), heads, table.shape[1], -1)
            for group, table in zip(groups, self.slots, strict=True)
        ]

    def _index(self, heads: int, stride: int, device: torch.device) -> _Index:
        key = (heads, stride, device)
        if key not in self._indices:
            self._indices[key] = _Index.build(self.slots, heads, stride, device)
        return self._indices[key]

    @cached_property
    def _indices(self) -> dict[tuple[int, int, torch.device], _Index]:
        return {}


@dataclass(frozen=True)
class _Index:
    """The gathers between packed pieces, one a token and head, and padded slots."""

    take: Tensor  # (slots,) packed piece in each slot; piece 0 stands in padding
    put: Tensor  # (T * heads,) slot of each packed piece
    unused: Tensor  # (padded slots,)

    @classmethod
    def build(
        cls, groups: Sequence[NDArray[np.int64]], heads: int, stride: int, device: torch.device
    ) -> _Index:
        """`stride` pieces lie from a token to the next; the first `heads` of them are ours."""
        head = np.arange(heads)[None, :, None]
        take, put = (
            np.concatenate(
                [np.where(g[:, None] < 0, -1, g[:, None] * apart + head).ravel() for g in groups]
            )
            for apart in (stride, heads)
        )
        used = np.flatnonzero(put >= 0)
        slot = np.empty(len(used), dtype=np.int64)
        slot[put[used]] = used
        arrays = (np.maximum(take, 0), slot, np.flatnonzero(put < 0))
        return cls(*(torch.from_numpy(array).to(device) for array in arrays))


@dataclass(frozen=True)
class AttentionPlan:
    """The layout of one batch, shared by all blocks. Built by `AttentionPlan.build`."""

    queries: _Side
    keys: _Side
    masks: tuple[Tensor, ...]  # for each group (rows, 1, query width, key width), additive
    q_lengths: tuple[int, ...]
    k_lengths: tuple[int, ...]
    q_positions: Tensor  # (queries,)
    window: int | None
    causal: bool

    @classmethod
    def build(
        cls,
        lengths: Tensor,
        q_lengths: Tensor | None = None,
        *,
        q_positions: Tensor | None = None,
        window: int | None = None,
        causal: bool = False,
    ) -> AttentionPlan:
        """Lay a batch out.

        Args:
            lengths: (B,) number of keys of each text, 1 or more.
            q_lengths: (B,) number of queries of each text; `lengths` when left out.
            q_positions: (sum of q_lengths,) position of each query in its text; 0, 1, 2 ... in
                each text when left out.
            window: a query sees the keys at most this many positions away on either side.
            causal: a query sees no key after it.
        """
        k = lengths.cpu().numpy()
        q = k if q_lengths is None else q_lengths.cpu().numpy()
        positions = _positions(q) if q_positions is None else q_positions.cpu().numpy()
        groups = _rows_of_texts(k)
        keys = _lay_out(groups, k, _WIDTH_STEP)
        queries = keys if q_lengths is None else _lay_out(groups, q, 1)
        sees = _Sees(np.repeat(np.arange(len(q)), q), positions, k, window, causal)
        masks = [sees.mask(*slots) for slots in zip(queries.slots, keys.slots, strict=True)]
        return cls(
            queries=queries,
            keys=keys,
            masks=tuple(torch.from_numpy(mask).to(lengths.device) for mask in masks),
            q_lengths=tuple(q.tolist()),
            k_lengths=tuple(k.tolist()),
            q_positions=torch.from_numpy(positions),
            window=window,
            causal=causal,
        )

    def attend(self, q: Tensor, k: Tensor, v: Tensor, *, dropout: float = 0.0) -> Tensor:
        """`attention` in this layout."""
        return attention(q, k, v, self, dropout=dropout)

    def mask_dtype(self, dtype: torch.dtype) -> AttentionPlan:
        """The same plan with masks of `dtype`, so that no block converts them."""
        return dataclasses.replace(self, masks=tuple(mask.to(dtype) for mask in self.masks))


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    plan: AttentionPlan,
    *,
    dropout: float = 0.0,
) -> Tensor:
    """Scaled dot-product attention inside each text: `softmax(q k^T / sqrt(dim)) v`.

    Args:
        q: (queries, heads, dim), packed.
        k: (T, heads, dim), packed.
        v: (T, heads, dim), packed.
        plan: layout of the batch that the three belong to.
        dropout: probability with which a weight is zeroed.

    Returns:
        (queries, heads, dim), packed.

    Source: Vaswani et al. 2017, "Attention is all you need", equation 1.
    """
    if torch.is_grad_enabled() and not q.is_cuda:
        return _Attention.apply(q, k, v, plan, dropout)  # type: ignore[no-any-return,no-untyped-call]
    return plan.queries.unpad([_dense(*group, dropout) for group in _padded(q, k, v, plan)])


def attention_maps(q: Tensor, k: Tensor, plan: AttentionPlan) -> list[Tensor]:
    """The softmax itself, written out: one (heads, queries, keys) tensor for each text."""
    maps = []
    texts = zip(
        torch.split(q, list(plan.q_lengths)),
        torch.split(k, list(plan.k_lengths)),
        torch.split(plan.q_positions, list(plan.q_lengths)),
        strict=True,
    )
    for queries, keys, positions in texts:
        scores = torch.einsum("qhd,khd->hqk", queries * q.shape[-1] ** -0.5, keys)
        ahead = torch.arange(len(keys)) - positions[:, None]
        hidden = (ahead > 0) & plan.causal
        if plan.window is not None:
            hidden |= ahead.abs() > plan.window
        maps.append(scores.masked_fill(hidden.to(q.device), _MASKED).softmax(-1))
    return maps


def _padded(
    q: Tensor, k: Tensor, v: Tensor, plan: AttentionPlan
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """q, k, v and mask of each group."""
    masks = [mask.to(q.dtype) for mask in plan.masks]
    return zip(plan.queries.pad(q), plan.keys.pad(k), plan.keys.pad(v), masks, strict=True)


def _dense(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, p: float) -> Tensor:
    """(rows, heads, width, dim) each -> (rows, heads, query width, dim)."""
    if q.is_cuda or (k.shape[2] >= _FUSED_WIDTH and p == 0):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)
    return random_zeros(_weights(q, k, mask), p) @ v


def _weights(q: Tensor, k: Tensor, mask: Tensor) -> Tensor:
    """`softmax(q k^T / sqrt(dim) + mask)`."""
    return torch.add(mask, q @ k.mT, alpha=q.shape[-1] ** -0.5).softmax(-1)


class _Attention(torch.autograd.Function):
    """`dropout(softmax(q k^T / sqrt(dim) + mask)) v` in each group, and its gradient written out.

    Autograd would keep five tensors of the size of the scores for its backward pass, where two
    will do, and add every gradient up row by row where it passes a gather.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, plan: AttentionPlan, p: float) -> Tensor:
        ctx.plan, ctx.factor = plan, 1.0
        results: list[Tensor] = []
        saved: list[Tensor | None] = []
        for qs, ks, vs, mask in _padded(q, k, v, plan):
            weights, kept = _weights(qs, ks, mask), None
            if p:
                kept, ctx.factor = dropout_mask(weights, p)
            results.append(_masked(weights, kept) @ vs)
            saved += qs, ks, vs, weights, kept
        ctx.save_for_backward(*saved)
        return plan.queries.unpad(results).mul_(ctx.factor)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys = ctx.plan.queries, ctx.plan.keys
        grads = []
        saved = ctx.saved_tensors  # once: where activations are computed again, they come once
        for i, grad_out in enumerate(queries.pad_with_zeros(grad * ctx.factor)):
            q, k, v, weights, kept = saved[5 * i : 5 * i + 5]
            grad_v = _masked(weights, kept).mT @ grad_out
            grad_weights = _masked(grad_out @ v.mT, kept)
            scores = torch._softmax_backward_data(grad_weights, weights, -1, weights.dtype)
            scores.mul_(q.shape[-1] ** -0.5)
            grads.append((scores @ k, scores.mT @ q, grad_v))
        of_q, of_k, of_v = zip(*grads, strict=True)
        return queries.unpad(of_q), keys.unpad(of_k), keys.unpad(of_v), None, None


def _masked(x: Tensor, kept: Tensor | None) -> Tensor:
    return x if kept is None else x * kept


def _rows_of_texts(lengths: NDArray[np.int64]) -> list[list[list[int]]]:
    """Groups of rows of texts; a row's texts fit into the width of its group's longest text.

    Texts are cut into groups where that costs least: scores that are computed and hidden against
    the fixed price of one more group. Solved from the shortest text up over classes of width.
    """
    order = np.argsort(-lengths, kind="stable")
    widths = np.array([_round_up(length, _WIDTH_STEP) for length in lengths[order].tolist()])
    cuts = [0, *(np.flatnonzero(np.diff(widths)) + 1).tolist(), len(order)]
    tokens = np.concatenate([[0], np.cumsum(lengths[order])])
    best: list[tuple[float, int]] = [(0.0, len(cuts) - 1)] * len(cuts)
    for i in reversed(range(len(cuts) - 1)):
        width = float(widths[cuts[i]])
        best[i] = min(
            (_GROUP_PRICE + width * float(tokens[cuts[j]] - tokens[cuts[i]]) + best[j][0], j)
            for j in range(i + 1, len(cuts))
        )
    groups, i = [], 0
    while i < len(cuts) - 1:
        j = best[i][1]
        texts = deque(order[cuts[i] : cuts[j]].tolist())
        groups.append(_fill_rows(texts, lengths, int(widths[cuts[i]])))
        i = j
    return groups


def _round_up(width: int, step: int) -> int:
    return -(-width // step) * step


def _fill_rows(texts: deque[int], lengths: NDArray[np.int64], width: int) -> list[list[int]]:
    """Rows that hold the longest text left and the shortest ones that still fit beside it."""
    rows = []
    while texts:
        row = [texts.popleft()]
        room = width - lengths[row[0]]
        while texts and lengths[texts[-1]] <= room:
            row.append(texts.pop())
            room -= lengths[row[-1]]
        rows.append(row)
    return rows


def _lay_out(groups: list[list[list[int]]], lengths: NDArray[np.int64], step: int) -> _Side:
    """Slots of tables whose widths are multiples of `step`."""
    starts = np.cumsum(lengths) - lengths
    slots = []
    for rows in groups:
        # At least one slot, where nothing is asked of a group's texts.
        width = _round_up(max(1, *(int(lengths[row].sum()) for row in rows)), step)
        table = np.full((len(rows), width), -1, dtype=np.int64)
        for places, row in zip(table, rows, strict=True):
            ids = np.concatenate([np.arange(starts[t], starts[t] + lengths[t]) for t in row])
            places[: len(ids)] = ids
        slots.append(table)
    return _Side(tuple(slots))


def _positions(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2 ... in each text."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


class _Sees:
    """Which query sees which key."""

    def __init__(
        self,
        q_texts: NDArray[np.int64],
        q_positions: NDArray[np.int64],
        k_lengths: NDArray[np.int64],
        window: int | None,
        causal: bool,
    ):
        self.q_texts, self.q_positions = q_texts, q_positions
        self.k_texts = np.repeat(np.arange(len(k_lengths)), k_lengths)
        self.k_positions = _positions(k_lengths)
        self.window, self.causal = window, causal

    def mask(self, q_slots: NDArray[np.int64], k_slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """(rows, query width), (rows, key width) -> (rows, 1, query width, key width)."""
        text = self.q_texts[q_slots][:, :, None]
        visible = (text == self.k_texts[k_slots][:, None, :]) & (k_slots >= 0)[:, None, :]
        ahead = self.k_positions[k_slots][:, None, :] - self.q_positions[q_slots][:, :, None]
        if self.causal:
            visible &= ahead <= 0
        if self.window is not None:
            visible &= np.abs(ahead) <= self.window
        return np.where(visible, np.float32(0), np.float32(_MASKED))[:, None]
