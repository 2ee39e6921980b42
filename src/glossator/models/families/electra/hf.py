"""The names of ELECTRA's tensors."""

from __future__ import annotations

from glossator.models.families.electra.config import ElectraConfig
from glossator.models.families.electra.model import (
    chooser,
    detections,
    encoder,
    finder,
    generator,
    head,
    predictions,
    tagger,
)
from glossator.models.family import Family
from glossator.models.names import NameTable, Rename

__all__ = ["FAMILY"]

_BLOCK, _LAYER = "blocks.{i}", "encoder.layer.{i}"
NAMES = NameTable(
    prefix="electra.",
    encoder=(
        Rename("embeddings.words", "embeddings.word_embeddings"),
        Rename("embeddings.added.positions", "embeddings.position_embeddings"),
        Rename("embeddings.added.segments", "embeddings.token_type_embeddings"),
        Rename("embeddings.norm", "embeddings.LayerNorm"),
        Rename("projection", "embeddings_project"),
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
    chooser=(Rename("dense", "sequence_summary.summary"), Rename("output", "classifier")),
    predictions=(
        Rename("dense", "generator_predictions.dense"),
        Rename("norm", "generator_predictions.LayerNorm"),
        Rename("output", "generator_lm_head"),
    ),
    detections=(
        Rename("dense", "discriminator_predictions.dense"),
        Rename("output", "discriminator_predictions.dense_prediction"),
    ),
    ignored=(
        "electra.embeddings.position_ids",
        "discriminator_predictions.",
        "generator_lm_head.",
        "generator_predictions.",
        "sequence_summary.",
    ),
)
FAMILY = Family(
    class_names={"electra": "Electra"},
    read_config=ElectraConfig.from_hf,
    sized=ElectraConfig.of_size,
    encoder=encoder,
    head=head,
    chooser=chooser,
    tagger=tagger,
    finder=finder,
    predictions=predictions,
    generator=generator,
    detections=detections,
    names=NAMES,
)
