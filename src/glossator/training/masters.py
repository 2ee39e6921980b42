"""Mixed precision: a model that computes in bfloat16 and is trained in float32."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

__all__ = ["Gradients", "MasterWeights"]

# By the names of the parameters; None where the loss does not hang on one.
Gradients = Mapping[str, Tensor | None]

# Each parameter begins on a cache line, of 64 bytes in bfloat16 too.
_ALIGNMENT = 32


class MasterWeights:
    """The float32 parameters of which a model's own are rounded copies.

    A parameter in bfloat16 loses every update smaller than 1/256 of it. So the optimizer works on
    a float32 master, and the model gets its rounded value; gradients are added up in float32. A
    parameter left in float32 is its own master. One without a gradient has a gradient of zeros.

    The masters of a group lie in one vector, so that norm, update and rounding are a few long
    passes over memory and not some hundred short ones.

    Args:
        named: the parameters, by name; those in `low` change their dtype.
        groups: the names that share a vector; each name is in one group.
        low: names of the parameters to compute with in `dtype`.
        dtype: what the model computes in.

    Attributes:
        vectors: for each group (n,) float32 masters.

    Source: Micikevicius et al. 2018, "Mixed precision training", section 3.1.
    """

    def __init__(
        self,
        named: Mapping[str, nn.Parameter],
        groups: Sequence[Collection[str]],
        low: Collection[str],
        dtype: torch.dtype,
    ):
        rounded = set(low) if dtype != torch.float32 else set()
        self._groups = [
            _Group({name: named[name] for name in names}, rounded, dtype) for names in groups
        ]
        self.vectors = [group.master for group in self._groups]
        self._fresh = True

    @property
    def shapes(self) -> list[list[tuple[int, tuple[int, ...]]]]:
        """For each group where in its vector each parameter begins, and its shape."""
        return [group.shapes for group in self._groups]

    @property
    def gradients(self) -> list[Tensor]:
        """For each group the (n,) sum of the gradients taken."""
        return [group.gradient for group in self._groups]

    def take_gradients(self, parts: Sequence[Gradients]) -> None:
        """Add the gradients of parts of a batch, in their order, to those of the step."""
        for group in self._groups:
            group.take_gradients(parts, fresh=self._fresh)
        self._fresh = False

    def drop_gradients(self) -> None:
        """Forget the gradients taken."""
        self._fresh = True

    def publish(self, vectors: Sequence[Tensor] | None = None) -> None:
        """Give the model the rounded values of its masters, or of other vectors like them."""
        for group, vector in zip(self._groups, vectors or self.vectors, strict=True):
            group.publish(vector)

    def release(self, vectors: Sequence[Tensor] | None = None) -> None:
        """Give the model its masters back as parameters in float32, or other vectors like them."""
        for group, vector in zip(self._groups, vectors or self.vectors, strict=True):
            group.release(vector)
        self._groups, self.vectors = [], []


class _Group:
    """Parameters whose masters lie in one vector, those with a rounded copy first."""

    def __init__(self, named: Mapping[str, nn.Parameter], low: Collection[str], dtype: torch.dtype):
        self.named = dict(sorted(named.items(), key=lambda item: item[0] not in low))
        parameters = list(self.named.values())
        rounded = [parameter for name, parameter in self.named.items() if name in low]
        self.master = torch.zeros(sum(map(_room, parameters)), device=parameters[0].device)
        self.gradient = torch.zeros_like(self.master)
        self.rounded = self.master.new_zeros(sum(map(_room, rounded)), dtype=dtype)
        self.shapes = [
            (start, tuple(parameter.shape))
            for start, parameter in zip(_starts(parameters), parameters, strict=True)
        ]
        self._gradients = _views(self.gradient, parameters)
        for parameter, master in zip(parameters, _views(self.master, parameters), strict=True):
            master.copy_(parameter.detach())
        for parameter, copy in zip(rounded, _views(self.rounded, rounded), strict=True):
            parameter.data = copy
        self._unrounded = parameters[len(rounded) :]
        self._shown: Tensor | None = None
        self.publish(self.master)

    def publish(self, vector: Tensor) -> None:
        self.rounded.copy_(vector[: len(self.rounded)])
        if vector is self._shown:
            return
        self._shown = vector
        views = _views(vector, list(self.named.values()))
        for parameter, view in zip(reversed(self._unrounded), reversed(views), strict=False):
            parameter.data = view

    def take_gradients(self, parts: Sequence[Gradients], *, fresh: bool) -> None:
        for name, ours in zip(self.named, self._gradients, strict=True):
            theirs = [gradient for part in parts if (gradient := part[name]) is not None]
            if fresh:
                ours.copy_(theirs.pop(0)) if theirs else ours.zero_()
            for gradient in theirs:
                ours.add_(gradient)

    def release(self, vector: Tensor) -> None:
        parameters = list(self.named.values())
        for parameter, values in zip(parameters, _views(vector, parameters), strict=True):
            parameter.data = values.clone()


def _room(parameter: Tensor) -> int:
    return -(-parameter.numel() // _ALIGNMENT) * _ALIGNMENT


def _starts(parameters: Sequence[Tensor]) -> list[int]:
    rooms = [_room(parameter) for parameter in parameters]
    return [end - room for end, room in zip(itertools.accumulate(rooms), rooms, strict=True)]


def _views(vector: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """The part of a vector that each parameter has, in its shape."""
    return [
        vector[start : start + parameter.numel()].view(parameter.shape)
        for start, parameter in zip(_starts(parameters), parameters, strict=True)
    ]
