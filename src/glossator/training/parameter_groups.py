"""Parameter groups: which parameters share weight decay and rate, and how long a step is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

__all__ = ["ParameterGroup", "clip_factor", "depth_of", "parameter_groups"]

_POSITIONS = "encoder.embeddings.added.positions.weight"


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
    named: Mapping[str, Tensor],
    *,
    blocks: int,
    weight_decay: float,
    layer_decay: float,
    position_rate: float | None = None,
) -> list[ParameterGroup]:
    """Each parameter in one group.

    Vectors (biases and norms) are not decayed. The rate of a block is that of the one above times
    `layer_decay` (Howard and Ruder 2018, "Universal language model fine-tuning", section 3.2).
    That of a table of positions is `position_rate` times what it would be, if that is given.
    """
    groups: dict[tuple[float, float], list[str]] = {}
    for name, parameter in named.items():
        decay = weight_decay if parameter.ndim > 1 else 0.0
        scale = layer_decay ** (blocks + 1 - depth_of(name, blocks))
        if name == _POSITIONS and position_rate is not None:
            scale *= position_rate
        groups.setdefault((decay, scale), []).append(name)
    return [ParameterGroup(tuple(names), *settings) for settings, names in groups.items()]


def clip_factor(norm: float, longest: float) -> float:
    """What shortens a gradient of length `norm` to `longest`; 1 where it is no longer than that.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".
    """
    return min(1.0, longest / (norm + 1e-6))
