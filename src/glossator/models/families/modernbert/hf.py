"""The names of ModernBERT's tensors."""

from __future__ import annotations

from glossator.models.families.modernbert.config import ModernBertConfig
from glossator.models.families.modernbert.model import encoder, finder, head, predictions, tagger
from glossator.models.family import Family
from glossator.models.names import Join, NameTable, Rename

__all__ = ["FAMILY"]

_BLOCK, _LAYER = "blocks.{i}", "layers.{i}"
_QUERY_KEY_VALUE = tuple(f"{_BLOCK}.attention.{part}" for part in ("query", "key", "value"))
NAMES = NameTable(
    prefix="model.",
    encoder=(
        Rename("embeddings.words", "embeddings.tok_embeddings"),
        Rename("embeddings.norm", "embeddings.norm"),
        Rename(f"{_BLOCK}.attention_norm_in", f"{_LAYER}.attn_norm"),
        Join(_QUERY_KEY_VALUE, f"{_LAYER}.attn.Wqkv"),
        Rename(f"{_BLOCK}.attention.output", f"{_LAYER}.attn.Wo"),
        Rename(f"{_BLOCK}.feedforward_norm_in", f"{_LAYER}.mlp_norm"),
        Join((f"{_BLOCK}.feedforward.gate", f"{_BLOCK}.feedforward.up"), f"{_LAYER}.mlp.Wi"),
        Rename(f"{_BLOCK}.feedforward.down", f"{_LAYER}.mlp.Wo"),
        Rename("norm", "final_norm"),
    ),
    head=(
        Rename("dense", "head.dense"),
        Rename("norm", "head.norm"),
        Rename("output", "classifier"),
    ),
    tagger=(
        Rename("dense", "head.dense"),
        Rename("norm", "head.norm"),
        Rename("output", "classifier"),
    ),
    finder=(
        Rename("dense", "head.dense"),
        Rename("norm", "head.norm"),
        Rename("output", "classifier"),
    ),
    chooser=(
        Rename("dense", "head.dense"),
        Rename("norm", "head.norm"),
        Rename("output", "classifier"),
    ),
    predictions=(
        Rename("dense", "head.dense"),
        Rename("norm", "head.norm"),
        Rename("output", "decoder"),
    ),
    ignored=("decoder.",),
)
FAMILY = Family(
    class_names={"modernbert": "ModernBert"},
    read_config=ModernBertConfig.from_hf,
    sized=ModernBertConfig.of_size,
    encoder=encoder,
    head=head,
    chooser=head,
    tagger=tagger,
    finder=finder,
    predictions=predictions,
    names=NAMES,
)
