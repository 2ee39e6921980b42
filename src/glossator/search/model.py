"""The model that an index was made with: vectors of texts, of their windows, and of queries."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glossator.errors import ModelFolderError, SearchIndexError
from glossator.models.config import RuntimeConfig
from glossator.search.config import Kept
from glossator.search.store import VectorSettings
from glossator.search.vector_file import Vectors, unit

if TYPE_CHECKING:
    from glossator.artifact.predictor import Predictor

__all__ = [
    "Embedded",
    "Model",
    "model_of",
    "open_model",
    "open_ranker",
    "short_version",
    "standing",
]


@dataclass(frozen=True)
class Embedded:
    """The vectors of one text.

    Attributes:
        vectors: (V, width) float32 of length 1.
        places: of each the half-open characters that it stands for.
    """

    vectors: Vectors
    places: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Model:
    """A model that makes vectors.

    Attributes:
        predictor: the open model.
        name: a starter name, or the model folder by its whole path.
        version: of its files.
    """

    predictor: Predictor
    name: str
    version: str

    @property
    def width(self) -> int:
        """Of a vector."""
        encoder: Any = self.predictor.model.encoder
        return int(encoder.width)

    def check(self, settings: VectorSettings, index: Path) -> None:
        """Refuse to ask an index of another model.

        Raises:
            SearchIndexError: it is of another one, of another version, or its vectors have another
                width.
        """
        if self.width != settings.width:
            raise SearchIndexError(
                f"{index} holds vectors of {settings.width} numbers, and those of {self.name} "
                f"have {self.width}: it was made with {settings.model}"
            )
        if self.version != settings.version:
            known, here = short_version(settings.version), short_version(self.version)
            raise SearchIndexError(
                f"{index} was made with another model or version: {settings.model} ({known}), and "
                f"{self.name} is {here}; give that one with --model, or make the index anew"
            )

    def queries(self, texts: Sequence[str]) -> Vectors:
        """(N, width) vectors of N queries, none of which is empty."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        return _checked(self.predictor.embed(texts, blank="raise"), self.name)

    def documents(self, texts: Sequence[str], kept: Kept) -> list[Embedded]:
        """The vectors of texts that are to be found, none of which is empty.

        Args:
            texts: the texts.
            kept: whether a text has one vector, or each of its windows.
        """
        if not texts:
            return []
        task: Any = self.predictor.task
        reading = task.for_documents()
        records = self.predictor.records(texts)
        rows = reading.encode(records)
        places = [[(0, len(text))] for text in texts]
        if kept == "windows":
            places = [reading.places(*pair) for pair in zip(records, rows, strict=True)]
            owners = [record for record, row in zip(records, rows, strict=True) for _ in row]
            rows = [
                dataclasses.replace(row, examples=(each,), windows=1)
                for row in rows
                for each in row
            ]
            records = owners
        answers = self.predictor.answer_records(records, rows)
        vectors = _checked(task.vectors(answers.raw), self.name)
        ends = np.cumsum([len(each) for each in places])[:-1]
        return list(map(Embedded, np.split(vectors, ends), places))


def open_model(name: str | Path, runtime: RuntimeConfig | None = None) -> Model:
    """Open a model that makes vectors.

    Args:
        name: a starter name or a model folder.
        runtime: where to run it.

    Raises:
        ModelFolderError: there is none, or it makes no vectors.
    """
    from glossator.artifact.manifest import version_of
    from glossator.artifact.opening import load
    from glossator.models.starter import STARTERS, locate
    from glossator.tasks.task import Vectors as MakesVectors

    folder = locate(name)
    predictor = load(folder, runtime=runtime)
    if not isinstance(predictor.task, MakesVectors):
        raise ModelFolderError(
            f"{name} is a model of {predictor.task.name}, which makes no vectors of texts"
        )
    known = str(name) if str(name) in STARTERS else str(folder.resolve())
    return Model(predictor, known, version_of(folder))


def model_of(
    index: Path,
    settings: VectorSettings,
    named: str | Path | None,
    runtime: RuntimeConfig | None = None,
) -> Model:
    """Open the model that made the vectors of an index.

    Args:
        index: the index.
        settings: what it says of its vectors.
        named: where the model is now; None: where it was.
        runtime: where to run it.

    Raises:
        ModelFolderError: it is not there.
        SearchIndexError: that is another one.
    """
    from glossator.models.starter import STARTERS

    if named is None and settings.model not in STARTERS and not Path(settings.model).is_dir():
        raise ModelFolderError(
            f"the model of {index} was {settings.model}, which is not there any more; --model says "
            "where it is now"
        )
    found = open_model(named or settings.model, runtime)
    found.check(settings, index)
    return found


def open_ranker(name: str | Path, runtime: RuntimeConfig | None = None) -> Predictor:
    """Open a model that says how well a text answers a query.

    Raises:
        ModelFolderError: there is none, or it puts nothing in order.
    """
    from glossator.artifact.opening import load
    from glossator.models.starter import locate
    from glossator.tasks.task import Relevance

    predictor = load(locate(name), runtime=runtime)
    if not isinstance(predictor.task, Relevance):
        raise ModelFolderError(
            f"{name} is a model of {predictor.task.name}, which puts no texts in order for a query"
        )
    return predictor


def standing(settings: VectorSettings) -> str:
    """What should be known of the model of an index; empty where it is there as it was."""
    from glossator.artifact.manifest import version_of
    from glossator.models.starter import locate

    try:
        version = version_of(locate(settings.model))
    except ModelFolderError as error:
        return f"{error.message}; `search --model` says where it is now, --by words needs none"
    if version == settings.version:
        return ""
    known, here = short_version(settings.version), short_version(version)
    return (
        f"{settings.model} is {here} now, and the index was made with {known}: by meaning it is "
        "searched with that one alone"
    )


def _checked(vectors: Vectors, name: str) -> Vectors:
    if not np.isfinite(vectors).all():
        raise ModelFolderError(f"{name} makes vectors that hold no numbers (NaN or infinity)")
    return unit(vectors)


def short_version(version: str) -> str:
    """A version as messages show it."""
    head, dash, digest = version.rpartition("-")
    return f"{head}{dash}{digest[:12]}"
