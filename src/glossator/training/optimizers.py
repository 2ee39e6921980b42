"""Optimizers: each changes one vector of parameters by its gradient, in place.

What one remembers lies in `moments`, plain vectors that a checkpoint can hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.optim.adamw import adamw

__all__ = ["OPTIMIZERS", "SGD", "Adafactor", "AdamW", "Optimizer", "OptimizerName", "Shapes"]

OptimizerName = Literal["adamw", "adafactor", "sgd"]

# Where each parameter begins in the vector, and its shape.
Shapes = Sequence[tuple[int, tuple[int, ...]]]


class Optimizer(Protocol):
    """What changes a vector of parameters.

    Attributes:
        moments: what it remembers, as float32 vectors; zeros before the first step.
    """

    moments: list[Tensor]

    def update(
        self, weights: Tensor, gradient: Tensor, *, step: int, rate: float, weight_decay: float
    ) -> None:
        """Change weights and moments in place.

        Args:
            weights: (n,) float32.
            gradient: (n,) float32; may be overwritten.
            step: number of the step, from 1.
            rate: the learning rate.
            weight_decay: the share of the weights that a rate of 1 would take away.
        """


class AdamW:
    """Adam with decoupled weight decay, as torch has it, in one pass.

    Args:
        weights: (n,) what is to be changed.
        shapes: of the parameters in it.
        betas: how much of the mean of gradients, and of that of their squares, a step keeps.
        eps: added to the root of the latter.

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
    """

    def __init__(
        self,
        weights: Tensor,
        shapes: Shapes = (),
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ):
        self.moments = [torch.zeros_like(weights), torch.zeros_like(weights)]
        self._betas, self._eps = betas, eps

    def update(
        self, weights: Tensor, gradient: Tensor, *, step: int, rate: float, weight_decay: float
    ) -> None:
        """As `Optimizer.update`."""
        mean, square = self.moments
        adamw(
            [weights],
            [gradient],
            [mean],
            [square],
            [],
            [torch.tensor(step - 1.0, device=weights.device)],
            fused=True,
            amsgrad=False,
            maximize=False,
            beta1=self._betas[0],
            beta2=self._betas[1],
            lr=rate,
            weight_decay=weight_decay,
            eps=self._eps,
        )


class SGD:
    """Gradient descent with momentum; weight decay is decoupled, as in AdamW.

    Args:
        weights: (n,) what is to be changed.
        shapes: of the parameters in it.
        momentum: how much of the step before goes into the next.

    Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep
    learning", in the form that torch has.
    """

    def __init__(self, weights: Tensor, shapes: Shapes = (), *, momentum: float = 0.9):
        self.moments = [torch.zeros_like(weights)]
        self._momentum = momentum

    def update(
        self, weights: Tensor, gradient: Tensor, *, step: int, rate: float, weight_decay: float
    ) -> None:
        """As `Optimizer.update`."""
        (velocity,) = self.moments
        velocity.mul_(self._momentum).add_(gradient)
        weights.mul_(1 - rate * weight_decay).add_(velocity, alpha=-rate)


class Adafactor:
    """Adam's step length from the row and column means of squared gradients alone.

    A matrix of n rows and m columns costs n + m numbers of memory, and not 2nm. The rate is
    relative: it is multiplied by the parameter's own size.

    Args:
        weights: (n,) what is to be changed.
        shapes: of the parameters in it.
        decay: exponent by which the mean of squares gets longer from step to step.
        clip: no parameter's step is longer than this, as the root mean square over its elements.
        eps: the size that a parameter has at least.

    Source: Shazeer and Stern 2018, "Adafactor: adaptive learning rates with sublinear memory
    cost", algorithms 4 and 5, without the upper bound on the rate.
    """

    def __init__(
        self,
        weights: Tensor,
        shapes: Shapes,
        *,
        decay: float = 0.8,
        clip: float = 1.0,
        eps: float = 1e-3,
    ):
        self._shapes, self._decay, self._clip, self._eps = shapes, decay, clip, eps
        self.moments = [weights.new_zeros(sum(_remembered(shape) for _, shape in shapes))]

    def update(
        self, weights: Tensor, gradient: Tensor, *, step: int, rate: float, weight_decay: float
    ) -> None:
        """As `Optimizer.update`."""
        gone = step**-self._decay
        place = 0
        for start, shape in self._shapes:
            stop, room = start + math.prod(shape), _remembered(shape)
            parameter = weights[start:stop].view(shape)
            slope = gradient[start:stop].view(shape)
            scale = self._scale(slope.square(), self.moments[0][place : place + room], gone)
            size = max(float(parameter.square().mean().sqrt()), self._eps)
            change = slope.mul_(scale)
            change.div_(max(1.0, float(change.square().mean().sqrt()) / self._clip))
            parameter.mul_(1 - rate * weight_decay).sub_(change, alpha=rate * size)
            place += room

    @staticmethod
    def _scale(square: Tensor, kept: Tensor, gone: float) -> Tensor:
        """One over the root of the mean of squares, after `square` was mixed into `kept`."""
        tiny = 1e-30
        if square.ndim < 2:
            kept.lerp_(square.flatten(), gone)
            return kept.view(square.shape).clamp(min=tiny).rsqrt()
        matrix = square.flatten(1)  # (n, m)
        rows, columns = kept[: len(matrix)], kept[len(matrix) :]
        rows.lerp_(matrix.mean(1), gone)
        columns.lerp_(matrix.mean(0), gone)
        mean = torch.outer(rows, columns) / rows.mean().clamp(min=tiny)
        return mean.clamp(min=tiny).rsqrt().view(square.shape)


def _remembered(shape: tuple[int, ...]) -> int:
    """How many numbers Adafactor keeps of a parameter."""
    return math.prod(shape) if len(shape) < 2 else shape[0] + math.prod(shape[1:])


OPTIMIZERS: dict[OptimizerName, Callable[[Tensor, Shapes], Optimizer]] = {
    "adamw": AdamW,
    "adafactor": Adafactor,
    "sgd": SGD,
}
