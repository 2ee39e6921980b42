"""What all ways of finding entities have in common."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from torch import nn

from glossator.evaluation.figures import Words
from glossator.tasks.kinds.entities.prediction import entities_in
from glossator.tasks.kinds.entities.reading import EntityReader
from glossator.tasks.kinds.entities.units import (
    Numbers,
    Scored,
    encode_words,
    placed,
)
from glossator.tasks.kinds.token_classification.config import CONFIG, Decision, Options
from glossator.tasks.kinds.token_classification.figures import MEASURES, words
from glossator.tasks.kinds.token_classification.prediction import EntitiesPrediction
from glossator.tasks.kinds.token_classification.scores import EntityScoring
from glossator.tasks.learnable import ArraySpec, Coupling, Encoded
from glossator.tasks.task import Answer
from glossator.tasks.texts import refuse_short
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["EntityTask"]


class EntityTask(Windowed, abc.ABC):
    """Which stretches of a text are what.

    A text is cut into words, and a word is read off its first token. A text longer than
    `max_length` is read in overlapping windows; of a word in several, that one answers which shows
    most of what stands around it, so that entities are found once for the whole text.

    Args:
        tokenizer: of the model's vocabulary.
        labels: what entities can be.
        max_length: tokens of a window at most, special tokens counted.
        fine: how texts are cut into words, see `EntityReader`.
        options: what training was told.

    Raises:
        ConfigError: a window has no room for a token beside the special ones.
    """

    name = CONFIG.name
    opens_as = CONFIG.opens_as
    coupling: Coupling = "example"
    measures = MEASURES
    chosen_by = ("f1", "precision")
    specs: ClassVar[Sequence[ArraySpec]]
    decision = Decision()

    def __init__(
        self,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        *,
        max_length: int,
        fine: bool,
        options: Options | None = None,
    ):
        refuse_short(tokenizer, max_length)
        self.tokenizer, self.max_length, self.fine = tokenizer, max_length, fine
        self.labels = tuple(labels)
        self.options = options or Options()

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of learning, and what there is to learn."""
        return dataclasses.asdict(self.options) | {"labels": ",".join(self.labels)}

    def reader(self, columns: Columns) -> EntityReader:
        """See `Task`."""
        return EntityReader(columns, self.options, fine=self.fine)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        goals = [self.goals(record) for record in records]
        texts = [record.input for record in records]
        return encode_words(self.tokenizer, texts, goals, self.max_length)

    @abc.abstractmethod
    def goals(self, record: Record) -> Numbers:
        """(words,) what is to be learned of each word of a text."""

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same: all entities are answered."""
        return self

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    @abc.abstractmethod
    def found(self, rows: Sequence[Encoded], answers: Sequence[Answer]) -> list[list[Scored]]:
        """The entities of each row, by its words, in order."""

    def decode(self, record: Record, row: Encoded, answer: Answer) -> EntitiesPrediction:
        """See `Task`."""
        text, (found,) = record.input.text, self.found([row], [answer])
        entities = entities_in(text, placed(row, found))
        return EntitiesPrediction(entities, text, row.n_tokens, row.windows)

    def scores(self, *, intervals: bool = True, paired: bool = False) -> EntityScoring:
        """See `Task`."""
        return EntityScoring(self, intervals=intervals, paired=paired)

    def words(self) -> Words:
        """See `Task`."""
        return words(self.labels, self.opens_as, self.decision)

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        return {
            "learned": {"fine": self.fine, "labels": list(self.labels)},
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }
