"""ModernBERT from the shared layers."""

from __future__ import annotations

from torch import nn

from glossator.models.activations import activation
from glossator.models.block import AttentionKind, Block, BlockNorms, SelfAttention
from glossator.models.embeddings import Embeddings
from glossator.models.encoder import Encoder
from glossator.models.families.modernbert.config import ModernBertConfig
from glossator.models.feedforward import GatedFeedForward
from glossator.models.heads import ClassificationHead, FirstToken, MeanToken, TokenHead
from glossator.models.linear import Linear, Norm, Table
from glossator.models.masked import PredictionHead

__all__ = ["encoder", "finder", "head", "predictions", "tagger"]


def encoder(config: ModernBertConfig) -> Encoder:
    """The encoder of a config, its parameters not yet filled."""
    words = Table(config.vocab_size, config.hidden_size)
    embeddings = Embeddings(words, {}, _norm(config), config.embedding_dropout)
    blocks = [_block(config, index) for index in range(config.num_hidden_layers)]
    return Encoder(embeddings, blocks, config=config, norm=_norm(config))


def head(config: ModernBertConfig, labels: int) -> ClassificationHead:
    """First token or mean, dense, activation, norm, dropout, classifier."""
    width = config.hidden_size
    return ClassificationHead(
        Linear(width, width, bias=config.classifier_bias),
        activation(config.classifier_activation),
        Linear(width, labels),
        norm=_norm(config),
        dropout=config.classifier_dropout,
        pooling=FirstToken() if config.classifier_pooling == "cls" else MeanToken(),
    )


def tagger(config: ModernBertConfig, labels: int) -> TokenHead:
    """Dense, activation, norm, dropout, classifier."""
    width = config.hidden_size
    return TokenHead(
        Linear(width, labels),
        dense=Linear(width, width, bias=config.classifier_bias),
        activation=activation(config.classifier_activation),
        norm=_norm(config),
        dropout=config.classifier_dropout,
    )


def finder(config: ModernBertConfig) -> TokenHead:
    """That of `tagger`, with a column for beginnings and one for ends."""
    return tagger(config, 2)


def predictions(config: ModernBertConfig) -> PredictionHead:
    """Dense, activation, norm, word table."""
    width = config.hidden_size
    return PredictionHead(
        Linear(width, width, bias=config.classifier_bias),
        activation(config.classifier_activation),
        _norm(config),
        vocabulary=config.vocab_size,
        bias=config.decoder_bias,
    )


def _norm(config: ModernBertConfig) -> Norm:
    return Norm(config.hidden_size, eps=config.norm_eps, bias=config.norm_bias)


def _block(config: ModernBertConfig, index: int) -> Block:
    window = config.windows[index]
    # The embeddings end in a norm, so the first block begins without one.
    attention_norm = nn.Identity() if index == 0 else _norm(config)
    return Block(
        SelfAttention(
            config.hidden_size,
            config.num_attention_heads,
            bias=config.attention_bias,
            dropout=config.attention_dropout,
        ),
        _feedforward(config),
        BlockNorms(attention_norm, nn.Identity(), _norm(config), nn.Identity()),
        kind=AttentionKind(
            window=window,
            theta=config.global_rope_theta if window is None else config.local_rope_theta,
        ),
        attention_dropout=config.attention_dropout,
        feedforward_dropout=0.0,
    )


def _feedforward(config: ModernBertConfig) -> GatedFeedForward:
    return GatedFeedForward(
        config.hidden_size,
        config.intermediate_size,
        config.hidden_activation,
        bias=config.mlp_bias,
        dropout=config.mlp_dropout,
    )
