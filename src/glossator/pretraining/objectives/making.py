"""Objectives by name."""

from __future__ import annotations

from glossator.pretraining.config import ObjectiveConfig
from glossator.pretraining.objectives.causal_language import CausalLanguage
from glossator.pretraining.objectives.masked_language import MaskedLanguage
from glossator.pretraining.objectives.masking import MaskUnit
from glossator.pretraining.objectives.next_sentence import NextSentence
from glossator.pretraining.objectives.objective import Objective
from glossator.pretraining.objectives.replaced_token import ReplacedToken
from glossator.pretraining.objectives.sentence_order import SentenceOrder
from glossator.text.tokenizer import Tokenizer

__all__ = ["make_objective"]

_UNITS: dict[str, MaskUnit] = {"mlm": "token", "wwm": "word", "zh-wwm": "word", "span": "span"}


def make_objective(config: ObjectiveConfig, tokenizer: Tokenizer) -> Objective:
    """The objective that a config names.

    Raises:
        InputError: the tokenizer lacks a token that the objective needs.
    """
    if config.objective == "clm":
        return CausalLanguage(tokenizer)
    if config.objective == "rtd":
        return ReplacedToken(tokenizer, rate=config.mask_rate)
    if config.objective == "nsp":
        return NextSentence(tokenizer, rate=config.mask_rate)
    if config.objective == "sop":
        return SentenceOrder(tokenizer, rate=config.mask_rate)
    unit = _UNITS[config.objective]
    return MaskedLanguage(tokenizer, name=config.objective, rate=config.mask_rate, unit=unit)
