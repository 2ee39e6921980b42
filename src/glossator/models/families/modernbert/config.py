"""Config of ModernBERT."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glossator.errors import ModelFolderError
from glossator.models.hf_config import check_heads, read_config
from glossator.models.sizes import Size

__all__ = ["ModernBertConfig"]

_GLOBAL, _LOCAL = "full_attention", "sliding_attention"


@dataclass(frozen=True, kw_only=True)
class ModernBertConfig:
    """The fields of `config.json` that shape a ModernBERT, mostly under the names they have there.

    Attributes:
        layer_types: for each block, `full_attention` or `sliding_attention`.
        global_rope_theta: base of the rotary angles in blocks with full attention.
        local_rope_theta: the same in blocks with sliding attention.
        local_attention: width of the window of those blocks, counted over both sides.

    Source: Warner et al. 2024, "Smarter, better, faster, longer"; the defaults are the base
    model's.
    """

    model_type: str = "modernbert"
    vocab_size: int = 50368
    hidden_size: int = 768
    intermediate_size: int = 1152
    num_hidden_layers: int = dataclasses.field(default=22, metadata={"high": 1000})
    num_attention_heads: int = 12
    hidden_activation: str = "gelu"
    max_position_embeddings: int = 8192
    initializer_range: float = 0.02
    norm_eps: float = 1e-5
    norm_bias: bool = False
    attention_bias: bool = False
    attention_dropout: float = 0.0
    layer_types: tuple[str, ...] = ()
    global_rope_theta: float = 160_000.0
    local_rope_theta: float = 10_000.0
    local_attention: int = dataclasses.field(default=128, metadata={"low": 0})
    embedding_dropout: float = 0.0
    mlp_bias: bool = False
    mlp_dropout: float = 0.0
    classifier_pooling: str = "cls"
    classifier_dropout: float = 0.0
    classifier_bias: bool = False
    classifier_activation: str = "gelu"
    decoder_bias: bool = True

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have, special tokens counted."""
        return self.max_position_embeddings

    @property
    def windows(self) -> tuple[int | None, ...]:
        """For each block, how far a token sees on either side; None: all of its text."""
        return tuple(
            None if kind == _GLOBAL else self.local_attention // 2 for kind in self.layer_types
        )

    @classmethod
    def of_size(cls, size: Size, *, vocabulary: int, length: int, pad: int) -> ModernBertConfig:
        """A new model's config; the arguments are those of `Family.sized`."""
        config = cls(
            vocab_size=vocabulary,
            hidden_size=size.width,
            intermediate_size=size.width * 3 // 2,  # as in the base model
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            max_position_embeddings=length,
        )
        return dataclasses.replace(config, layer_types=_pattern(config, {}))

    @classmethod
    def from_hf(cls, raw: Mapping[str, Any]) -> ModernBertConfig:
        """Read the fields of a `config.json`; raises ModelFolderError for a wrong one."""
        config = read_config(cls, dict(raw) | _thetas(raw))
        check_heads(config.hidden_size, config.num_attention_heads, even=True)
        if not config.layer_types:
            config = dataclasses.replace(config, layer_types=_pattern(config, raw))
        _check_choice("classifier_pooling", (config.classifier_pooling,), ("cls", "mean"))
        _check_choice("layer_types", config.layer_types, (_GLOBAL, _LOCAL))
        if len(config.layer_types) != config.num_hidden_layers:
            raise ModelFolderError(
                f"layer_types has {len(config.layer_types)} entries; "
                f"expected num_hidden_layers, {config.num_hidden_layers}"
            )
        return config

    def to_hf(self) -> dict[str, Any]:
        """The fields as `config.json` has them."""
        fields = dataclasses.asdict(self) | {"layer_types": list(self.layer_types)}
        thetas = {_GLOBAL: self.global_rope_theta, _LOCAL: self.local_rope_theta}
        fields["rope_parameters"] = {
            kind: {"rope_type": "default", "rope_theta": theta} for kind, theta in thetas.items()
        }
        return fields


def _thetas(raw: Mapping[str, Any]) -> dict[str, float]:
    """The bases under the names of transformers 4, from either spelling."""
    found = {}
    for name, kind in (("global_rope_theta", _GLOBAL), ("local_rope_theta", _LOCAL)):
        rope = _mapping(_mapping(raw, "rope_parameters"), kind)
        _check_choice("rope_type", (rope.get("rope_type", "default"),), ("default",))
        theta = rope.get("rope_theta", raw.get(name))
        if theta is not None:
            found[name] = theta
    return found


def _mapping(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = raw.get(name) or {}
    if not isinstance(value, dict):
        raise ModelFolderError(f"{name} is {value!r}; expected an object")
    return value


def _pattern(config: ModernBertConfig, raw: Mapping[str, Any]) -> tuple[str, ...]:
    every = raw.get("global_attn_every_n_layers", 3)
    if type(every) is not int or every < 1:
        raise ModelFolderError(f"global_attn_every_n_layers is {every!r}; expected 1 or more")
    return tuple(_LOCAL if i % every else _GLOBAL for i in range(config.num_hidden_layers))


def _check_choice(name: str, values: tuple[str, ...], choices: tuple[str, ...]) -> None:
    for value in values:
        if value not in choices:
            raise ModelFolderError(f"{name} is {value!r}; expected one of {', '.join(choices)}")
