"""The relations of all entities of a text, which another model finds."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from glossator.errors import ConfigError
from glossator.tasks.kinds.relation_extraction.common import RelationTask
from glossator.tasks.kinds.relation_extraction.entity_scores import (
    MEASURES,
    EntityRelationScores,
)
from glossator.tasks.kinds.relation_extraction.places import Pair
from glossator.tasks.kinds.relation_extraction.prediction import (
    Piece,
    RelationFound,
    RelationsPrediction,
)
from glossator.tasks.kinds.relation_extraction.reading import RelationReader
from glossator.tasks.kinds.relation_extraction.windows import encode_pairs, left_out
from glossator.tasks.learnable import Encoded
from glossator.tasks.task import Answer
from glossator.text.records import Columns, Record

__all__ = ["EncodedPairs", "Finder", "RelationsOfEntities"]

_FINDS = "token-classification"


@runtime_checkable
class Finder(Protocol):
    """A loaded model whose answers have entities."""

    @property
    def task(self) -> Any:
        """What it answers."""

    def answers(self, inputs: Sequence[str]) -> Sequence[Any]:
        """The answer for each text."""


@dataclass(frozen=True, slots=True)
class EncodedPairs(Encoded):
    """A text as one example for each pair of its entities, of which there may be none.

    Attributes:
        entities: of the text, in order.
        pairs: numbers of head and tail of each example.
        left_out: tokens of the text that each example does not hold.
    """

    entities: tuple[Piece, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    left_out: tuple[int, ...] = ()


class RelationsOfEntities(RelationTask):
    """Which relations the entities of a text have; each pair of them is asked by itself.

    Where in all rows that were learned the head stood before the tail, pairs are asked in that
    order alone. The arguments are those of `RelationTask`.
    """

    finder: Finder

    @classmethod
    def of(cls, task: RelationTask, finder: Any) -> Self:
        """A task of pairs, told what finds the entities.

        Raises:
            ConfigError: that is no loaded model, or one that finds no entities, or the task has no
                relation that says that there is none.
        """
        if not isinstance(finder, Finder):
            hint = f"expected a model that finds them: glossator.load({str(finder)!r:.60})"
            raise ConfigError(f"entities is {finder!r:.60}; {hint}")
        if finder.task.name != _FINDS:
            raise ConfigError(f"--entities is a model of {finder.task.name}; expected {_FINDS}")
        if task.negative is None:
            raise ConfigError(
                "the model knows no relation that says that there is none, so that every pair of "
                "entities would get one; learn rows of unrelated pairs too (fit --no-relation NAME)"
            )
        made = cls.__new__(cls)
        vars(made).update(vars(task))
        made.finder, made.measures = finder, MEASURES
        return made

    def reader(self, columns: Columns) -> RelationReader:
        """See `Task`."""
        return RelationReader(columns, self.options, whole=True)

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same: all relations are answered."""
        return self

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`; of rows with a relation the first on a text stands for all of them."""
        texts = [record.input.text for record in records]
        first = {text: number for number, text in reversed([*enumerate(texts)])}
        asked_for = [
            record.target is None or first[record.input.text] == number
            for number, record in enumerate(records)
        ]
        answers = iter(self.finder.answers(list(itertools.compress(texts, asked_for))))
        found = [_pieces(next(answers).entities) if wanted else () for wanted in asked_for]
        pairs = [self._pairs(entities) for entities in found]
        asked = [
            Pair(text, *((entities[i].start, entities[i].end) for i in pair))
            for text, entities, every in zip(texts, found, pairs, strict=True)
            for pair in every
        ]
        rows = encode_pairs(self.tokenizer, asked, [-1] * len(asked), self.marks, self.max_length)
        read, lengths = iter(rows), map(len, self.tokenizer.encode(texts))
        return [
            self._row(number, entities, every, list(itertools.islice(read, len(every))), length)
            for number, (entities, every, length) in enumerate(
                zip(found, pairs, lengths, strict=True)
            )
        ]

    def _pairs(self, entities: Sequence[Piece]) -> tuple[tuple[int, int], ...]:
        choose = itertools.combinations if self.head_first else itertools.permutations
        return tuple(choose(range(len(entities)), 2))

    def scores(self, *, intervals: bool = True, paired: bool = False) -> EntityRelationScores:
        """See `Task`; of the rows on a text all relations together are what is right."""
        return EntityRelationScores(self, intervals=intervals)

    def _row(
        self,
        number: int,
        entities: tuple[Piece, ...],
        pairs: tuple[tuple[int, int], ...],
        rows: Sequence[Encoded],
        length: int,
    ) -> EncodedPairs:
        share = 1 / max(1, len(rows))
        return EncodedPairs(
            tuple(dataclasses.replace(row[0], row=number, weight=share) for row in rows),
            length,
            len(rows),
            entities=entities,
            pairs=pairs,
            left_out=tuple(left_out(self.tokenizer, row) for row in rows),
        )

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(pairs, C) logits."""
        return np.stack(answers) if answers else np.zeros((0, len(self.labels)), np.float32)

    def decode(self, record: Record, row: Encoded, answer: Answer) -> RelationsPrediction:
        """See `Task`."""
        assert isinstance(row, EncodedPairs)
        chances = self.probabilities(answer)
        found = [
            RelationFound(
                head=row.entities[head],
                tail=row.entities[tail],
                label=self.labels[int(chance.argmax())],
                score=float(chance.max()),
                left_out=missing,
            )
            for (head, tail), chance, missing in zip(row.pairs, chances, row.left_out, strict=True)
        ]
        return RelationsPrediction(
            relations=tuple(x for x in found if x.label != self.negative),
            entities=row.entities,
            text=record.input.text,
            n_tokens=row.n_tokens,
            windows=row.windows,
        )


def _pieces(entities: Sequence[Any]) -> tuple[Piece, ...]:
    """Entities in the order of their places; of several at one place the surest."""
    best: dict[tuple[int, int], Any] = {}
    for entity in entities:
        place = entity.start, entity.end
        if place not in best or entity.score > best[place].score:
            best[place] = entity
    return tuple(
        Piece(start, end, entity.text, entity.label)
        for (start, end), entity in sorted(best.items(), key=lambda item: item[0])
    )
