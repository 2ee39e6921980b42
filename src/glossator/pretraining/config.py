"""All that a pretraining run is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from glossator.errors import ConfigError
from glossator.models.config import RuntimeConfig
from glossator.models.families import DECODERS, ENCODERS
from glossator.models.sizes import SizeName
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.training.config import SpreadConfig, TrainingConfig

__all__ = ["ObjectiveConfig", "ObjectiveName", "PretrainConfig", "StartConfig"]

ObjectiveName = Literal["mlm", "wwm", "zh-wwm", "span", "nsp", "sop", "clm", "rtd"]

# Of new models; the others are for every encoder.
_FAMILIES = {"clm": DECODERS, "rtd": ("electra",), "nsp": ("bert",), "sop": ("bert",)}
# Those that teach to fill gaps and nothing else.
_GAPS = ("mlm", "wwm", "zh-wwm", "span")


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """What is learned from the text.

    Attributes:
        objective: mlm predicts hidden tokens, wwm hidden words, zh-wwm hidden words of Chinese,
            span hidden spans of words; nsp and sop predict hidden tokens, and beside them nsp
            whether a text followed another in its document, sop which of two came first; clm
            predicts each token from those before it; rtd detects tokens that a small generator
            made up.
        mask_rate: share of tokens that are hidden; clm hides none.
        length: tokens of a row, special ones counted.
        pseudo_perplexity: of how many held-out tokens to tell pseudo-perplexity at the end, about;
            0: of none. A text is read once for each of its tokens.
    """

    objective: ObjectiveName = "mlm"
    mask_rate: float = 0.15
    length: int = 128
    pseudo_perplexity: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.mask_rate < 0.9:
            raise ConfigError(f"--mask-rate must be above 0 and below 0.9, got {self.mask_rate}")
        if self.length < 16:
            raise ConfigError(f"--length must be 16 or more, got {self.length}")
        if self.pseudo_perplexity < 0:
            raise ConfigError(
                f"--pseudo-perplexity must be 0 or more, got {self.pseudo_perplexity}"
            )
        if self.pseudo_perplexity and self.objective not in _GAPS:
            raise ConfigError(
                f"--pseudo-perplexity is not for {self.objective}; it is told of {', '.join(_GAPS)}"
            )


@dataclass(frozen=True, kw_only=True)
class StartConfig:
    """What training begins with.

    Attributes:
        model: go on with a starter, a model folder, or with `hub` a hub id; None begins with
            random weights.
        tokenizer: folder of the tokenizer of a new model.
        family: of a new model; gpt2 alone learns clm, electra rtd, and bert nsp and sop.
        size: of a new model: tiny 2x128 (layers x width), mini 4x256, small 4x512, medium 8x512,
            base 12x768.
        dropout: while training; None is none for a new model, which sees no text often, and what
            the model has for another. A saved model has what its family has.
        hub: whether a hub may be asked for the model.
    """

    model: str | None = None
    tokenizer: str | None = None
    family: Literal["bert", "roberta", "distilbert", "electra", "modernbert", "gpt2"] = "bert"
    size: SizeName = "mini"
    dropout: float | None = None
    hub: bool = False

    def __post_init__(self) -> None:
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ConfigError(f"--dropout must be from 0 to below 1, got {self.dropout}")


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """All that a pretraining run is told; `NAME.run/config.toml` holds it.

    Attributes:
        objective: what is learned.
        start: what training begins with.
        corpus: how the text is read and cleaned.
        training: how.
        runtime: where.
        spread: over how many processes of this machine; clusters are for fine-tuning.
        track: where the curves go besides TensorBoard.
    """

    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    start: StartConfig = field(default_factory=StartConfig)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    spread: SpreadConfig = field(default_factory=SpreadConfig)
    track: Literal["none", "wandb"] = "none"

    def __post_init__(self) -> None:
        if (self.start.model is None) == (self.start.tokenizer is None):
            raise ConfigError(
                "--tokenizer FOLDER begins a new model, --model NAME goes on with one; give one of "
                "the two (`glossator tokenizer` makes a tokenizer)"
            )
        if self.spread.ray is not None:
            raise ConfigError("--ray is not for pretrain; --processes spreads it on this machine")
        objective = self.objective.objective
        if objective == "rtd" and self.start.model is not None:
            raise ConfigError("--objective rtd begins a new model; give --tokenizer, not --model")
        fitting = _FAMILIES.get(objective, ENCODERS)
        if self.start.model is None and self.start.family not in fitting:
            raise ConfigError(
                f"--objective {self.objective.objective} is not for --family {self.start.family}; "
                f"expected one of {', '.join(fitting)}"
            )
