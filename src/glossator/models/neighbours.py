"""New encoders begin by looking at neighbours, which training from nothing finds last."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from glossator.models.encoder import Encoder
from glossator.models.positions import PositionTable

__all__ = ["look_at_neighbours", "place_table"]

# Amplitude of a position's features, in deviations of a word's (measured: benchmarks/notes.md).
_AMPLITUDE = 2.5


def place_table(encoder: Encoder) -> PositionTable | None:
    """The table of positions, where queries and keys of the first block see it as it stands."""
    table = dict(encoder.embeddings.added.items()).get("positions")
    projected = not isinstance(encoder.projection, nn.Identity)
    return table if isinstance(table, PositionTable) and not projected else None


@torch.no_grad()
def look_at_neighbours(encoder: Encoder, *, std: float, generator: torch.Generator) -> None:
    """Give a new encoder positions that can be told apart, and a first block that uses them.

    Random position vectors say nothing of nearness, and a small model learns for thousands of
    steps how often words occur before a head finds the word beside it. Here features of positions
    come in pairs, each turning at a rate of its own, so that a turned query meets the key of the
    place that lies `n` further on: the heads of the first block look at places -1, +1, -2, +2 ...
    An encoder without a `place_table` stays as it is.

    Args:
        encoder: new, on the CPU.
        std: standard deviation of the word table.
        generator: a CPU generator.

    Source: the turning is that of Vaswani et al. 2017, section 3.5, at random rates; that the
    first step matters, of Trockman and Kolter 2023, "Mimetic initialization of self-attention".
    """
    table = place_table(encoder)
    if table is None:
        return
    places, width = table.weight.shape
    rates = torch.rand(width // 2, generator=generator) * math.pi  # (pairs,)
    angles = torch.arange(places)[:, None] * rates
    turning = torch.cat((angles.sin(), angles.cos()), dim=1)  # (places, 2 * pairs)
    table.weight[:, : turning.shape[1]] = turning * (_AMPLITUDE * std)
    first = encoder.typed_blocks[0]
    heads = first.attention.heads
    queries, keys = (x.weight.chunk(heads) for x in (first.attention.query, first.attention.key))
    for head, (q, k) in enumerate(zip(queries, keys, strict=True)):
        # -1, +1, -2, +2 ...; where nothing after a token is seen -1, -2 ...
        away = -head - 1 if first.kind.causal else (head // 2 + 1) * (-1) ** (head + 1)
        _match(q, k, rates, away, generator)


def _match(q: Tensor, k: Tensor, rates: Tensor, away: int, generator: torch.Generator) -> None:
    """Have the (dim, width) maps of a head match a query with the key so many places `away`."""
    pairs, used = len(rates), len(q) // 2
    sines = torch.randperm(pairs, generator=generator)[:used]
    cosines, rows = sines + pairs, torch.arange(len(sines))
    below = rows + used
    cos, sin = (rates[sines] * away).cos(), (rates[sines] * away).sin()
    k[rows, sines] += 1
    k[below, cosines] += 1
    q[rows, sines] += cos
    q[rows, cosines] += sin
    q[below, cosines] += cos
    q[below, sines] -= sin
