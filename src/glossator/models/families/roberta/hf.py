"""The names of RoBERTa's tensors."""

from __future__ import annotations

from glossator.models.families.roberta.config import RobertaConfig
from glossator.models.families.roberta.model import (
    chooser,
    encoder,
    finder,
    head,
    predictions,
    tagger,
)
from glossator.models.family import Family
from glossator.models.names import NameTable, Rename

__all__ = ["FAMILY"]

_BLOCK, _LAYER = "blocks.{i}", "encoder.layer.{i}"
NAMES = NameTable(
    prefix="roberta.",
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
    head=(Rename("dense", "classifier.dense"), Rename("output", "classifier.out_proj")),
    tagger=(Rename("output", "classifier"),),
    finder=(Rename("output", "qa_outputs"),),
    chooser=(Rename("dense", "roberta.pooler.dense"), Rename("output", "classifier")),
    predictions=(
        Rename("dense", "lm_head.dense"),
        Rename("norm", "lm_head.layer_norm"),
        Rename("output", "lm_head"),
    ),
    ignored=(
        "roberta.embeddings.position_ids",
        "roberta.pooler.",
        "lm_head.",
    ),
)
FAMILY = Family(
    class_names={"roberta": "Roberta", "xlm-roberta": "XLMRoberta", "camembert": "Camembert"},
    read_config=RobertaConfig.from_hf,
    sized=RobertaConfig.of_size,
    encoder=encoder,
    head=head,
    chooser=chooser,
    tagger=tagger,
    finder=finder,
    predictions=predictions,
    names=NAMES,
)
