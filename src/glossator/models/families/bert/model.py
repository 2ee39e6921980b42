"""BERT from the shared layers."""

from __future__ import annotations

from torch import nn

from glossator.models.activations import activation
from glossator.models.block import AttentionKind, Block, BlockNorms, SelfAttention
from glossator.models.embeddings import Embeddings, SegmentTable
from glossator.models.encoder import Encoder
from glossator.models.families.bert.config import BertConfig
from glossator.models.feedforward import FeedForward
from glossator.models.heads import ClassificationHead, TokenHead
from glossator.models.linear import Linear, Norm, Table
from glossator.models.masked import PredictionHead
from glossator.models.positions import PositionTable
from glossator.models.sentences import SentenceHead

__all__ = ["encoder", "finder", "head", "predictions", "sentences", "tagger"]


def encoder(config: BertConfig) -> Encoder:
    """The encoder of a config, its parameters not yet filled."""
    blocks = [_block(config) for _ in range(config.num_hidden_layers)]
    return Encoder(_embeddings(config), blocks, config=config)


def head(config: BertConfig, labels: int) -> ClassificationHead:
    """Pooler, tanh, dropout, classifier."""
    dropout = config.classifier_dropout
    return ClassificationHead(
        Linear(config.hidden_size, config.hidden_size),
        nn.Tanh(),
        Linear(config.hidden_size, labels),
        dropout=config.hidden_dropout_prob if dropout is None else dropout,
    )


def tagger(config: BertConfig, labels: int) -> TokenHead:
    """Dropout, classifier."""
    given = config.classifier_dropout
    dropout = config.hidden_dropout_prob if given is None else given
    return TokenHead(Linear(config.hidden_size, labels), dropout=dropout)


def finder(config: BertConfig) -> TokenHead:
    """A column for beginnings and one for ends; unlike in `tagger`, nothing is dropped before."""
    return TokenHead(Linear(config.hidden_size, 2), dropout=0.0)


def predictions(config: BertConfig) -> PredictionHead:
    """Dense, activation, norm, word table."""
    width = config.hidden_size
    return PredictionHead(
        Linear(width, width),
        activation(config.hidden_act),
        Norm(width, eps=config.layer_norm_eps),
        vocabulary=config.vocab_size,
    )


def sentences(config: BertConfig) -> SentenceHead:
    """Pooler, tanh, two logits."""
    return SentenceHead(config.hidden_size)


def _embeddings(config: BertConfig) -> Embeddings:
    width = config.hidden_size
    return Embeddings(
        Table(config.vocab_size, width),
        {
            "segments": SegmentTable(config.type_vocab_size, width),
            "positions": PositionTable(config.max_position_embeddings, width),
        },
        Norm(width, eps=config.layer_norm_eps),
        config.hidden_dropout_prob,
    )


def _block(config: BertConfig) -> Block:
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
