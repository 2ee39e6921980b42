"""The optimizer, dealt out to workers: each sums, updates and rounds parameters of its own."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from glossator.errors import CheckpointError
from glossator.training.masters import Gradients, MasterWeights
from glossator.training.optimizers import OPTIMIZERS, OptimizerName
from glossator.training.parameter_groups import ParameterGroup
from glossator.training.workers import Workers, even_shares

__all__ = ["ShardedOptimizer", "Snapshot"]

# The vectors of all shards, in their order.
Snapshot = list[Tensor]


class ShardedOptimizer:
    """An optimizer over float32 masters, of which each worker looks after a share.

    Args:
        named: the parameters, by name.
        groups: their settings; each name is in one group.
        low: names of the parameters to compute with in `dtype`.
        dtype: what the model computes in.
        workers: who does it.
        kind: which optimizer.
        average: above 0, what a step keeps of the running mean of the weights.

    Source: Rajbhandari et al. 2020, "ZeRO: memory optimizations toward training trillion parameter
    models", section 5.1, with threads in the place of devices; for the mean Polyak and Juditsky
    1992, "Acceleration of stochastic approximation by averaging".
    """

    def __init__(
        self,
        named: Mapping[str, nn.Parameter],
        groups: Sequence[ParameterGroup],
        *,
        low: Collection[str],
        dtype: torch.dtype,
        workers: Workers,
        kind: OptimizerName = "adamw",
        average: float = 0.0,
    ):
        self._workers = workers
        self._shards = [
            _Shard(MasterWeights(named, [g.names for g in own], low, dtype), own, kind, average)
            for own in _dealt_out(named, groups, workers.count)
        ]

    def take_gradients(self, parts: Sequence[Gradients]) -> None:
        """Add the gradients of parts of a batch, in their order, to those of the step."""
        self._workers.map(lambda shard: shard.masters.take_gradients(parts), self._shards)

    def drop_gradients(self) -> None:
        """Forget the gradients taken."""
        for shard in self._shards:
            shard.masters.drop_gradients()

    @property
    def gradients(self) -> list[Tensor]:
        """The sums of the gradients taken, as vectors."""
        return [vector for shard in self._shards for vector in shard.masters.gradients]

    def norm(self) -> float:
        """The norm of the gradients taken."""
        return math.sqrt(sum(self._workers.map(_Shard.square_of_norm, self._shards)))

    def step(self, number: int, *, rate: float, factor: float) -> None:
        """Update masters and model by the gradients times `factor`, and forget these.

        Args:
            number: of the step, from 1.
            rate: the learning rate.
            factor: what all gradients are multiplied by.
        """
        self._workers.map(lambda shard: shard.step(number, rate, factor), self._shards)

    def snapshot(self) -> Snapshot:
        """A copy of the weights to answer with: the masters, or their running means."""
        return [vector.clone() for shard in self._shards for vector in shard.answering]

    def show(self, snapshot: Snapshot) -> None:
        """Give the model the weights of a snapshot; the masters stay what they are."""
        for vectors, shard in zip(self._cut(snapshot), self._shards, strict=True):
            shard.masters.publish(vectors)

    def hide(self) -> None:
        """Give the model the masters' values again."""
        for shard in self._shards:
            shard.masters.publish()

    @property
    def averages(self) -> bool:
        """Whether the weights to answer with are not those that are trained."""
        return any(shard.averages for shard in self._shards)

    def release(self, snapshot: Snapshot | None) -> None:
        """Give the model float32 parameters back: those of a snapshot, or the masters."""
        shares = self._cut(snapshot) if snapshot else [None] * len(self._shards)
        for vectors, shard in zip(shares, self._shards, strict=True):
            shard.masters.release(vectors)

    def state(self) -> dict[str, Tensor]:
        """All that a later step hangs on, by name; not copied."""
        return dict(self._named())

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Set everything to what `state` gave.

        Raises:
            CheckpointError: it belongs to another model, or to another number of threads.
        """
        for name, vector in self._named():
            if name not in state or state[name].shape != vector.shape:
                raise CheckpointError(
                    f"the checkpoint has no {name} of {len(vector):,} numbers: it was made of "
                    "another model, or with one thread where there are several now"
                )
            vector.copy_(state[name])
        self.hide()

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for i, shard in enumerate(self._shards):
            for name, vector in shard.named():
                yield f"{name}/{i}", vector

    def _cut(self, snapshot: Snapshot) -> list[Sequence[Tensor]]:
        """The share of each shard."""
        rest = iter(snapshot)
        return [[next(rest) for _ in shard.masters.vectors] for shard in self._shards]


class _Shard:
    """What one worker looks after."""

    def __init__(
        self,
        masters: MasterWeights,
        groups: Sequence[ParameterGroup],
        kind: OptimizerName,
        average: float,
    ):
        self.masters = masters
        self._groups, self._average = groups, average
        self._optimizers = [
            OPTIMIZERS[kind](vector, shapes)
            for vector, shapes in zip(masters.vectors, masters.shapes, strict=True)
        ]
        self.averages = [vector.clone() for vector in masters.vectors] if average else []

    @property
    def answering(self) -> list[Tensor]:
        return self.averages or self.masters.vectors

    def named(self) -> Iterator[tuple[str, Tensor]]:
        for i, vector in enumerate(self.masters.vectors):
            yield f"weights/{i}", vector
        for i, vector in enumerate(self.averages):
            yield f"averages/{i}", vector
        for i, optimizer in enumerate(self._optimizers):
            for j, moment in enumerate(optimizer.moments):
                yield f"moments/{i}/{j}", moment

    def square_of_norm(self) -> float:
        return sum(float(gradient.dot(gradient)) for gradient in self.masters.gradients)

    def step(self, number: int, rate: float, factor: float) -> None:
        vectors = zip(
            self._groups,
            self._optimizers,
            self.masters.vectors,
            self.masters.gradients,
            strict=True,
        )
        for group, optimizer, master, gradient in vectors:
            optimizer.update(
                master,
                gradient.mul_(factor),
                step=number,
                rate=rate * group.scale,
                weight_decay=group.weight_decay,
            )
        for mean, master in zip(self.averages, self.masters.vectors, strict=False):
            # In the first steps a mean over fewer: it would hang on to where training began.
            mean.lerp_(master, 1 - min(self._average, number / (number + 9)))
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
