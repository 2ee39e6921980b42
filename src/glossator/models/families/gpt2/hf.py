"""The names of GPT-2's tensors, whose matrices stand there inputs by outputs."""

from __future__ import annotations

from glossator.models.families.gpt2.config import Gpt2Config
from glossator.models.families.gpt2.model import encoder
from glossator.models.family import Family
from glossator.models.names import Join, NameTable, Rename

__all__ = ["FAMILY"]

_BLOCK, _LAYER = "blocks.{i}", "h.{i}"
_QUERY_KEY_VALUE = tuple(f"{_BLOCK}.attention.{name}" for name in ("query", "key", "value"))
NAMES = NameTable(
    prefix="transformer.",
    encoder=(
        Rename("embeddings.words", "wte"),
        Rename("embeddings.added.positions", "wpe"),
        Rename(f"{_BLOCK}.attention_norm_in", f"{_LAYER}.ln_1"),
        Join(_QUERY_KEY_VALUE, f"{_LAYER}.attn.c_attn", transposed=True),
        Rename(f"{_BLOCK}.attention.output", f"{_LAYER}.attn.c_proj", transposed=True),
        Rename(f"{_BLOCK}.feedforward_norm_in", f"{_LAYER}.ln_2"),
        Rename(f"{_BLOCK}.feedforward.up", f"{_LAYER}.mlp.c_fc", transposed=True),
        Rename(f"{_BLOCK}.feedforward.down", f"{_LAYER}.mlp.c_proj", transposed=True),
        Rename("norm", "ln_f"),
    ),
    # The two under a layer's number are masks that old files hold.
    ignored=(
        "lm_head.",
        "transformer.h.{i}.attn.bias",
        "transformer.h.{i}.attn.masked_bias",
    ),
)
FAMILY = Family(
    class_names={"gpt2": "GPT2"},
    read_config=Gpt2Config.from_hf,
    sized=Gpt2Config.of_size,
    encoder=encoder,
    names=NAMES,
)
