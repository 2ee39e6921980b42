"""What a family is: a config, its builders and a table of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glossator.models.encoder import Encoder, EncoderConfig
from glossator.models.heads import ClassificationHead, TokenHead
from glossator.models.masked import PredictionHead
from glossator.models.names import NameTable
from glossator.models.replaced import DetectionHead
from glossator.models.sentences import SentenceHead

__all__ = ["Family"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of encoders or decoders.

    Attributes:
        class_names: for each `model_type`, how the Hugging Face classes of it begin.
        read_config: from the fields of a `config.json` to the family's config.
        sized: the config of a new model, from a size, the number of `vocabulary` ids, the tokens
            of the longest text (`length`) and the id of padding (`pad`).
        encoder: builds the stack of blocks of a config.
        names: the names of the tensors.
        head: builds the classification head of a config for a number of labels; a decoder has none.
        tagger: builds the token classification head likewise.
        finder: builds the question answering head of a config.
        chooser: builds the head that scores a choice likewise.
        predictions: builds the masked-language head of a config; a decoder has none.
        generator: makes of a config that of the generator beside it, and
        detections: builds the head that detects what it made up, of a family that has one.
        sentences: builds the head over pairs of texts, of a family that has one.
    """

    class_names: Mapping[str, str]
    read_config: Callable[[Mapping[str, Any]], EncoderConfig]
    sized: Callable[..., EncoderConfig]
    encoder: Callable[[Any], Encoder]
    names: NameTable
    head: Callable[[Any, int], ClassificationHead] | None = None
    tagger: Callable[[Any, int], TokenHead] | None = None
    finder: Callable[[Any], TokenHead] | None = None
    chooser: Callable[[Any, int], ClassificationHead] | None = None
    predictions: Callable[[Any], PredictionHead] | None = None
    generator: Callable[[Any], EncoderConfig] | None = None
    detections: Callable[[Any], DetectionHead] | None = None
    sentences: Callable[[Any], SentenceHead] | None = None

    @property
    def is_decoder(self) -> bool:
        """Whether a token sees none after it, and the model says what comes next."""
        return self.predictions is None
