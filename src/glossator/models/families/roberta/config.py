"""Config of RoBERTa, XLM-R and CamemBERT."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glossator.errors import ModelFolderError
from glossator.models.hf_config import check_heads, read_config
from glossator.models.sizes import Size

__all__ = ["RobertaConfig"]


@dataclass(frozen=True, kw_only=True)
class RobertaConfig:
    """The fields of `config.json` that shape a RoBERTa, under the names they have there.

    Source: Liu et al. 2019, "RoBERTa"; Conneau et al. 2020, "Unsupervised cross-lingual
    representation learning at scale".
    """

    model_type: str = "roberta"
    vocab_size: int = 50265
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
    # Positions count from the row after the padding token's, as in fairseq.
    pad_token_id: int = dataclasses.field(default=1, metadata={"low": 0})

    @property
    def first_position(self) -> int:
        """Row of the position table for the first token of a text."""
        return self.pad_token_id + 1

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have, special tokens counted."""
        return self.max_position_embeddings - self.first_position

    @classmethod
    def of_size(cls, size: Size, *, vocabulary: int, length: int, pad: int) -> RobertaConfig:
        """A new model's config; the arguments are those of `Family.sized`."""
        return cls(
            vocab_size=vocabulary,
            hidden_size=size.width,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            intermediate_size=size.inner,
            max_position_embeddings=length + pad + 1,
            type_vocab_size=1,
            pad_token_id=pad,
        )

    @classmethod
    def from_hf(cls, raw: Mapping[str, Any]) -> RobertaConfig:
        """Read the fields of a `config.json`; raises ModelFolderError for a wrong one."""
        # XLM-R and CamemBERT leave the size of BERT's vocabulary as their default.
        default = {"vocab_size": 50265 if raw.get("model_type") == "roberta" else 30522}
        config = read_config(cls, default | dict(raw))
        check_heads(config.hidden_size, config.num_attention_heads)
        if config.max_length < 1:
            raise ModelFolderError(
                f"max_position_embeddings is {config.max_position_embeddings}; expected more "
                f"than {config.first_position}, since positions begin after pad_token_id"
            )
        return config

    def to_hf(self) -> dict[str, Any]:
        """The fields as `config.json` has them."""
        return dataclasses.asdict(self)
