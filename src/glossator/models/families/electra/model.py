"""ELECTRA from the shared layers."""

from __future__ import annotations

import dataclasses

from torch import nn

from glossator.models.activations import activation
from glossator.models.block import AttentionKind, Block, BlockNorms, SelfAttention
from glossator.models.embeddings import Embeddings, SegmentTable
from glossator.models.encoder import Encoder
from glossator.models.families.electra.config import ElectraConfig
from glossator.models.feedforward import FeedForward
from glossator.models.heads import ClassificationHead, TokenHead
from glossator.models.linear import Linear, Norm, Table
from glossator.models.masked import PredictionHead
from glossator.models.positions import PositionTable
from glossator.models.replaced import DetectionHead

__all__ = [
    "chooser",
    "detections",
    "encoder",
    "finder",
    "generator",
    "head",
    "predictions",
    "tagger",
]

# Of the detector's width and depth (Clark et al. 2020, section 3.2, has a quarter to a half).
_GENERATOR = 4
_HEAD = 64


def encoder(config: ElectraConfig) -> Encoder:
    """The encoder of a config, its parameters not yet filled."""
    blocks = [_block(config) for _ in range(config.num_hidden_layers)]
    # The small models have narrow embeddings; where the widths agree there is no map between.
    narrow = config.embedding_size != config.hidden_size
    projection = Linear(config.embedding_size, config.hidden_size) if narrow else None
    return Encoder(_embeddings(config), blocks, config=config, projection=projection)


def head(config: ElectraConfig, labels: int) -> ClassificationHead:
    """Dropout, dense, gelu, dropout, classifier."""
    given = config.classifier_dropout
    dropout = config.hidden_dropout_prob if given is None else given
    return ClassificationHead(
        Linear(config.hidden_size, config.hidden_size),
        nn.GELU(),
        Linear(config.hidden_size, labels),
        dropout_in=dropout,
        dropout=dropout,
    )


def chooser(config: ElectraConfig, labels: int) -> ClassificationHead:
    """Dense, gelu, dropout, classifier.

    Raises:
        ModelFolderError: the config asks for another summary of a text.
    """
    config.refuse_other_summary()
    return ClassificationHead(
        Linear(config.hidden_size, config.hidden_size),
        activation(config.summary_activation),
        Linear(config.hidden_size, labels),
        dropout=config.summary_last_dropout,
    )


def tagger(config: ElectraConfig, labels: int) -> TokenHead:
    """Dropout, classifier."""
    given = config.classifier_dropout
    dropout = config.hidden_dropout_prob if given is None else given
    return TokenHead(Linear(config.hidden_size, labels), dropout=dropout)


def finder(config: ElectraConfig) -> TokenHead:
    """A column for beginnings and one for ends; unlike in `tagger`, nothing is dropped before."""
    return TokenHead(Linear(config.hidden_size, 2), dropout=0.0)


def predictions(config: ElectraConfig) -> PredictionHead:
    """Dense to the width of the word table, gelu, norm, word table: the generator's head."""
    return PredictionHead(
        Linear(config.hidden_size, config.embedding_size),
        nn.GELU(),
        Norm(config.embedding_size, eps=config.layer_norm_eps),
        vocabulary=config.vocab_size,
    )


def generator(config: ElectraConfig) -> ElectraConfig:
    """The config of a generator for an encoder of `config`: as deep, a quarter as wide."""
    width = max(_HEAD, config.hidden_size // _GENERATOR // _HEAD * _HEAD)
    return dataclasses.replace(
        config, hidden_size=width, num_attention_heads=width // _HEAD, intermediate_size=4 * width
    )


def detections(config: ElectraConfig) -> DetectionHead:
    """Dense, activation, one logit a token."""
    return DetectionHead(config.hidden_size, activation(config.hidden_act))


def _embeddings(config: ElectraConfig) -> Embeddings:
    width = config.embedding_size
    return Embeddings(
        Table(config.vocab_size, width),
        {
            "segments": SegmentTable(config.type_vocab_size, width),
            "positions": PositionTable(config.max_position_embeddings, width),
        },
        Norm(width, eps=config.layer_norm_eps),
        config.hidden_dropout_prob,
    )


def _block(config: ElectraConfig) -> Block:
    width, eps = config.hidden_size, config.layer_norm_eps
    return Block(
        SelfAttention(
            width, config.num_attention_heads, dropout=config.attention_probs_dropout_prob
        ),
        FeedForward(width, config.intermediate_size, config.hidden_act),
        BlockNorms(nn.Identity(), Norm(width, eps=eps), nn.Identity(), Norm(width, eps=eps)),
        kind=AttentionKind(),
        attention_dropout=config.hidden_dropout_prob,
        feedforward_dropout=config.hidden_dropout_prob,
    )
