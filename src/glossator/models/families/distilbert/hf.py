"""The names of DistilBERT's tensors."""

from __future__ import annotations

from glossator.models.families.distilbert.config import DistilBertConfig
from glossator.models.families.distilbert.model import encoder, finder, head, predictions, tagger
from glossator.models.family import Family
from glossator.models.names import NameTable, Rename

__all__ = ["FAMILY"]

_BLOCK, _LAYER = "blocks.{i}", "transformer.layer.{i}"
NAMES = NameTable(
    prefix="distilbert.",
    encoder=(
        Rename("embeddings.words", "embeddings.word_embeddings"),
        Rename("embeddings.added.positions", "embeddings.position_embeddings"),
        Rename("embeddings.norm", "embeddings.LayerNorm"),
        Rename(f"{_BLOCK}.attention.query", f"{_LAYER}.attention.q_lin"),
        Rename(f"{_BLOCK}.attention.key", f"{_LAYER}.attention.k_lin"),
        Rename(f"{_BLOCK}.attention.value", f"{_LAYER}.attention.v_lin"),
        Rename(f"{_BLOCK}.attention.output", f"{_LAYER}.attention.out_lin"),
        Rename(f"{_BLOCK}.attention_norm_out", f"{_LAYER}.sa_layer_norm"),
        Rename(f"{_BLOCK}.feedforward.up", f"{_LAYER}.ffn.lin1"),
        Rename(f"{_BLOCK}.feedforward.down", f"{_LAYER}.ffn.lin2"),
        Rename(f"{_BLOCK}.feedforward_norm_out", f"{_LAYER}.output_layer_norm"),
    ),
    head=(Rename("dense", "pre_classifier"), Rename("output", "classifier")),
    tagger=(Rename("output", "classifier"),),
    finder=(Rename("output", "qa_outputs"),),
    chooser=(Rename("dense", "pre_classifier"), Rename("output", "classifier")),
    predictions=(
        Rename("dense", "vocab_transform"),
        Rename("norm", "vocab_layer_norm"),
        Rename("output", "vocab_projector"),
    ),
    ignored=(
        "distilbert.embeddings.position_ids",
        "vocab_layer_norm.",
        "vocab_projector.",
        "vocab_transform.",
    ),
)
FAMILY = Family(
    class_names={"distilbert": "DistilBert"},
    read_config=DistilBertConfig.from_hf,
    sized=DistilBertConfig.of_size,
    encoder=encoder,
    head=head,
    chooser=head,
    tagger=tagger,
    finder=finder,
    predictions=predictions,
    names=NAMES,
)
