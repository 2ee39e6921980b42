"""What a run fine-tunes."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.finetuning.config import FitConfig, ModelConfig
from glossator.finetuning.defaults import resolved
from glossator.models import checkpoint, starter
from glossator.models.heads import SequenceClassifier
from glossator.models.source import ModelSource
from glossator.text.tokenizer import Tokenizer

__all__ = ["Base"]


class Base:
    """A model folder to begin with; its weights are not read yet.

    Args:
        config: names it.

    Attributes:
        folder: where it lies.
        tokenizer: its tokenizer.

    Raises:
        ModelFolderError: there is no such folder, or it holds no model that can be fine-tuned.
    """

    def __init__(self, config: ModelConfig):
        self.folder = starter.locate(config.model, hub=config.hub)
        self.tokenizer = Tokenizer.load(self.folder)
        self._source = ModelSource(self.folder)
        self._asked = config.max_length

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels, if it is a classifier already."""
        trained = self._source.architecture.endswith("ForSequenceClassification")
        return self._source.labels() if trained else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the config has no effect on it."""
        longest = self._source.config.max_length
        if self._asked is None or self._asked <= longest:
            return ()
        name = self.folder.name
        return (f"{name} reads {longest} tokens at most; --max-length {self._asked} is too long",)

    @property
    def width(self) -> int:
        """Of its hidden states."""
        return self._source.config.hidden_size

    def resolve(self, config: FitConfig) -> FitConfig:
        """The config with what was left to be chosen by the model."""
        encoder = self._source.config
        return resolved(config, width=self.width, longest=encoder.max_length)

    def classifier(self, labels: Sequence[str], seed: int) -> SequenceClassifier:
        """The model with a head for these labels, see `checkpoint.load_classifier`."""
        return checkpoint.load_classifier(self.folder, labels, seed=seed)
