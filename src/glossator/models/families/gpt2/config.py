"""Config of GPT-2."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glossator.errors import ModelFolderError
from glossator.models.hf_config import check_heads, read_config
from glossator.models.sizes import Size

__all__ = ["Gpt2Config"]

# Fields that change what a GPT-2 computes, with the one value that is supported.
_SUPPORTED = {
    "scale_attn_by_inverse_layer_idx": False,
    "scale_attn_weights": True,
    "tie_word_embeddings": True,
}


@dataclass(frozen=True, kw_only=True)
class Gpt2Config:
    """The fields of `config.json` that shape a GPT-2, under the names they have there.

    Source: Radford et al. 2019, "Language models are unsupervised multitask learners"; the
    defaults are those of the smallest.
    """

    model_type: str = "gpt2"
    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = dataclasses.field(default=12, metadata={"high": 1000})
    n_head: int = 12
    n_inner: int | None = None  # None: 4 * n_embd
    activation_function: str = "gelu_new"
    resid_pdrop: float = 0.1
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    bos_token_id: int | None = dataclasses.field(default=None, metadata={"low": 0})
    eos_token_id: int | None = dataclasses.field(default=None, metadata={"low": 0})

    @property
    def hidden_size(self) -> int:
        """Width of a hidden state."""
        return self.n_embd

    @property
    def inner(self) -> int:
        """Width inside the feed-forward half."""
        return self.n_inner or 4 * self.n_embd

    @property
    def max_length(self) -> int:
        """Most tokens that a text may have."""
        return self.n_positions

    @classmethod
    def of_size(cls, size: Size, *, vocabulary: int, length: int, pad: int) -> Gpt2Config:
        """A new model's config; the arguments are those of `Family.sized`.

        GPT-2 has no token for padding: `pad` is the one at both ends of a document.
        """
        return cls(
            vocab_size=vocabulary,
            n_embd=size.width,
            n_layer=size.layers,
            n_head=size.heads,
            n_positions=length,
            bos_token_id=pad,
            eos_token_id=pad,
        )

    @classmethod
    def from_hf(cls, raw: Mapping[str, Any]) -> Gpt2Config:
        """Read the fields of a `config.json`; raises ModelFolderError for a wrong one."""
        for name, expected in _SUPPORTED.items():
            if raw.get(name, expected) != expected:
                raise ModelFolderError(f"{name} is {raw[name]!r}; supported is {expected!r} alone")
        config = read_config(cls, raw)
        check_heads(config.n_embd, config.n_head)
        return config

    def to_hf(self) -> dict[str, Any]:
        """The fields as `config.json` has them."""
        return dataclasses.asdict(self)
