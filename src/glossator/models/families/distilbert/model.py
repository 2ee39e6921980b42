"""DistilBERT from the shared layers."""

from __future__ import annotations

from torch import nn

from glossator.models.activations import activation
from glossator.models.block import AttentionKind, Block, BlockNorms, SelfAttention
from glossator.models.embeddings import Embeddings
from glossator.models.encoder import Encoder
from glossator.models.families.distilbert.config import DistilBertConfig
from glossator.models.feedforward import FeedForward
from glossator.models.heads import ClassificationHead, TokenHead
from glossator.models.linear import Linear, Norm, Table
from glossator.models.masked import PredictionHead
from glossator.models.positions import PositionTable

__all__ = ["encoder", "finder", "head", "predictions", "tagger"]

_NORM_EPS = 1e-12  # no field of config.json says it


def encoder(config: DistilBertConfig) -> Encoder:
    """The encoder of a config, its parameters not yet filled."""
    embeddings = Embeddings(
        Table(config.vocab_size, config.dim),
        {"positions": PositionTable(config.max_position_embeddings, config.dim)},
        Norm(config.dim, eps=_NORM_EPS),
        config.dropout,
    )
    return Encoder(embeddings, [_block(config) for _ in range(config.n_layers)], config=config)


def head(config: DistilBertConfig, labels: int) -> ClassificationHead:
    """Dense, ReLU, dropout, classifier."""
    return ClassificationHead(
        Linear(config.dim, config.dim),
        nn.ReLU(),
        Linear(config.dim, labels),
        dropout=config.seq_classif_dropout,
    )


def tagger(config: DistilBertConfig, labels: int) -> TokenHead:
    """Dropout, classifier."""
    return TokenHead(Linear(config.dim, labels), dropout=config.dropout)


def finder(config: DistilBertConfig) -> TokenHead:
    """Dropout, a column for beginnings and one for ends."""
    return TokenHead(Linear(config.dim, 2), dropout=config.qa_dropout)


def predictions(config: DistilBertConfig) -> PredictionHead:
    """Dense, activation, norm, word table."""
    return PredictionHead(
        Linear(config.dim, config.dim),
        activation(config.activation),
        Norm(config.dim, eps=_NORM_EPS),
        vocabulary=config.vocab_size,
    )


def _block(config: DistilBertConfig) -> Block:
    norms = [Norm(config.dim, eps=_NORM_EPS) for _ in range(2)]
    return Block(
        SelfAttention(config.dim, config.n_heads, dropout=config.attention_dropout),
        FeedForward(config.dim, config.hidden_dim, config.activation),
        BlockNorms(nn.Identity(), norms[0], nn.Identity(), norms[1]),
        kind=AttentionKind(),
        attention_dropout=0.0,  # unlike BERT
        feedforward_dropout=config.dropout,
    )
