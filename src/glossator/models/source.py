"""A model folder as it is read: its config, its family, and our parameters in its files."""

from __future__ import annotations

import contextlib
import copy
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glossator.errors import ModelFolderError
from glossator.models import families
from glossator.models.encoder import Encoder
from glossator.models.heads import ClassificationHead, ProblemType, TokenHead
from glossator.models.hf_config import refuse_unsupported
from glossator.models.json_file import read_json
from glossator.models.masked import PredictionHead
from glossator.models.sentences import SentenceHead
from glossator.models.weights import Weights

__all__ = ["ModelSource"]


class ModelSource:
    """A Hugging Face folder.

    Args:
        folder: holds `config.json` and safetensors.

    Attributes:
        raw: the fields of `config.json`.
        family: the family it names.
        config: the family's config.

    Raises:
        ModelFolderError: the folder is missing, incomplete, malformed, or of an unknown kind.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ModelFolderError(f"{folder} is not a folder; expected a model folder")
        self.raw = read_json(self._config_file)
        with self._named():
            self.family = families.by_model_type(str(self.raw.get("model_type", "")))
            refuse_unsupported(self.raw)
            self.config = self.family.read_config(self.raw)
        self._weights = Weights(self.folder, self.raw)
        self._by_canonical = self._index()

    def encoder(self) -> Encoder:
        """The encoder, its parameters on the meta device."""
        with self._named(), torch.device("meta"):
            encoder = self.family.encoder(self.config)
        encoder.hf_fields = self.raw
        return encoder

    def head(self, labels: int) -> ClassificationHead:
        """The classification head for a number of labels, its parameters on the meta device."""
        with self._named(), torch.device("meta"):
            assert self.family.head is not None, "see refuse_decoder"
            return self.family.head(self.config, labels)

    def tagger(self, labels: int) -> TokenHead:
        """The token classification head for a number of labels, likewise."""
        with self._named(), torch.device("meta"):
            assert self.family.tagger is not None, "see refuse_decoder"
            return self.family.tagger(self.config, labels)

    def finder(self) -> TokenHead:
        """The question answering head, its parameters on the meta device."""
        with self._named(), torch.device("meta"):
            assert self.family.finder is not None, "see refuse_decoder"
            return self.family.finder(self.config)

    def chooser(self) -> ClassificationHead:
        """The head that scores a choice, its parameters on the meta device."""
        with self._named(), torch.device("meta"):
            assert self.family.chooser is not None, "see refuse_decoder"
            return self.family.chooser(self.config, 1)

    def predictions(self) -> PredictionHead:
        """The masked-language head, its parameters on the meta device."""
        with self._named(), torch.device("meta"):
            assert self.family.predictions is not None, "see refuse_decoder"
            return self.family.predictions(self.config)

    def sentences(self) -> SentenceHead:
        """The head over pairs of texts, its parameters on the meta device.

        Raises:
            ModelFolderError: the family has none.
        """
        if self.family.sentences is None:
            raise ModelFolderError(
                f"{self.config.model_type} has no head over pairs of texts, which sentence "
                "objectives train; expected bert",
                file=self._config_file,
            )
        with self._named(), torch.device("meta"):
            return self.family.sentences(self.config)

    def with_fields(self, fields: Mapping[str, Any]) -> ModelSource:
        """The same folder, as if its `config.json` had these fields instead of its own."""
        source = copy.copy(self)
        source.raw = {**self.raw, **fields}
        return source

    def digest(self) -> str:
        """SHA-256 of its weights."""
        return self._weights.digest()

    def has(self, ours: str) -> bool:
        """Whether the folder holds our parameter `ours`."""
        return self.family.names.theirs(ours).name in self._by_canonical

    def read(self, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
        """The float32 values of our parameters, each of the shape given.

        Raises:
            ModelFolderError: one is missing or of another shape, or the folder holds a tensor
                that is neither among them nor part of a head.
        """
        missing = [name for name in shapes if not self.has(name)]
        if missing:
            theirs = ", ".join(self.family.names.theirs(name).name for name in missing[:3])
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise ModelFolderError(f"has no tensor {theirs}{more}", file=self._weights.file)
        self._refuse_unexpected(shapes)
        return {name: self._read(name, shape) for name, shape in shapes.items()}

    def _refuse_unexpected(self, wanted: Iterable[str]) -> None:
        names = self.family.names
        known = {names.theirs(name).name for name in wanted}
        unexpected = [x for x in self._by_canonical if x not in known and not names.skips(x)]
        if unexpected:
            raise ModelFolderError(
                f"holds the unexpected tensor {self._by_canonical[unexpected[0]]} "
                f"({len(unexpected)} in all), which the model of config.json does not have",
                file=self._weights.file,
            )

    def _read(self, ours: str, shape: torch.Size) -> Tensor:
        part = self.family.names.theirs(ours)
        return part.cut(self._weights.read(self._by_canonical[part.name], part.shape(shape)))

    def refuse_decoder(self) -> None:
        """Raise ModelFolderError where the folder holds no encoder."""
        if self.family.is_decoder:
            raise ModelFolderError(
                f"{self.config.model_type} is a decoder, which goes on with texts and answers "
                f"nothing else; expected an encoder, one of {', '.join(families.ENCODERS)}",
                file=self._config_file,
            )

    def _index(self) -> dict[str, str]:
        """Canonical name to the name in the file."""
        table: dict[str, str] = {}
        for name in self._weights.names():
            canonical = self.family.names.canonical(name)
            if canonical in table:
                raise ModelFolderError(
                    f"holds both {table[canonical]} and {name}; they are one tensor",
                    file=self._weights.file,
                )
            table[canonical] = name
        return table

    @property
    def architecture(self) -> str:
        """The class that saved the folder; empty when it does not say."""
        names: Any = self.raw.get("architectures")
        return str(names[0]) if isinstance(names, list) and names else ""

    @property
    def problem_type(self) -> ProblemType:
        """The field of that name; where it is left out, a single label is a regression."""
        given: Any = self.raw.get("problem_type")
        known: ProblemType
        for known in typing.get_args(ProblemType):
            if given == known:
                return known
        return "regression" if len(self.labels()) == 1 else "single_label_classification"

    def labels(self) -> tuple[str, ...]:
        """The label names of `id2label`, which are LABEL_0 and LABEL_1 when it is left out.

        Raises:
            ModelFolderError: `id2label` does not name labels 0, 1, 2 ... once each.
        """
        table: Any = self.raw.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
        try:
            names = tuple(str(table[str(number)]) for number in range(len(table)))
        except (KeyError, TypeError):
            names = ()
        if not names or len(set(names)) < len(names):
            raise ModelFolderError(
                "id2label does not name the labels 0, 1, 2 ... once each",
                file=self._config_file,
            )
        return names

    @property
    def _config_file(self) -> Path:
        return self.folder / "config.json"

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Errors from inside name the config as their file."""
        try:
            yield
        except ModelFolderError as error:
            error.file = str(self._config_file)
            raise
