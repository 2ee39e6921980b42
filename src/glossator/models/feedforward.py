"""The feed-forward half of a block."""

from __future__ import annotations

from torch import Tensor, nn

from glossator.models.activations import activation as activation_named
from glossator.models.dropout import Dropout
from glossator.models.linear import Linear

__all__ = ["FeedForward", "GatedFeedForward"]


class FeedForward(nn.Module):
    """`down(activation(up(x)))`.

    Args:
        width: width of input and output.
        inner: width between the two maps.
        activation: its name in `config.json`.
    """

    def __init__(self, width: int, inner: int, activation: str):
        super().__init__()
        self.up = Linear(width, inner)
        self.activation = activation_named(activation)
        self.down = Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:  # (T, width) -> (T, width)
        return self.down(self.activation(self.up(x)))  # type: ignore[no-any-return]


class GatedFeedForward(nn.Module):
    """`down(dropout(activation(gate(x)) * up(x)))`.

    Args:
        width: width of input and output.
        inner: width between the maps.
        activation: its name in `config.json`; with gelu this is GeGLU.
        bias: whether the three maps have one.
        dropout: probability of a zero before the last map.

    Source: Shazeer 2020, "GLU variants improve transformer".
    """

    def __init__(self, width: int, inner: int, activation: str, *, bias: bool, dropout: float):
        super().__init__()
        self.gate = Linear(width, inner, bias=bias)
        self.up = Linear(width, inner, bias=bias)
        self.activation = activation_named(activation)
        self.dropout = Dropout(dropout)
        self.down = Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:  # (T, width) -> (T, width)
        inner = self.activation(self.gate(x)) * self.up(x)  # (T, inner)
        return self.down(self.dropout(inner))  # type: ignore[no-any-return]
