"""What pretraining begins with: random weights, or a model to go on with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

from glossator.errors import ConfigError, InputError, ModelFolderError
from glossator.models import checkpoint, families, new_models, starter
from glossator.models.causal import CausalLanguageModel
from glossator.models.encoder import Encoder, EncoderConfig
from glossator.models.masked import MaskedLanguageModel
from glossator.models.neighbours import place_table
from glossator.models.replaced import ReplacedTokenModel
from glossator.models.sizes import SIZES
from glossator.models.source import ModelSource
from glossator.pretraining.config import PretrainConfig, StartConfig
from glossator.pretraining.objectives.objective import ModelKind
from glossator.text.tokenizer import Tokenizer

__all__ = ["LanguageModel", "Start", "resolved"]

LanguageModel = MaskedLanguageModel | CausalLanguageModel | ReplacedTokenModel

# Positions of a new model, so that it reads longer texts than it was trained on rows.
_POSITIONS = 512

# By width the default rate of new models (measured: benchmarks/notes.md); of BERT-base it is that
# of Devlin et al. 2018, section A.2.
_RATES = ((128, 3e-3), (256, 1e-3), (512, 5e-4), (math.inf, 1e-4))
_RATE_GOING_ON = 2e-4
# Faster, the positions of a new model are lost to noise before anything is made of them.
_POSITION_RATE = 1 / 30
# Steps between looks at the held-out text: an epoch, but no fewer and no more.
_FEWEST, _MOST = 50, 500


_NEW: dict[ModelKind, Callable[[EncoderConfig, int], LanguageModel]] = {
    "masked": new_models.new_masked,
    "causal": new_models.new_causal,
    "replaced": new_models.new_replaced,
    "sentences": new_models.new_sentences,
}


class Start:
    """What pretraining begins with; weights are not read yet.

    Args:
        config: names it.
        length: tokens of a row.

    Attributes:
        tokenizer: its tokenizer.
        name: for people.

    Raises:
        ModelFolderError: there is no such folder, or no such tokenizer.
        ConfigError: a row is longer than the model can read.
    """

    def __init__(self, config: StartConfig, length: int):
        self._config, self._length = config, length
        if config.model is None:
            assert config.tokenizer is not None
            self._folder = None
            self.tokenizer = _tokenizer(Path(config.tokenizer))
            self.name = f"{config.family} {config.size}"
        else:
            self._folder = starter.locate(config.model, hub=config.hub)
            self.tokenizer = Tokenizer.load(self._folder)
            self.name = config.model

    @property
    def is_new(self) -> bool:
        """Whether the weights are random."""
        return self._folder is None

    def made_of(self) -> dict[str, str]:
        """The digest of the weights to go on from, if there are any."""
        return {} if self._folder is None else {"first weights": ModelSource(self._folder).digest()}

    def model(self, seed: int, kind: ModelKind) -> LanguageModel:
        """The model that an objective trains, in float32, on the CPU.

        Args:
            seed: of new weights.
            kind: of model.

        Raises:
            ModelFolderError: the folder to go on with holds no such model, and cannot become one.
            ConfigError: a row is longer than the model can read.
            InputError: the tokenizer has more ids than the model rows.
        """
        causal = kind == "causal"
        if self._folder is not None:
            model = _loaded(self._folder, seed, kind)
            self._check(model)
            return model
        config, tokenizer = self._config, self.tokenizer
        sized = families.by_model_type(config.family).sized(
            SIZES[config.size],
            vocabulary=tokenizer.vocabulary_size,
            length=max(_POSITIONS, self._length),
            pad=(tokenizer.end_id if causal else tokenizer.pad_id) or 0,
        )
        return _NEW[kind](sized, seed)

    def _check(self, model: MaskedLanguageModel | CausalLanguageModel) -> None:
        longest = model.encoder.max_length
        if self._length > longest:
            raise ConfigError(
                f"--length is {self._length}, but {self.name} reads {longest} tokens at most"
            )
        rows, ids = len(model.output_weight), self.tokenizer.vocabulary_size
        if ids > rows:
            raise InputError(
                f"the tokenizer of {self.name} has {ids:,} ids, its word table {rows:,} rows"
            )


def _tokenizer(folder: Path) -> Tokenizer:
    if not folder.is_dir():
        raise ModelFolderError(
            f"there is no folder {folder} with a tokenizer; "
            f"`glossator tokenizer CORPUS --output {folder}` makes one"
        )
    return Tokenizer.load(folder)


def _loaded(folder: Path, seed: int, kind: ModelKind) -> MaskedLanguageModel | CausalLanguageModel:
    assert kind != "replaced", "it begins anew, see PretrainConfig"
    if kind == "causal":
        return checkpoint.load_causal(folder)
    load = checkpoint.load_sentences if kind == "sentences" else checkpoint.load_masked
    return load(folder, seed=seed)


def resolved(config: PretrainConfig, encoder: Encoder, *, steps_per_epoch: int) -> PretrainConfig:
    """A config in which nothing is left to be chosen.

    Args:
        config: as the user gave it.
        encoder: of the model.
        steps_per_epoch: of the corpus.
    """
    training = config.training
    if training.learning_rate == "auto":
        raise ConfigError("--learning-rate auto is for fit; give a number, or none")
    usual = next(rate for widest, rate in _RATES if encoder.width <= widest)
    going_on = config.start.model is not None
    rate = training.learning_rate or (_RATE_GOING_ON if going_on else usual)
    position_rate = training.position_rate
    if position_rate is None and not going_on and place_table(encoder) is not None:
        position_rate = _POSITION_RATE
    training = dataclasses.replace(
        training,
        learning_rate=rate,
        position_rate=position_rate,
        evaluation_steps=training.evaluation_steps or max(_FEWEST, min(steps_per_epoch, _MOST)),
    )
    return dataclasses.replace(config, training=training)
