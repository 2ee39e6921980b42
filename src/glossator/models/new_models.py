"""Models that no folder holds yet: of a config, their parameters random."""

from __future__ import annotations

from typing import TypeVar

import torch

from glossator.models import families
from glossator.models.causal import CausalLanguageModel
from glossator.models.encoder import EncoderConfig
from glossator.models.initialization import fill, new_parameters, shapes_of
from glossator.models.masked import MaskedLanguageModel
from glossator.models.neighbours import look_at_neighbours
from glossator.models.replaced import ReplacedTokenModel
from glossator.models.sentences import SentenceModel

__all__ = ["new_causal", "new_masked", "new_replaced", "new_sentences"]

ModelT = TypeVar("ModelT", MaskedLanguageModel, CausalLanguageModel)


def new_masked(config: EncoderConfig, seed: int = 0) -> MaskedLanguageModel:
    """A masked language model of an encoder's config, parameters random, in evaluation mode."""
    family = families.by_model_type(config.model_type)
    assert family.predictions is not None, f"{config.model_type} is a decoder"
    with torch.device("meta"):
        model = MaskedLanguageModel(family.encoder(config), family.predictions(config))
    return _begun(model, config, seed)


def new_causal(config: EncoderConfig, seed: int = 0) -> CausalLanguageModel:
    """A causal language model of a decoder's config, parameters random, in evaluation mode."""
    family = families.by_model_type(config.model_type)
    assert family.is_decoder, f"{config.model_type} is an encoder"
    with torch.device("meta"):
        model = CausalLanguageModel(family.encoder(config))
    _begun(model, config, seed).calm()
    return model


def new_replaced(config: EncoderConfig, seed: int = 0) -> ReplacedTokenModel:
    """An encoder of a config that detects replaced tokens, and its generator, both random."""
    family = families.by_model_type(config.model_type)
    assert family.generator is not None, f"{config.model_type} has no generator"
    assert family.detections is not None
    encoder = new_masked(config, seed).encoder
    std, generator = config.initializer_range, torch.Generator().manual_seed(seed + 1)
    with torch.device("meta"):
        head = family.detections(config)
    fill(head, new_parameters(shapes_of(head), std=std, generator=generator))
    return ReplacedTokenModel(encoder, head, new_masked(family.generator(config), seed + 2))


def new_sentences(config: EncoderConfig, seed: int = 0) -> SentenceModel:
    """A masked language model of a config that also judges pairs of texts, parameters random."""
    family = families.by_model_type(config.model_type)
    assert family.sentences is not None, f"{config.model_type} has no head over pairs of texts"
    masked = new_masked(config, seed)
    std, generator = config.initializer_range, torch.Generator().manual_seed(seed + 1)
    with torch.device("meta"):
        head = family.sentences(config)
    fill(head, new_parameters(shapes_of(head), std=std, generator=generator))
    return SentenceModel(masked.encoder, masked.predictions, head).eval()


def _begun(model: ModelT, config: EncoderConfig, seed: int) -> ModelT:
    """With random parameters."""
    std, generator = config.initializer_range, torch.Generator().manual_seed(seed)
    fill(model, new_parameters(shapes_of(model), std=std, generator=generator))
    look_at_neighbours(model.encoder, std=std, generator=generator)
    return model
