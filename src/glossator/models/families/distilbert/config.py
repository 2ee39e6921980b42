"""Config of DistilBERT."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glossator.models.hf_config import check_heads, read_config
from glossator.models.sizes import Size

__all__ = ["DistilBertConfig"]


@dataclass(frozen=True, kw_only=True)
class DistilBertConfig:
    """The fields of `config.json` that shape a DistilBERT, under the names they have there.

    Source: Sanh et al. 2019, "DistilBERT, a distilled version of BERT".
    """

    model_type: str = "distilbert"
    vocab_size: int = 30522
    max_position_embeddings: int = 512
    n_layers: int = dataclasses.field(default=6, metadata={"high": 1000})
    n_heads: int = 12
    dim: int = 768
    hidden_dim: int = 3072
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: str = "gelu"
    initializer_range: float = 0.02
    seq_classif_dropout: float = 0.2
    qa_dropout: float = 0.1

    @property
    def hidden_size(self) -> int:
        """Width of a hidden state."""
        return self.dim

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have, special tokens counted."""
        return self.max_position_embeddings

    @classmethod
    def of_size(cls, size: Size, *, vocabulary: int, length: int, pad: int) -> DistilBertConfig:
        """A new model's config; the arguments are those of `Family.sized`."""
        return cls(
            vocab_size=vocabulary,
            max_position_embeddings=length,
            n_layers=size.layers,
            n_heads=size.heads,
            dim=size.width,
            hidden_dim=size.inner,
        )

    @classmethod
    def from_hf(cls, raw: Mapping[str, Any]) -> DistilBertConfig:
        """Read the fields of a `config.json`; raises ModelFolderError for a wrong one."""
        config = read_config(cls, raw)
        check_heads(config.dim, config.n_heads)
        return config

    def to_hf(self) -> dict[str, Any]:
        """The fields as `config.json` has them."""
        return dataclasses.asdict(self)
