"""Activation functions by the names that model folders use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from glossator.errors import ModelFolderError, did_you_mean

__all__ = ["activation"]

_TANH_GELU = partial(nn.GELU, approximate="tanh")
_BY_NAME: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,
    "gelu_new": _TANH_GELU,
    "gelu_pytorch_tanh": _TANH_GELU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


def activation(name: str) -> nn.Module:
    """The activation that `name` stands for in a `config.json`.

    Raises:
        ModelFolderError: the name is unknown; the message lists those that are known.
    """
    if name not in _BY_NAME:
        hint = did_you_mean(name, _BY_NAME)
        raise ModelFolderError(
            f"activation {name!r} is not supported; expected one of {', '.join(_BY_NAME)}{hint}"
        )
    return _BY_NAME[name]()
