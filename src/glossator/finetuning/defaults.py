"""Choices that are made for the user, each with its reason."""

from __future__ import annotations

import dataclasses
import math

from glossator.artifact.wording import power_of_ten
from glossator.finetuning.config import FitConfig
from glossator.training.optimizers import OptimizerName

__all__ = [
    "default_learning_rate",
    "default_token_budget",
    "highest_learning_rate",
    "rate_note",
    "resolved",
]

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

# Of other optimizers the default rate, and those that are usual, for a model 384 wide. Measured at
# that width alone, on three data sets (benchmarks/notes.md); wider models are taken to want less in
# the same proportion. Adafactor's rates are relative to a parameter's size.
_OTHERS: dict[OptimizerName, tuple[float, tuple[float, float]]] = {
    "adafactor": (3e-3, (1e-3, 1e-2)),
    "sgd": (3e-2, (1e-2, 1e-1)),
}


def default_learning_rate(width: int, optimizer: OptimizerName = "adamw") -> float:
    """The highest learning rate for a model of this width."""
    return _rates(width, optimizer)[0]


def highest_learning_rate(width: int, optimizer: OptimizerName = "adamw") -> float:
    """The rate above which a test of a few steps is not believed.

    Adafactor and SGD fall fastest, in a few steps, at rates that ruin a model in a hundred: five
    times the usual ones lose two of three data sets (benchmarks/notes.md). AdamW shows it soon.
    """
    return math.inf if optimizer == "adamw" else _rates(width, optimizer)[1][1]


def rate_note(width: int, optimizer: OptimizerName = "adamw") -> str:
    """The default rate for a model of this width, and the usual range beside it."""
    rate, (low, high) = _rates(width, optimizer)
    of = "" if optimizer == "adamw" else f" with {optimizer}"
    return (
        f"learning rate {power_of_ten(rate)}, the default for a model {width:,} wide{of}; "
        f"usual are {power_of_ten(low)} to {power_of_ten(high)} "
        "(--learning-rate auto tries them on the rows)"
    )


def _rates(width: int, optimizer: OptimizerName) -> tuple[float, tuple[float, float]]:
    found = next((rate, usual) for widest, rate, usual in _RATES if width <= widest)
    if optimizer not in _OTHERS:
        return found
    rate, (low, high) = _OTHERS[optimizer]
    less = found[0] / _RATES[0][1]
    return rate * less, (low * less, high * less)


def default_token_budget(device: str) -> int:
    """Tokens that go through a model at once on a device, such as `cpu` or `cuda`.

    A processor's caches hold no more, so that more takes memory and no less time; a GPU is idle
    with fewer (benchmarks/notes.md).
    """
    return 2048 if device == "cpu" else 8192


def resolved(config: FitConfig, *, width: int, longest: int, device: str) -> FitConfig:
    """A config in which nothing is left to be chosen, but for a rate that is to be tested.

    Args:
        config: as the user gave it.
        width: of the model's hidden states.
        longest: tokens that the model can read at most.
        device: where it is trained, such as `cpu` or `cuda`.
    """
    budget = config.training.token_budget or default_token_budget(device)
    rate = config.training.learning_rate or default_learning_rate(width, config.training.optimizer)
    max_length = min(config.model.max_length or longest, longest)
    return dataclasses.replace(
        config,
        training=dataclasses.replace(config.training, learning_rate=rate, token_budget=budget),
        model=dataclasses.replace(config.model, max_length=max_length),
    )
