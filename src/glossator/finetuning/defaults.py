"""Choices that are made for the user, each with its reason."""

from __future__ import annotations

import dataclasses
import math

from glossator.artifact.wording import power_of_ten
from glossator.finetuning.config import FitConfig

__all__ = ["default_learning_rate", "rate_note", "resolved"]

# By width the default rate, and those that are usual. Narrow models bear, and want, larger steps.
# 2e-4 was best or within noise of it for the 384-wide starters (benchmarks/notes.md); 5e-5 and 2e-5
# are what Devlin et al. 2019, appendix A.3, found for BERT-base and BERT-large. The ranges are
# those that were searched: for the compact models of Turc et al. 2019, "Well-read students learn
# better", for BERT, and for RoBERTa-large (Liu et al. 2019, appendix C).
_RATES = (
    (512, 2e-4, (3e-5, 3e-4)),
    (768, 5e-5, (2e-5, 5e-5)),
    (math.inf, 2e-5, (1e-5, 3e-5)),
)


def default_learning_rate(width: int) -> float:
    """The highest learning rate for a model of this width."""
    return _rates(width)[0]


def rate_note(width: int) -> str:
    """The default rate for a model of this width, and the usual range beside it."""
    rate, (low, high) = _rates(width)
    return (
        f"learning rate {power_of_ten(rate)}, the default for a model {width:,} wide; usual are "
        f"{power_of_ten(low)} to {power_of_ten(high)} (--learning-rate auto tries them on the rows)"
    )


def _rates(width: int) -> tuple[float, tuple[float, float]]:
    return next((rate, usual) for widest, rate, usual in _RATES if width <= widest)


def resolved(config: FitConfig, *, width: int, longest: int) -> FitConfig:
    """A config in which nothing is left to be chosen, but for a rate that is to be tested.

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
