"""What a family is: a config, two builders and a table of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glossator.models.encoder import Encoder, EncoderConfig
from glossator.models.heads import ClassificationHead
from glossator.models.names import NameTable

__all__ = ["Family"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of encoders.

    Attributes:
        class_names: for each `model_type`, how the Hugging Face classes of it begin.
        read_config: from the fields of a `config.json` to the family's config.
        encoder: builds the encoder of a config.
        head: builds the classification head of a config for a number of labels.
        names: the names of the tensors.
    """

    class_names: Mapping[str, str]
    read_config: Callable[[Mapping[str, Any]], EncoderConfig]
    encoder: Callable[[Any], Encoder]
    head: Callable[[Any, int], ClassificationHead]
    names: NameTable
