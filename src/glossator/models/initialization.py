"""Values of parameters that no file holds."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["fill", "new_parameters", "shapes_of"]


def new_parameters(
    shapes: Mapping[str, torch.Size], *, std: float, generator: torch.Generator
) -> dict[str, Tensor]:
    """Float32 values for each name: biases 0, norms 1, all else normal with deviation `std`.

    Args:
        shapes: shape of each parameter; a name ends in `.weight` or `.bias`.
        std: standard deviation of matrices (`initializer_range` of `config.json`).
        generator: a CPU generator; names are drawn in the order given.

    Source: Devlin et al. 2018, "BERT", as its code does it, without the cut at two deviations.
    """
    return {name: _new(name, shape, std, generator) for name, shape in shapes.items()}


def _new(name: str, shape: torch.Size, std: float, generator: torch.Generator) -> Tensor:
    if name.endswith(".bias"):
        return torch.zeros(shape)
    if len(shape) == 1:  # the one weight that is a vector is a norm's
        return torch.ones(shape)
    return torch.empty(shape).normal_(0.0, std, generator=generator)


def shapes_of(module: nn.Module) -> dict[str, torch.Size]:
    """The shape of each parameter."""
    return {name: parameter.shape for name, parameter in module.named_parameters()}


def fill(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a module built on the meta device its parameters, without a copy."""
    module.load_state_dict(tensors, assign=True)
    module.eval()
