"""The optimizer, dealt out to workers: each sums, updates and rounds parameters of its own."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from glossator.training.masters import Gradients, MasterWeights
from glossator.training.optimizers import AdamW, ParameterGroup
from glossator.training.workers import Workers, even_shares

__all__ = ["ShardedOptimizer"]


class ShardedOptimizer:
    """An optimizer over float32 masters, of which each worker looks after a share.

    Args:
        named: the parameters, by name.
        groups: their settings; each name is in one group.
        low: names of the parameters to compute with in `dtype`.
        dtype: what the model computes in.
        workers: who does it.

    Source: Rajbhandari et al. 2020, "ZeRO: memory optimizations toward training trillion parameter
    models", section 5.1, with threads in the place of devices.
    """

    def __init__(
        self,
        named: Mapping[str, nn.Parameter],
        groups: Sequence[ParameterGroup],
        *,
        low: Collection[str],
        dtype: torch.dtype,
        workers: Workers,
    ):
        self._workers = workers
        self._shards = [
            _Shard(MasterWeights(named, [group.names for group in own], low, dtype), own, AdamW())
            for own in _dealt_out(named, groups, workers.count)
        ]

    def take_gradients(self, parts: Sequence[Gradients]) -> None:
        """Add the gradients of parts of a batch, in their order, to those of the step."""
        self._workers.map(lambda shard: shard.masters.take_gradients(parts), self._shards)

    def drop_gradients(self) -> None:
        """Forget the gradients taken."""
        for shard in self._shards:
            shard.masters.drop_gradients()

    def norm(self) -> float:
        """The norm of the gradients taken."""
        return math.sqrt(sum(self._workers.map(_Shard.square_of_norm, self._shards)))

    def step(self, *, rate: float, factor: float) -> None:
        """Update masters and model by the gradients times `factor`, and forget these."""
        self._workers.map(lambda shard: shard.step(rate, factor), self._shards)

    def snapshot(self) -> list[list[Tensor]]:
        """A copy of all masters."""
        return [shard.masters.snapshot() for shard in self._shards]

    def restore(self, snapshot: Sequence[Sequence[Tensor]]) -> None:
        """Set all masters, and with them the model, to a snapshot."""
        for shard, vectors in zip(self._shards, snapshot, strict=True):
            shard.masters.restore(vectors)

    def release(self) -> None:
        """Give the model its masters back as parameters, in float32."""
        for shard in self._shards:
            shard.masters.release()


class _Shard:
    """What one worker looks after."""

    def __init__(self, masters: MasterWeights, groups: Sequence[ParameterGroup], rule: AdamW):
        self.masters = masters
        self._groups, self._rule, self._steps = groups, rule, 0
        self._moments = [
            [torch.zeros_like(vector) for _ in range(rule.moments)] for vector in masters.vectors
        ]

    def square_of_norm(self) -> float:
        return sum(float(gradient.dot(gradient)) for gradient in self.masters.gradients)

    def step(self, rate: float, factor: float) -> None:
        self._steps += 1
        vectors = zip(
            self._groups, self.masters.vectors, self.masters.gradients, self._moments, strict=True
        )
        for group, master, gradient, moments in vectors:
            self._rule.update(
                master,
                gradient.mul_(factor),
                moments,
                step=self._steps,
                rate=rate * group.scale,
                weight_decay=group.weight_decay,
            )
        self.masters.publish()
        self.masters.drop_gradients()


def _dealt_out(
    named: Mapping[str, Tensor], groups: Sequence[ParameterGroup], count: int
) -> list[list[ParameterGroup]]:
    """The groups of each of at most `count` shards of like size."""
    names = list(named)
    shards = []
    for share in even_shares([named[name].numel() for name in names], count):
        own = {names[i] for i in share}
        cut = [replace(g, names=tuple(name for name in g.names if name in own)) for g in groups]
        shards.append([group for group in cut if group.names])
    return shards
