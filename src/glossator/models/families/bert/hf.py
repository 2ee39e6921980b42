"""The names of BERT's tensors."""

from __future__ import annotations

from glossator.models.families.bert.config import BertConfig
from glossator.models.families.bert.model import (
    encoder,
    finder,
    head,
    predictions,
    sentences,
    tagger,
)
from glossator.models.family import Family
from glossator.models.names import NameTable, Rename

__all__ = ["FAMILY"]

_BLOCK, _LAYER = "blocks.{i}", "encoder.layer.{i}"
NAMES = NameTable(
    prefix="bert.",
    encoder=(
        Rename("embeddings.words", "embeddings.word_embeddings"),
        Rename("embeddings.added.positions", "embeddings.position_embeddings"),
        Rename("embeddings.added.segments", "embeddings.token_type_embeddings"),
        Rename("embeddings.norm", "embeddings.LayerNorm"),
        Rename(f"{_BLOCK}.attention.query", f"{_LAYER}.attention.self.query"),
        Rename(f"{_BLOCK}.attention.key", f"{_LAYER}.attention.self.key"),
        Rename(f"{_BLOCK}.attention.value", f"{_LAYER}.attention.self.value"),
        Rename(f"{_BLOCK}.attention.output", f"{_LAYER}.attention.output.dense"),
        Rename(f"{_BLOCK}.attention_norm_out", f"{_LAYER}.attention.output.LayerNorm"),
        Rename(f"{_BLOCK}.feedforward.up", f"{_LAYER}.intermediate.dense"),
        Rename(f"{_BLOCK}.feedforward.down", f"{_LAYER}.output.dense"),
        Rename(f"{_BLOCK}.feedforward_norm_out", f"{_LAYER}.output.LayerNorm"),
    ),
    head=(Rename("dense", "bert.pooler.dense"), Rename("output", "classifier")),
    tagger=(Rename("output", "classifier"),),
    finder=(Rename("output", "qa_outputs"),),
    chooser=(Rename("dense", "bert.pooler.dense"), Rename("output", "classifier")),
    predictions=(
        Rename("dense", "cls.predictions.transform.dense"),
        Rename("norm", "cls.predictions.transform.LayerNorm"),
        Rename("output", "cls.predictions"),
    ),
    sentences=(
        Rename("dense", "bert.pooler.dense"),
        Rename("output", "cls.seq_relationship"),
    ),
    ignored=("bert.embeddings.position_ids", "cls."),
)
FAMILY = Family(
    class_names={"bert": "Bert"},
    read_config=BertConfig.from_hf,
    sized=BertConfig.of_size,
    encoder=encoder,
    head=head,
    chooser=head,
    tagger=tagger,
    finder=finder,
    predictions=predictions,
    sentences=sentences,
    names=NAMES,
)
