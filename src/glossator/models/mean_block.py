"""Classifiers that read the mean over all tokens, in folders of families that read the first one.

What opens a folder of BERT elsewhere hands the head the state of the first token. One more block,
whose attention is even and whose other maps do nothing, puts the mean there: no other code than the
family's own is needed to answer as the model did where it was trained.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from glossator.models import families
from glossator.models.block import Block
from glossator.models.encoder import Encoder
from glossator.models.heads import ClassificationHead, MeanToken, SequenceClassifier
from glossator.models.initialization import fill, shapes_of

__all__ = ["mean_reading"]

# How much more than the first token's own state the mean weighs in the norm that follows.
_WEIGHT = 1024.0
# States of a normed layer are a few units long: at this scale tanh and gelu are nearly straight.
_SCALE = 1 / 16
_DEPTHS = ("num_hidden_layers", "n_layers")  # as families call it
_POOLING = "classifier_pooling"


@torch.no_grad()
def mean_reading(model: SequenceClassifier) -> SequenceClassifier:
    """A classifier with the same encoder, whose head reads the mean of a text's states.

    Its dense layer hands every dimension on, so that what the last map reads are the means, bent a
    little. Parameters are shared with `model`, whose own head is left alone.

    Args:
        model: whose encoder it takes; its last block is post-norm, or its family can be told to
            read means.
    """
    old = model.encoder
    family, config, device = families.by_model_type(old.config.model_type), old.config, _device(old)
    told = hasattr(config, _POOLING)
    change = {_POOLING: "mean"} if told else _deeper(config)
    config = dataclasses.replace(config, **change)  # type: ignore[type-var]
    blocks = old.typed_blocks
    if not told and not isinstance(model.head.pooling, MeanToken):
        with torch.device("meta"):
            new = family.encoder(config).typed_blocks[-1]
        blocks = [*blocks, _averaging(new).to(device)]
    encoder = Encoder(
        old.embeddings, blocks, config=config, projection=old.projection, norm=old.norm
    )
    encoder.hf_fields = old.hf_fields
    assert family.head is not None, "it classifies"
    with torch.device("meta"):
        head = family.head(config, len(model.labels))
    made = SequenceClassifier(
        encoder, _handing_on(head).to(device), model.labels, model.problem_type, model.extra
    )
    made.notes = model.notes
    return made.eval()


def _device(encoder: Encoder) -> torch.device:
    return next(encoder.parameters()).device


def _deeper(config: object) -> dict[str, int]:
    """One block more than a config has."""
    name = next(name for name in _DEPTHS if hasattr(config, name))
    return {name: getattr(config, name) + 1}


def _averaging(block: Block) -> Block:
    """A post-norm block that puts the mean of a text's states, normed, where each of them was."""
    _zeroed(block)
    attention = block.attention
    nn.init.eye_(attention.value.weight)  # query and key are 0: all weights are the same
    attention.output.weight.copy_(_WEIGHT * torch.eye(attention.output.out_features))
    return block.eval()


def _handing_on(head: ClassificationHead) -> ClassificationHead:
    """A head whose features are what it reads; the last map is 0."""
    _zeroed(head)
    head.dense.weight.copy_(_SCALE * torch.eye(head.dense.out_features))
    if isinstance(head.activation, nn.ReLU):
        head.dense.bias.fill_(1.0)  # it lets through what is above 0 alone
    return head.eval()


def _zeroed(module: nn.Module) -> None:
    """Give a module on the meta device zeros, and its norms ones."""
    values = {name: torch.zeros(shape) for name, shape in shapes_of(module).items()}
    norms = [name for name, part in module.named_modules() if isinstance(part, nn.LayerNorm)]
    values |= {f"{name}.weight": torch.ones_like(values[f"{name}.weight"]) for name in norms}
    fill(module, values)
