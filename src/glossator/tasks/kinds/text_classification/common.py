"""What a task with one label a row and one with several have in common."""

from __future__ import annotations

import abc
import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from glossator.models import checkpoint
from glossator.models.heads import ProblemType
from glossator.tasks.kinds.text_classification.config import CONFIG, Options
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.tasks.kinds.text_classification.values import Label, label_values
from glossator.tasks.learnable import ArraySpec, Batch, Coupling, Encoded
from glossator.tasks.task import Answer, Base, Task
from glossator.tasks.texts import Arrays, encode_texts, refuse_short
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["LabelTask", "labels_of"]


class LabelTask(Windowed, abc.ABC):
    """A task that says which of some labels a text has.

    A text longer than `max_length` is read in overlapping windows; each learns the row's labels
    with an equal share of its weight, and the row's logits are the mean over its windows.

    Args:
        tokenizer: of the model's vocabulary.
        labels: name of each class.
        max_length: tokens of a window at most, special tokens counted.
        pair: whether texts come in pairs.
        options: what training was told.
        values: what each label stands for and is answered as; None: its name.

    Raises:
        ConfigError: a window has no room for a token beside the special ones.
    """

    name = CONFIG.name
    opens_as = CONFIG.opens_as
    coupling: Coupling = "example"
    specs: ClassVar[Sequence[ArraySpec]]
    problem_type: ClassVar[ProblemType]
    top_k = 3

    def __init__(
        self,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        *,
        max_length: int,
        pair: bool = False,
        options: Options | None = None,
        values: Sequence[Label] | None = None,
    ):
        refuse_short(tokenizer, max_length, pair=pair)
        self.tokenizer, self.max_length, self.pair = tokenizer, max_length, pair
        self.labels = tuple(labels)
        self.values: tuple[Label, ...] = self.labels if values is None else tuple(values)
        self.options = options or Options()
        self._place = {label: number for number, label in enumerate(self.labels)}

    @classmethod
    @abc.abstractmethod
    def learn(
        cls, records: Sequence[Record], base: Base, options: Options, column: str = "label"
    ) -> Task:
        """The task that training rows define, with the column that their labels were read from."""

    @classmethod
    def of(cls, records: Sequence[Record], base: Base, options: Options, column: str) -> Self:
        """A task with the labels of training rows, and of their types."""
        values = label_values(records, column)
        labels = labels_of(records, base, values)
        return cls(
            base.tokenizer,
            labels,
            max_length=base.max_length,
            pair=len(records[0].texts) > 1,
            options=options,
            values=[values[label] for label in labels] if values else None,
        )

    @property
    def classes(self) -> tuple[Label, ...]:
        """The labels as they are answered, in the order of the logits."""
        return self.values

    @property
    def learned(self) -> dict[str, Any]:
        """What the folder holds of the rows beside the labels, which are in `config.json`."""
        typed = {} if self.values == self.labels else {"values": list(self.values)}
        return {"pair": self.pair, **typed}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of learning, and how many labels there are."""
        return dataclasses.asdict(self.options) | {"labels": len(self.labels), "pair": self.pair}

    def reader(self, columns: Columns) -> LabelReader:
        """See `Task`."""
        several = self.problem_type.startswith("multi")
        return LabelReader(columns, self.options, several=several)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_classifier(
            base.folder, self.labels, seed=seed, problem_type=self.problem_type
        )

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_classifier(base.folder)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        texts = [record.texts for record in records]
        return encode_texts(
            self.tokenizer, texts, [self._arrays(record) for record in records], self.max_length
        )

    @abc.abstractmethod
    def _arrays(self, record: Record) -> Arrays:
        """The target of a row, as its examples have it."""

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """See `Task`."""
        task = copy.copy(self)
        task.top_k = top_k or type(self).top_k
        return task

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """(B, C) logits."""
        with torch.inference_mode():
            return model(batch.inputs).float().cpu().numpy()  # type: ignore[no-any-return]

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(C,) mean of the windows' logits."""
        return answers[0] if len(answers) == 1 else np.mean(answers, axis=0, dtype=np.float32)

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""


def labels_of(
    records: Sequence[Record], base: Base, values: Mapping[str, Label] | None = None
) -> list[str]:
    """The labels of training rows.

    Where they are those of the model that is fine-tuned, their order is kept, so that a head that
    was trained for them can be; else they are sorted, by their `values` if they have some.
    """
    found: set[str] = set()
    for record in records:
        found.update((record.target,) if isinstance(record.target, str) else record.target)
    trained = base.source.architecture.endswith("ForSequenceClassification")
    known = base.source.labels() if trained else ()
    return list(known) if set(known) == found else _sorted(found, values or {})


def _sorted(names: Iterable[str], values: Mapping[str, Label]) -> list[str]:
    """Names in their order, numbers in theirs: 2 before 10."""
    numbers: Mapping[str, Any] = values
    return sorted(names, key=lambda name: numbers.get(name, name))
