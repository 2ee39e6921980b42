"""What a task is to the house: everything outside `tasks` goes through these protocols.

A kind of task reads rows. From the rows that it read it learns what answers mean; with that it is
a task, which teaches a model, answers with it, and scores the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from glossator.evaluation.comparison import PairedDifference
from glossator.evaluation.figures import Measure, Section, Words
from glossator.models.source import ModelSource
from glossator.tasks.config import KindConfig
from glossator.tasks.learnable import Batch, Encoded, Example, Learnable
from glossator.tasks.prediction import Prediction
from glossator.text.findings import Finding
from glossator.text.records import Columns, Examiner, Read, Record
from glossator.text.rows import Row
from glossator.text.tokenizer import Tokenizer

__all__ = [
    "Adopting",
    "Answer",
    "Answering",
    "Base",
    "Composed",
    "Concluding",
    "Contrasting",
    "Filing",
    "NeedsDev",
    "Noted",
    "Paired",
    "Partly",
    "Preparing",
    "Probabilities",
    "Reader",
    "Relevance",
    "Repeating",
    "ScoredByColumns",
    "Scores",
    "Stepwise",
    "Surveying",
    "Task",
    "TaskKind",
    "Vectors",
    "WithFiles",
    "characters_of",
    "is_better",
]

Answer: TypeAlias = Any
"""What a model says of an example or a row, before anything is decided: an array, as a rule."""


@dataclass(frozen=True)
class Base:
    """The model folder that a task stands on; its weights are not read yet.

    Attributes:
        folder: where it lies.
        source: what its config says.
        tokenizer: its tokenizer.
        max_length: tokens of a window at most, special tokens counted.
    """

    folder: Path
    source: ModelSource
    tokenizer: Tokenizer
    max_length: int

    @classmethod
    def of(cls, folder: Path, max_length: int | None = None) -> Base:
        """A folder; without a limit of its own a window is as long as the model can read.

        Raises:
            ModelFolderError: there is no such folder, or it holds no model.
        """
        source = ModelSource(folder)
        longest = source.config.max_length
        length = longest if max_length is None else min(max_length, longest)
        return cls(folder, source, Tokenizer.load(folder), length)


class TaskKind(Protocol):
    """A kind of task; one object each, `KIND` in its file."""

    @property
    def config(self) -> KindConfig:
        """What it says of itself."""

    def reader(self, columns: Columns, options: Any) -> Reader:
        """Reads rows of a table with these columns; `options` is of `config.options`."""

    def learn(self, records: Sequence[Record], base: Base, columns: Columns, options: Any) -> Task:
        """The task that training rows define, which were read from these columns."""

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> Task | None:
        """The task of a folder.

        Args:
            base: the folder.
            saved: what `Task.saved` gave; None for a folder from elsewhere.

        Returns:
            None where the folder answers another kind.
        """


@runtime_checkable
class Adopting(Protocol):
    """A kind of task as which folders of other kinds can be opened, where it is asked for."""

    def adopt(self, base: Base, own: Task | None) -> Task:
        """The task of a folder whose own task is another.

        Args:
            base: the folder.
            own: its own task; None where it has none, as an encoder alone.

        Raises:
            ModelFolderError: it cannot be opened so.
        """


@runtime_checkable
class Filing(Protocol):
    """A kind of task some of whose wishes may name files of the user's."""

    def opened(self, asks: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
        """The wishes, with what the files hold in their place.

        Args:
            asks: by name; who has no right to this machine's files must not name any.
            columns: of the table that is answered, as far as the user named them.
        """


class Reader(Protocol):
    """A kind of task with the columns of a table."""

    @property
    def columns(self) -> Columns:
        """By their roles."""

    @property
    def inputs(self) -> Columns:
        """Those without what is learned."""

    def given(self, value: Any) -> Mapping[str, Any]:
        """The columns of an input that was given from Python: a text, or a mapping.

        Raises:
            InputError: it is neither.
        """

    def read(self, row: Row, *, targets: bool) -> Read:
        """What a row says, or why it cannot be used; with targets those have to be there."""

    def examiner(self) -> Examiner:
        """Looks at the rows before anything is learned."""

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """(N,) what each part of a split should have like shares of; None: nothing."""


@runtime_checkable
class NeedsDev(Protocol):
    """A reader of rows for something that may have to be decided on dev rows."""

    @property
    def needs_dev(self) -> str:
        """The option that asks for dev rows; empty where none does."""


@runtime_checkable
class Partly(Protocol):
    """A reader of rows that need not all have the same columns."""

    @property
    def also(self) -> Sequence[str]:
        """Columns that a row may have beside `inputs`."""


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Two models on the same rows; differences are b minus a.

    Attributes:
        differences: of each measure, the one that decides first.
        tests: further tests by name, as plain values.
        p_value: of the test that decides.
        b_is_better: whether it speaks for b.
        same: whether both answer alike, so that there is nothing to decide.
    """

    differences: tuple[PairedDifference, ...]
    tests: Mapping[str, Any]
    p_value: float
    b_is_better: bool
    same: bool = False


class Scores(Protocol):
    """Adds up how good answers are, batch by batch."""

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """Take in rows, their examples and their combined answers."""

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far, by the names of `Task.measures`.

        Raises:
            InputError: there are no rows.
        """

    def remarks(self) -> Sequence[Finding]:
        """What should be known of the rows beside their scores."""

    def sections(self, split: str) -> list[Section]:
        """What a report shows of the rows of `split`."""

    def paired(self, other: Self) -> Paired:
        """This model against another on the same rows, where both kept them."""


class Answering(Learnable[Batch], Protocol):
    """Something learnable that a model can be asked for."""

    def cost(self, example: Example) -> int:
        """How much room an example takes in a batch, in tokens."""

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """What a model says of each example."""

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """What is said of a row, from the answers of its examples."""


class Task(Answering, Protocol):
    """A task: what its answers mean, how they are learned, given and scored.

    A row is encoded as one or more examples (windows of its texts); a model answers examples;
    what is said of a row is combined from the answers of its examples, and decoded.
    """

    @property
    def name(self) -> str:
        """Of its kind."""

    @property
    def opens_as(self) -> str:
        """The class of transformers that opens its folders."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the model."""

    @property
    def max_length(self) -> int:
        """Tokens of a window at most, special tokens counted."""

    @property
    def measures(self) -> Sequence[Measure]:
        """Its scores, the one to judge by first."""

    @property
    def chosen_by(self) -> Sequence[str]:
        """Measures that tell the better of two steps, the first that differs."""

    def reader(self, columns: Columns) -> Reader:
        """Reads rows as those that it learned from were read."""

    def build(self, base: Base, seed: int) -> nn.Module:
        """The model to train: that of `base`, with a new head where its own is of another task."""

    def open(self, base: Base) -> nn.Module:
        """The trained model that a folder of this task holds."""

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The examples of each row, at least one each."""

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same task, told what is wanted of its answers.

        Args:
            top_k: how many possibilities an answer lists; None leaves it to the task.
            asks: of `KindConfig.asks`; None leaves it at that.
        """

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The same task, which decides by what was best on these dev rows."""

    def decode(self, record: Record, row: Encoded, answer: Answer) -> Prediction:
        """The prediction for a row."""

    def scores(self, *, intervals: bool = True, paired: bool = False) -> Scores:
        """Nothing scored yet; `paired` keeps what comparing two models needs."""

    def finish(self, model: nn.Module) -> None:
        """Make a trained model such that its folder answers elsewhere as it does here."""

    def words(self) -> Words:
        """What card, report and terminal say of it."""

    def saved(self) -> dict[str, Any]:
        """`learned`, `options` and `decision` as plain values, from which it is restored."""


@runtime_checkable
class Probabilities(Protocol):
    """A task whose answers are probabilities of classes."""

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes, each of the type that it is answered with."""

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities."""

    def share_right(self, targets: Sequence[Any], answers: Sequence[Answer]) -> float:
        """Share of N rows whose class is the one decided on, from 0 to 1.

        Raises:
            InputError: a target is of another type than the classes.
        """


@runtime_checkable
class Concluding(Protocol):
    """Something learnable that trains an encoder, after which a head is still to be made."""

    @property
    def rate_share(self) -> float:
        """Of the learning rate at which an encoder and a new head are trained together."""

    @property
    def unused(self) -> Sequence[str]:
        """Options that were given and have no effect on it."""

    def concluded(
        self,
        model: nn.Module,
        records: Sequence[Record],
        rows: Sequence[Encoded],
        *,
        token_budget: int,
    ) -> nn.Module:
        """A model that answers, made of the trained one and of the rows that it learned from.

        Args:
            model: the trained one.
            records: the N rows.
            rows: their examples.
            token_budget: tokens that go through the model at once.
        """


@runtime_checkable
class Contrasting(Protocol):
    """A task of classes that can also be learned by telling their texts apart."""

    def contrasted(self) -> Learnable[Batch]:
        """What is learned so; it is `Concluding`."""

    def right(self, records: Sequence[Record], answers: Sequence[Answer]) -> NDArray[np.bool_]:
        """(N,) whether each row got its class."""


@runtime_checkable
class Surveying(Protocol):
    """A task that also learns from what the trained model says of rows that it learned from."""

    def surveyed(
        self,
        records: Sequence[Record],
        rows: Sequence[Encoded],
        ask: Callable[[Sequence[Record], Sequence[Encoded]], Sequence[Answer]],
    ) -> Self:
        """The same task, which knows how the N training rows lie.

        Args:
            records: the rows.
            rows: their examples.
            ask: answers some of them.
        """

    def settle(self, model: nn.Module) -> None:
        """Put what was decided into the model, whose folder then holds it."""


@runtime_checkable
class Noted(Protocol):
    """A task of which the users of its answers should know something."""

    @property
    def notes(self) -> Sequence[str]:
        """That, in sentences, once the task is ready."""


@runtime_checkable
class Preparing(Noted, Protocol):
    """A task that has something to ask the model itself before it answers."""

    @property
    def unread(self) -> int:
        """Characters that the model has to read for it yet, before it answers."""

    def prepared(self, ask: Callable[[Task, Sequence[Record]], Sequence[Answer]]) -> Self:
        """The same task, ready to answer; what was asked once is not asked again.

        Args:
            ask: the combined answers of records, as some task asks the model for them.
        """


@runtime_checkable
class Composed(Protocol):
    """A task made of several, of which the one answers a row that the row names."""

    def examples(self, columns: Columns) -> Mapping[str, Mapping[str, Any]]:
        """A row for each of them, by its name.

        Args:
            columns: that the task reads, by role.
        """


@runtime_checkable
class Stepwise(Protocol):
    """A task that takes many steps to answer a batch, and can be looked after meanwhile."""

    def watched(self, step: Callable[[], None]) -> Self:
        """The same task, which calls `step` before each; what that raises ends the answering."""


@runtime_checkable
class Relevance(Protocol):
    """A task whose answers put texts in order for a query."""

    def relevance(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N,) one a row; the higher, the better."""


@runtime_checkable
class ScoredByColumns(Protocol):
    """A task that is scored by what the columns of a table say, whatever it learned from."""

    def scored_by(self, columns: Columns) -> Self:
        """The same task, whose scores are of rows with these columns, by role."""


@runtime_checkable
class Repeating(Protocol):
    """A task that reads a text of a row more than once, such as a question with each choice."""

    def characters(self, record: Record) -> int:
        """Of the texts of a row, each counted as often as it is read."""


@runtime_checkable
class Vectors(Protocol):
    """A task whose answers are vectors that are held against each other."""

    def vectors(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """(N, D) one a row."""

    def for_documents(self) -> Self:
        """The same task for texts that are to be found, which it may read otherwise."""

    def places(self, record: Record, row: Encoded) -> list[tuple[int, int]]:
        """The half-open characters of the first text that each of its windows stands for."""


@runtime_checkable
class WithFiles(Protocol):
    """A task whose folders hold files that only others read."""

    def files(self, width: int) -> Mapping[str, str]:
        """Their texts, by their paths in the folder; `width` is that of the encoder."""


def characters_of(task: Task, record: Record) -> int:
    """Characters that a task reads of a row, before windows overlap."""
    if isinstance(task, Repeating):
        return task.characters(record)
    return sum(map(len, record.texts))


def is_better(task: Task, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether of two scores on the same rows the first, which is later, is better.

    Where nothing is right yet, later is better: a model that goes on is not at a standstill.
    """
    best = {measure.name: measure.better for measure in task.measures}
    for name in task.chosen_by:
        if new[name] is None or old[name] is None:
            if new[name] is not old[name]:
                return old[name] is None
        elif new[name] != old[name]:
            return bool(new[name] > old[name]) is (best[name] == "high")
    first = task.chosen_by[0]
    return best[first] == "high" and new[first] == 0
