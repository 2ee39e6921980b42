"""Weights made ready to answer with: cast, joined and laid out once instead of at each call."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glossator.models.block import SelfAttention
from glossator.models.encoder import Encoder
from glossator.models.linear import Linear, Norm, Ready

__all__ = ["make_ready"]

# Of the memory that torch itself gives out. Products of a matrix that lies otherwise, as one that
# is mapped from a file may, are rounded otherwise by MKL on processors without AVX512.
_ALIGNMENT = 64


def make_ready(model: nn.Module, dtype: torch.dtype) -> None:
    """Have a model's encoder keep what it makes of its weights to compute in `dtype`.

    In float32 that is the weights themselves, but no longer in the file that they are mapped from.
    Answers are the same to the bit. They are those of the weights of this moment: what is learned
    afterwards is not seen. Where a gradient is wanted, or in another dtype, nothing changes.
    """
    if dtype == torch.float32:
        _align(model)
        return
    encoder: Encoder = model.encoder  # type: ignore[assignment]
    joined: set[Linear] = set()  # never computed by themselves
    for module in encoder.blocks.modules():  # a block's attention before the maps in it
        if isinstance(module, SelfAttention):
            query, key, value = module.query, module.key, module.value
            query.ready_joint = _product(dtype, query, key, value)
            key.ready_joint = _product(dtype, key, value)
            joined |= {key, value}
        elif isinstance(module, Linear) and module not in joined:
            module.ready = _product(dtype, module)
        elif isinstance(module, Norm):
            module.ready = _norm(dtype, module)


def _product(dtype: torch.dtype, *maps: Linear) -> Ready:
    """`joint` of some maps."""
    weight = torch.cat([m.weight.detach() for m in maps]).to(dtype)
    biased = maps[0].bias is not None
    bias = torch.cat([m.bias.detach() for m in maps]).to(dtype) if biased else None
    if dtype != torch.bfloat16 or weight.is_cuda or not _packs_bfloat16():
        return Ready(dtype, partial(F.linear, weight=weight, bias=bias))
    # Else the library lays the weights out at each call: half of the time of a short text.
    packed = torch.ops.mkldnn._reorder_linear_weight(weight)
    product = torch.ops.mkldnn._linear_pointwise

    def compute(x: Tensor) -> Tensor:
        found: Tensor = product(x, packed, bias, "none", [], "")
        return found

    return Ready(dtype, compute)


def _packs_bfloat16() -> bool:
    """Whether the library lays bfloat16 weights out on this processor."""
    return torch._C._has_mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _align(model: nn.Module) -> None:
    """Give maps that were mapped from a file the memory in which they would have been trained."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            for parameter in module.parameters(recurse=False):
                if parameter.data_ptr() % _ALIGNMENT:
                    parameter.data = parameter.data.clone()


def _norm(dtype: torch.dtype, norm: Norm) -> Ready:
    weight = norm.weight.detach().to(dtype)
    bias = _detached(norm.bias, dtype)

    def compute(x: Tensor) -> Tensor:
        return F.layer_norm(x, norm.normalized_shape, weight, bias, norm.eps)

    return Ready(dtype, compute)


def _detached(parameter: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if parameter is None else parameter.detach().to(dtype)
