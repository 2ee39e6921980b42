"""Zero-shot classification: which of some labels fits a text, without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from glossator.errors import InputError, ModelFolderError
from glossator.tasks.kinds.feature_extraction import task as vectors
from glossator.tasks.kinds.text_classification import task as classes
from glossator.tasks.kinds.text_classification.config import Options
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.tasks.kinds.zero_shot_classification.by_entailment import (
    ByEntailment,
    entailment_place,
)
from glossator.tasks.kinds.zero_shot_classification.by_vectors import ByVectors
from glossator.tasks.kinds.zero_shot_classification.common import ZeroShot, ZeroShotDecision
from glossator.tasks.kinds.zero_shot_classification.config import CONFIG
from glossator.tasks.kinds.zero_shot_classification.examples import examples_in
from glossator.tasks.kinds.zero_shot_classification.labels import labels_in
from glossator.tasks.kinds.zero_shot_classification.question import Question
from glossator.tasks.task import Base, Task
from glossator.text.records import Columns, Record

__all__ = ["KIND", "ZeroShotKind"]

# What has no head of its own that would have been trained for something else.
_ENCODERS = ("", vectors.KIND.config.name, "fill-mask")


class ZeroShotKind:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> LabelReader:
        """See `TaskKind`."""
        return LabelReader(columns, Options())

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> NoReturn:
        """Refuse: nothing is learned.

        Raises:
            InputError: always.
        """
        raise InputError(f"{CONFIG.name} is not learned from a table")

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> ZeroShot | None:
        """See `TaskKind`; a folder from elsewhere is never its own."""
        if saved is None:
            return None
        learned, decision = dict(saved["learned"]), dict(saved["decision"])
        own, own_saved = learned.pop("own"), learned.pop("own_saved")
        kind = vectors.KIND if own == vectors.KIND.config.name else classes.KIND
        task = self.adopt(base, kind.restore(base, own_saved))
        decision["biases"] = tuple(decision["biases"])
        return task.asking(Question.from_json(learned), ZeroShotDecision(**decision))

    def adopt(self, base: Base, own: Task | None) -> ZeroShot:
        """See `Adopting`: by its head, where that knows entailment, else by vectors.

        Raises:
            ModelFolderError: it has a head for something else.
        """
        if isinstance(own, OneLabel):
            place = entailment_place(own.labels)
            if place is not None:
                return ByEntailment(own, place)
        name = "" if own is None else own.name
        if name not in _ENCODERS:
            knows = (
                ", none of whose labels is called entailment" if isinstance(own, OneLabel) else ""
            )
            raise ModelFolderError(
                f"{base.folder.name} answers {name}{knows}: {CONFIG.name} asks for a starter, an "
                "encoder, a model of feature-extraction, or one of pairs with a label entailment"
            )
        return ByVectors(vectors.KIND.adopt(base, own))

    def opened(self, asks: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
        """See `Filing`."""
        found = dict(asks)
        if asks.get("labels") is not None:
            found["labels"] = labels_in(asks["labels"])
        if asks.get("examples") is not None:
            separator = asks.get("label_separator")
            found["examples"] = examples_in(asks["examples"], columns, separator)
        return found


KIND = ZeroShotKind()
