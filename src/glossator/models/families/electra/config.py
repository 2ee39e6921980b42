"""Config of ELECTRA."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glossator.errors import ModelFolderError
from glossator.models.hf_config import check_heads, read_config
from glossator.models.sizes import Size

__all__ = ["ElectraConfig"]


@dataclass(frozen=True, kw_only=True)
class ElectraConfig:
    """The fields of `config.json` that shape an ELECTRA, under the names they have there.

    Source: Clark et al. 2020, "ELECTRA: pre-training text encoders as discriminators".
    """

    model_type: str = "electra"
    vocab_size: int = 30522
    embedding_size: int = 128
    hidden_size: int = 256
    num_hidden_layers: int = dataclasses.field(default=12, metadata={"high": 1000})
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout: float | None = None  # None: hidden_dropout_prob
    summary_type: str = "first"
    summary_use_proj: bool = True
    summary_activation: str = "gelu"
    summary_last_dropout: float = 0.1

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have, special tokens counted."""
        return self.max_position_embeddings

    def refuse_other_summary(self) -> None:
        """Raise ModelFolderError unless a choice is scored from its first token."""
        if self.summary_type != "first" or not self.summary_use_proj:
            raise ModelFolderError(
                f"summary_type is {self.summary_type!r} and summary_use_proj is "
                f"{self.summary_use_proj}; supported for multiple choice are 'first' and True"
            )

    @classmethod
    def of_size(cls, size: Size, *, vocabulary: int, length: int, pad: int) -> ElectraConfig:
        """A new model's config; the arguments are those of `Family.sized`."""
        return cls(
            vocab_size=vocabulary,
            embedding_size=min(128, size.width) if size.width < 768 else size.width,
            hidden_size=size.width,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            intermediate_size=size.inner,
            max_position_embeddings=length,
        )

    @classmethod
    def from_hf(cls, raw: Mapping[str, Any]) -> ElectraConfig:
        """Read the fields of a `config.json`; raises ModelFolderError for a wrong one."""
        config = read_config(cls, raw)
        check_heads(config.hidden_size, config.num_attention_heads)
        return config

    def to_hf(self) -> dict[str, Any]:
        """The fields as `config.json` has them."""
        return dataclasses.asdict(self)
