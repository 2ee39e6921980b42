"""Config of BERT, and with it of MiniLM and the Chinese BERTs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glossator.models.hf_config import check_heads, read_config
from glossator.models.sizes import Size

__all__ = ["BertConfig"]


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """The fields of `config.json` that shape a BERT, under the names they have there.

    Source: Devlin et al. 2018, "BERT"; the defaults are BERT-base's.
    """

    model_type: str = "bert"
    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = dataclasses.field(default=12, metadata={"high": 1000})
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout: float | None = None  # None: hidden_dropout_prob

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have, special tokens counted."""
        return self.max_position_embeddings

    @classmethod
    def of_size(cls, size: Size, *, vocabulary: int, length: int, pad: int) -> BertConfig:
        """A new model's config; the arguments are those of `Family.sized`."""
        return cls(
            vocab_size=vocabulary,
            hidden_size=size.width,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            intermediate_size=size.inner,
            max_position_embeddings=length,
        )

    @classmethod
    def from_hf(cls, raw: Mapping[str, Any]) -> BertConfig:
        """Read the fields of a `config.json`; raises ModelFolderError for a wrong one."""
        config = read_config(cls, raw)
        check_heads(config.hidden_size, config.num_attention_heads)
        return config

    def to_hf(self) -> dict[str, Any]:
        """The fields as `config.json` has them."""
        return dataclasses.asdict(self)
