"""From the fields of a `config.json` to a family's config, checked field by field."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from glossator.errors import ModelFolderError

__all__ = ["check_heads", "read_config", "refuse_unsupported"]

ConfigT = TypeVar("ConfigT")

_MOST = 2**24  # a product of two sizes then stays far inside 64 bits
# Fields that change what a model computes in ways that no family here does; with what is expected.
_UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "add_cross_attention": (False, None),
    "is_decoder": (False, None),
    "position_embedding_type": ("absolute", None),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
}


def read_config(cls: type[ConfigT], raw: Mapping[str, Any]) -> ConfigT:
    """Build the dataclass `cls` from the fields of `raw` that it has; the defaults fill the rest.

    A whole number is at least 1 and at most 2^24, or what the field's metadata `low` and `high`
    say; another number is finite and not negative. A null is a field left out.

    Raises:
        ModelFolderError: a field is of the wrong type or out of range.
    """
    hints = typing.get_type_hints(cls)
    values = {
        field.name: _checked(field, hints[field.name], raw[field.name])
        for field in dataclasses.fields(cls)  # type: ignore[arg-type]
        if raw.get(field.name) is not None
    }
    return cls(**values)


def refuse_unsupported(raw: Mapping[str, Any]) -> None:
    """Raise ModelFolderError if `raw` asks for what no family here can do."""
    for name, expected in _UNSUPPORTED.items():
        if raw.get(name) not in expected:
            raise ModelFolderError(
                f"{name} is {raw[name]!r}; supported is {expected[0]!r} alone "
                "(encoders with absolute or rotary positions, not quantized, not pruned)"
            )


def check_heads(hidden_size: int, heads: int, *, even: bool = False) -> None:
    """Raise ModelFolderError unless `heads` heads of a whole (an even) width fill `hidden_size`."""
    if hidden_size % heads or (even and hidden_size // heads % 2):
        kind = "an even" if even else "a whole"
        raise ModelFolderError(
            f"{heads} attention heads do not divide a hidden size of {hidden_size} "
            f"into heads of {kind} width"
        )


def _checked(field: dataclasses.Field[Any], hint: Any, value: Any) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    kinds = tuple(typing.get_origin(kind) or kind for kind in kinds)
    low, high = field.metadata.get("low", 1), field.metadata.get("high", _MOST)
    if type(value) in kinds and type(value) in (bool, str):
        return value
    if int in kinds and type(value) is int and low <= value <= high:
        return value
    if float in kinds and type(value) in (int, float) and 0 <= value < math.inf:
        return float(value)
    if tuple in kinds and isinstance(value, list) and all(isinstance(x, str) for x in value):
        return tuple(value)
    bounds = {int: f" from {low} to {high}", float: " of 0 or more", tuple: " of str"}
    expected = (kind.__name__ + bounds.get(kind, "") for kind in kinds if kind is not type(None))
    raise ModelFolderError(f"{field.name} is {value!r}; expected {' or '.join(expected)}")
