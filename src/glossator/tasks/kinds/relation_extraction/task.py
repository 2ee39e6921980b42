"""Relation extraction: which relation two marked pieces of a text have."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from glossator.evaluation.relations import usual_negative
from glossator.tasks.kinds.relation_extraction.common import RelationTask
from glossator.tasks.kinds.relation_extraction.config import CONFIG, Decision, Options
from glossator.tasks.kinds.relation_extraction.entities import RelationsOfEntities
from glossator.tasks.kinds.relation_extraction.prediction import (
    Piece,
    RelationPrediction,
    RelationScore,
)
from glossator.tasks.kinds.relation_extraction.reading import RelationReader
from glossator.tasks.kinds.relation_extraction.scores import RelationScores
from glossator.tasks.kinds.relation_extraction.windows import encode_pairs, left_out
from glossator.tasks.learnable import Encoded
from glossator.tasks.losses import balanced_weights
from glossator.tasks.task import Answer, Base, Task
from glossator.text.records import Columns, Record

__all__ = ["KIND", "RelationExtraction", "RelationOfPair"]


class RelationOfPair(RelationTask):
    """The relation of a head and a tail that are given.

    The arguments are those of `RelationTask`.
    """

    def reader(self, columns: Columns) -> RelationReader:
        """See `Task`."""
        return RelationReader(columns, self.options)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """One window a row."""
        pairs, labels = [record.input for record in records], self.targets(records).tolist()
        return encode_pairs(self.tokenizer, pairs, labels, self.marks, self.max_length)

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Any:
        """The same, or of all pairs of entities where a model finds these."""
        task = copy.copy(self)
        task.top_k = top_k or type(self).top_k
        if asks is None or asks.entities is None:
            return task
        return RelationsOfEntities.of(task, asks.entities)

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(C,) logits of the one window."""
        return answers[0]

    def decode(self, record: Record, row: Encoded, answer: Answer) -> RelationPrediction:
        """See `Task`."""
        (chances,) = self.probabilities([answer])
        order = np.argsort(-chances, kind="stable")
        listed = [RelationScore(self.labels[i], float(chances[i])) for i in order[: self.top_k]]
        text = record.input.text
        head, tail = (
            Piece(start, end, text[start:end])
            for start, end in (record.input.head, record.input.tail)
        )
        return RelationPrediction(
            label=listed[0].label,
            score=listed[0].score,
            head=head,
            tail=tail,
            labels=tuple(listed),
            text=text,
            n_tokens=row.n_tokens,
            left_out=left_out(self.tokenizer, row),
        )

    def scores(self, *, intervals: bool = True, paired: bool = False) -> RelationScores:
        """See `Task`."""
        return RelationScores(self, intervals=intervals, paired=paired)


class RelationExtraction:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> RelationReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return RelationReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> RelationOfPair:
        """See `TaskKind`; the relations are those of the rows, in the order of their names."""
        counts = Counter(record.target for record in records)
        labels, given = sorted(counts), options.no_relation
        task = RelationOfPair(
            base.tokenizer,
            labels,
            max_length=base.max_length,
            options=options,
            negative=usual_negative(counts) if given is None else given or None,
            head_first=all(record.input.head < record.input.tail for record in records),
            marked="head" not in columns,
        )
        if options.class_weights == "auto":
            rows = torch.tensor([float(counts[label]) for label in labels])
            task.class_weights = balanced_weights(rows)
        return task

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> Task | None:
        """See `TaskKind`; a folder from elsewhere is never its own."""
        if saved is None:
            return None
        learned = saved["learned"]
        first, second = learned["marks"]
        task = RelationOfPair(
            base.tokenizer,
            learned["labels"],
            max_length=base.max_length,
            options=Options(**saved.get("options", {})),
            negative=learned["negative"],
            marks=(first, second),
            head_first=learned["head_first"],
            marked=learned["marked"],
        )
        return task.deciding(Decision(**saved.get("decision", {})))


KIND = RelationExtraction()
