"""Choices that are made for the user, each with its reason."""

from __future__ import annotations

import dataclasses

from glossator.finetuning.config import FitConfig

__all__ = ["default_learning_rate", "resolved"]

# Narrow models bear, and want, larger steps. 2e-4 was best or within noise of it for the 384-wide
# starters (benchmarks/notes.md); 5e-5 and 2e-5 are what Devlin et al. 2019, appendix A.3, found for
# BERT-base and BERT-large.
_RATES = ((512, 2e-4), (768, 5e-5))
_WIDE = 2e-5


def default_learning_rate(width: int) -> float:
    """The highest learning rate for a model of this width."""
    return next((rate for widest, rate in _RATES if width <= widest), _WIDE)


def resolved(config: FitConfig, *, width: int, longest: int) -> FitConfig:
    """A config in which nothing is left to be chosen.

    Args:
        config: as the user gave it.
        width: of the model's hidden states.
        longest: tokens that the model can read at most.
    """
    rate = config.training.learning_rate or default_learning_rate(width)
    max_length = min(config.model.max_length or longest, longest)
    return dataclasses.replace(
        config,
        training=dataclasses.replace(config.training, learning_rate=rate),
        model=dataclasses.replace(config.model, max_length=max_length),
    )
