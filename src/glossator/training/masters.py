"""Mixed precision: a model that computes in bfloat16 and is trained in float32."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["MasterWeights"]


class MasterWeights:
    """The float32 parameters of which a model's own are rounded copies.

    A parameter in bfloat16 loses every update smaller than 1/256 of it. So the optimizer works on
    a float32 master, and the model gets its rounded value; gradients are added up in float32. A
    parameter left in float32 is its own master.

    Args:
        named: the parameters, by name; those in `low` change their dtype.
        low: names of the parameters to compute with in `dtype`.
        dtype: what the model computes in.

    Source: Micikevicius et al. 2018, "Mixed precision training", section 3.1.
    """

    def __init__(self, named: dict[str, nn.Parameter], low: Iterable[str], dtype: torch.dtype):
        self.masters: dict[str, Tensor] = {}
        self._rounded: list[tuple[nn.Parameter, Tensor]] = []
        rounded = set(low) if dtype != torch.float32 else set()
        for name, parameter in named.items():
            if name not in rounded:
                self.masters[name] = parameter
                continue
            master = parameter.detach().clone()
            master.grad = torch.zeros_like(master)
            parameter.data = master.to(dtype)
            self.masters[name] = master
            self._rounded.append((parameter, master))
        self._fresh = True

    def take_gradients(self) -> None:
        """Add the gradients of a backward pass to those of the masters."""
        for parameter, master in self._rounded:
            assert master.grad is not None
            if parameter.grad is None:
                continue
            if self._fresh:
                master.grad.copy_(parameter.grad)
            else:
                master.grad.add_(parameter.grad)
            parameter.grad = None
        self._fresh = False

    def drop_gradients(self) -> None:
        """Forget all gradients."""
        for parameter, _ in self._rounded:
            parameter.grad = None
        for name, master in self.masters.items():
            if isinstance(master, nn.Parameter):
                self.masters[name].grad = None
        self._fresh = True

    def publish(self) -> None:
        """Give the model the rounded values of its masters, after an optimizer step."""
        for parameter, master in self._rounded:
            parameter.data.copy_(master)

    def release(self) -> None:
        """Give the model its masters back as parameters, in float32."""
        for parameter, master in self._rounded:
            master.grad = None
            parameter.grad = None
            parameter.data = master
        self._rounded = []

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of all masters."""
        return {name: master.detach().clone() for name, master in self.masters.items()}

    def restore(self, snapshot: dict[str, Tensor]) -> None:
        """Set all masters, and with them the model, to a snapshot."""
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(snapshot[name])
        self.publish()
