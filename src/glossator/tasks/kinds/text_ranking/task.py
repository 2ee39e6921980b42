"""Text ranking: how well a text answers a query, by a model that reads both together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.tasks.kinds.text_ranking.config import CONFIG, Options
from glossator.tasks.kinds.text_ranking.prediction import RankPrediction
from glossator.tasks.kinds.text_ranking.reading import RankReader
from glossator.tasks.kinds.text_ranking.scores import MEASURES, RankScores
from glossator.tasks.learnable import (
    ArraySpec,
    Batch,
    Coupling,
    Encoded,
    Example,
    first_of_rows,
    key_of,
)
from glossator.tasks.ranking_losses import listwise, pairwise, pointwise
from glossator.tasks.reading import typed_texts
from glossator.tasks.task import Answer, Base, Task
from glossator.tasks.texts import encode_texts, refuse_short, single
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["KIND", "Ranking", "TextRanking"]

_LABELS = ("LABEL_0",)  # as transformers calls the one output of a ranker
_QUERY = 0  # place among the arrays


class TextRanking(Windowed):
    """How well the second text of a pair answers the first.

    Args:
        tokenizer: of the model's vocabulary.
        max_length: tokens of a window at most, special tokens counted.
        options: what training was told.
        highest: the highest grade of the training rows.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    coupling: Coupling = "step"
    specs = (ArraySpec("query", "text"), ArraySpec("grade", "text", np.float32))
    measures = MEASURES
    chosen_by = ("ndcg", "mrr")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        options: Options | None = None,
        highest: float = 1.0,
    ):
        refuse_short(tokenizer, max_length, pair=True)
        self.tokenizer, self.max_length = tokenizer, max_length
        self.options, self.highest = options or Options(), highest

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Learnable`."""
        return dataclasses.asdict(self.options) | {"highest": self.highest}

    def reader(self, columns: Columns) -> RankReader:
        """See `Task`."""
        return RankReader(columns)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_classifier(
            base.folder, _LABELS, seed=seed, problem_type="regression"
        )

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_classifier(base.folder)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        arrays = [
            (single(key_of(record.texts[0])), single(record.target or 0.0, np.float32))
            for record in records
        ]
        texts = [record.texts for record in records]
        return encode_texts(self.tokenizer, texts, arrays, self.max_length)

    def order(
        self, rows: Sequence[Sequence[Example]], seed: int, epoch: int
    ) -> NDArray[np.int64] | None:
        """See `Ordering`: the candidates of a query stand side by side, queries at random."""
        draw = np.random.default_rng([seed, epoch])
        shuffled = draw.permutation(len(rows))
        keys = np.array([rows[i][0].arrays[_QUERY] for i in shuffled], np.int64)
        _, first, number = np.unique(keys, return_index=True, return_inverse=True)
        return shuffled[np.argsort(first[number], kind="stable")]

    def embed(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, 1) logits of the windows of a batch."""
        return model(batch.inputs)  # type: ignore[no-any-return]

    def compare(self, vectors: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `Comparing`: the loss of the queries of a step; of a row its best window counts."""
        there = batch.weights > 0  # what fills a batch up is no candidate
        rows = batch.rows[there]
        first = first_of_rows(rows)
        number = first.long().cumsum(0) - 1
        empty = vectors.new_full((int(number[-1]) + 1,), -torch.inf)
        scores = empty.scatter_reduce(0, number, vectors[there, 0], "amax")
        queries, grades = (batch.arrays[name][there][first] for name in ("query", "grade"))
        if self.options.ranking_loss == "pointwise":
            return pointwise(scores, grades, self.highest)
        loss = listwise if self.options.ranking_loss == "listwise" else pairwise
        total, parts = loss(scores, grades, queries)
        # A step may hold no query of two grades: it teaches nothing, and is no error.
        return total, parts.clamp(min=1)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `Learnable`."""
        return self.compare(self.embed(model, batch), batch)

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same: there is one score."""
        return self

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """(B, 1) logits."""
        with torch.inference_mode():
            return list(self.embed(model, batch).float().cpu().numpy())

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(1,) the logit of the best window: an answer stands in one place of a long text."""
        return np.max(answers, axis=0)

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The same: an order decides nothing."""
        return self

    def decode(self, record: Record, row: Encoded, answer: Answer) -> RankPrediction:
        """See `Task`."""
        score = 1 / (1 + np.exp(-np.float64(answer[0])))
        return RankPrediction(float(score), row.n_tokens, row.windows)

    def relevance(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """See `Relevance`."""
        return np.array([float(answer[0]) for answer in answers])

    def scores(self, *, intervals: bool = True, paired: bool = False) -> RankScores:
        """See `Task`."""
        return RankScores(intervals=intervals)

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def words(self) -> Words:
        """See `Task`."""
        return Words(
            does="Reads a query with a text and says how well the text answers it.",
            caution="Scores put the candidates of one query in order; they are no probabilities.",
            opens_as=self.opens_as,
            pipeline="text-classification",
            **typed_texts(pair=True),
            elsewhere="transformers and sentence-transformers (CrossEncoder) give the same scores, "
            "but for long texts, of which the best window counts here.",
        )

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        return {
            "learned": {"highest": self.highest},
            "options": dataclasses.asdict(self.options),
            "decision": {},
        }


class Ranking:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> RankReader:
        """See `TaskKind`."""
        return RankReader(columns)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> TextRanking:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        highest = max(record.target for record in records) or 1.0
        return TextRanking(
            base.tokenizer, max_length=base.max_length, options=options, highest=highest
        )

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> Task | None:
        """See `TaskKind`; a folder from elsewhere does not say that its number is one."""
        if saved is None:
            return None
        return TextRanking(
            base.tokenizer,
            max_length=base.max_length,
            options=Options(**saved["options"]),
            highest=saved["learned"]["highest"],
        )


KIND = Ranking()
