"""Arrays that a model folder keeps and nothing trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["FrozenArrays"]


class FrozenArrays(nn.Module):
    """Float32 arrays by name, as parameters without a gradient.

    Args:
        shapes: of each; they are zeros until they are read or given.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]]):
        super().__init__()
        for name, shape in shapes.items():
            value = nn.Parameter(torch.zeros(*shape), requires_grad=False)
            self.register_parameter(name, value)

    def reset_parameters(self) -> None:
        """Nothing: there is no good beginning for them."""

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.float32]]) -> FrozenArrays:
        """A module that holds these."""
        module = cls({name: array.shape for name, array in arrays.items()})
        for name, array in arrays.items():
            getattr(module, name).data = torch.from_numpy(np.ascontiguousarray(array))
        return module

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The arrays by name."""
        return {name: x.detach().cpu().numpy() for name, x in self.named_parameters()}
