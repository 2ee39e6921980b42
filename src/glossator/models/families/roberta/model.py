"""RoBERTa, XLM-R and CamemBERT from the shared layers."""

from __future__ import annotations

from torch import nn

from glossator.models.block import AttentionKind, Block, BlockNorms, SelfAttention
from glossator.models.embeddings import Embeddings, SegmentTable
from glossator.models.encoder import Encoder
from glossator.models.families.roberta.config import RobertaConfig
from glossator.models.feedforward import FeedForward
from glossator.models.heads import ClassificationHead, TokenHead
from glossator.models.linear import Linear, Norm, Table
from glossator.models.masked import PredictionHead
from glossator.models.positions import PositionTable

__all__ = ["chooser", "encoder", "finder", "head", "predictions", "tagger"]


def encoder(config: RobertaConfig) -> Encoder:
    """The encoder of a config, its parameters not yet filled."""
    blocks = [_block(config) for _ in range(config.num_hidden_layers)]
    return Encoder(_embeddings(config), blocks, config=config)


def head(config: RobertaConfig, labels: int) -> ClassificationHead:
    """Dropout, dense, tanh, dropout, classifier."""
    given = config.classifier_dropout
    dropout = config.hidden_dropout_prob if given is None else given
    return ClassificationHead(
        Linear(config.hidden_size, config.hidden_size),
        nn.Tanh(),
        Linear(config.hidden_size, labels),
        dropout_in=dropout,
        dropout=dropout,
    )


def chooser(config: RobertaConfig, labels: int) -> ClassificationHead:
    """Pooler, tanh, dropout, classifier: unlike `head`, whose layers have other names too."""
    return ClassificationHead(
        Linear(config.hidden_size, config.hidden_size),
        nn.Tanh(),
        Linear(config.hidden_size, labels),
        dropout=config.hidden_dropout_prob,
    )


def tagger(config: RobertaConfig, labels: int) -> TokenHead:
    """Dropout, classifier."""
    given = config.classifier_dropout
    dropout = config.hidden_dropout_prob if given is None else given
    return TokenHead(Linear(config.hidden_size, labels), dropout=dropout)


def finder(config: RobertaConfig) -> TokenHead:
    """A column for beginnings and one for ends; unlike in `tagger`, nothing is dropped before."""
    return TokenHead(Linear(config.hidden_size, 2), dropout=0.0)


def predictions(config: RobertaConfig) -> PredictionHead:
    """Dense, gelu, norm, word table."""
    width = config.hidden_size
    return PredictionHead(
        Linear(width, width),
        nn.GELU(),
        Norm(width, eps=config.layer_norm_eps),
        vocabulary=config.vocab_size,
    )


def _embeddings(config: RobertaConfig) -> Embeddings:
    width = config.hidden_size
    return Embeddings(
        Table(config.vocab_size, width),
        {
            "segments": SegmentTable(config.type_vocab_size, width),
            "positions": PositionTable(
                config.max_position_embeddings, width, offset=config.first_position
            ),
        },
        Norm(width, eps=config.layer_norm_eps),
        config.hidden_dropout_prob,
    )


def _block(config: RobertaConfig) -> Block:
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
