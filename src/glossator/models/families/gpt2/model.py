"""GPT-2 from the shared layers."""

from __future__ import annotations

from torch import nn

from glossator.models.block import AttentionKind, Block, BlockNorms, SelfAttention
from glossator.models.embeddings import Embeddings
from glossator.models.encoder import Encoder
from glossator.models.families.gpt2.config import Gpt2Config
from glossator.models.feedforward import FeedForward
from glossator.models.linear import Norm, Table
from glossator.models.positions import PositionTable

__all__ = ["encoder"]


def encoder(config: Gpt2Config) -> Encoder:
    """The stack of a config, its parameters not yet filled; each token sees those before it."""
    words = Table(config.vocab_size, config.n_embd)
    positions = PositionTable(config.n_positions, config.n_embd)
    return Encoder(
        Embeddings(words, {"positions": positions}, nn.Identity(), config.embd_pdrop),
        [_block(config) for _ in range(config.n_layer)],
        config=config,
        norm=_norm(config),
    )


def _block(config: Gpt2Config) -> Block:
    return Block(
        SelfAttention(config.n_embd, config.n_head, dropout=config.attn_pdrop),
        FeedForward(config.n_embd, config.inner, config.activation_function),
        BlockNorms(_norm(config), nn.Identity(), _norm(config), nn.Identity()),
        kind=AttentionKind(causal=True),
        attention_dropout=config.resid_pdrop,
        feedforward_dropout=config.resid_pdrop,
    )


def _norm(config: Gpt2Config) -> Norm:
    return Norm(config.n_embd, eps=config.layer_norm_epsilon)
