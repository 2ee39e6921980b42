"""Parameter groups, and what changes their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adamw import adamw

__all__ = ["AdamW", "ParameterGroup", "clip_factor", "depth_of", "parameter_groups"]


def depth_of(name: str, blocks: int) -> int:
    """How far up a parameter lies: 0 for embeddings, 1 to `blocks`, and above that the head."""
    parts = name.split(".")
    if parts[0] == "encoder" and parts[1] in ("embeddings", "projection"):
        return 0
    if parts[0] == "encoder" and parts[1] == "blocks":
        return int(parts[2]) + 1
    return blocks + 1


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share weight decay and rate.

    Attributes:
        names: of the parameters.
        weight_decay: as in AdamW.
        scale: factor of the learning rate.
    """

    names: tuple[str, ...]
    weight_decay: float
    scale: float


def parameter_groups(
    named: Mapping[str, Tensor], *, blocks: int, weight_decay: float, layer_decay: float
) -> list[ParameterGroup]:
    """Each parameter in one group.

    Vectors (biases and norms) are not decayed. The rate of a block is that of the one above times
    `layer_decay` (Howard and Ruder 2018, "Universal language model fine-tuning", section 3.2).
    """
    groups: dict[tuple[float, float], list[str]] = {}
    for name, parameter in named.items():
        decay = weight_decay if parameter.ndim > 1 else 0.0
        scale = layer_decay ** (blocks + 1 - depth_of(name, blocks))
        groups.setdefault((decay, scale), []).append(name)
    return [ParameterGroup(tuple(names), *settings) for settings, names in groups.items()]


class AdamW:
    """Adam with decoupled weight decay.

    Args:
        betas: how much of the mean of gradients, and of that of their squares, a step keeps.
        eps: added to the root of the latter.

    Attributes:
        moments: how many numbers it remembers for each parameter.

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
    """

    moments = 2

    def __init__(self, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8):
        self.betas, self.eps = betas, eps

    def update(
        self,
        weights: Tensor,
        gradient: Tensor,
        moments: Sequence[Tensor],
        *,
        step: int,
        rate: float,
        weight_decay: float,
    ) -> None:
        """Change weights and moments in place.

        Args:
            weights: (n,) float32.
            gradient: (n,) float32.
            moments: (n,) float32 each.
            step: number of the step, from 1.
            rate: the learning rate.
            weight_decay: how much of the weights a rate of 1 would take away.
        """
        mean, square = moments
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
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=rate,
            weight_decay=weight_decay,
            eps=self.eps,
        )


def clip_factor(norm: float, longest: float) -> float:
    """What shortens a gradient of length `norm` to `longest`; 1 where it is no longer than that.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".
    """
    return min(1.0, longest / (norm + 1e-6))
