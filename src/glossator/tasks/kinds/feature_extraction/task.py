"""Feature extraction: a vector a text, near to those of texts that mean the same."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.models.headless import EncoderModel
from glossator.models.pooling import Pooling, pooled
from glossator.models.starter import prefixes_of
from glossator.tasks.class_order import by_twos
from glossator.tasks.contrastive import cosine_error, in_batch_negatives, supervised_contrastive
from glossator.tasks.kinds.feature_extraction.config import CONFIG, Asks, Options
from glossator.tasks.kinds.feature_extraction.figures import notes_of, words
from glossator.tasks.kinds.feature_extraction.prediction import EmbeddingPrediction
from glossator.tasks.kinds.feature_extraction.reading import Aim, EmbeddingReader, aim_of
from glossator.tasks.kinds.feature_extraction.scores import chosen_by, measures_of, scores_of
from glossator.tasks.kinds.feature_extraction.sentence_files import (
    Told,
    told_in,
    written_files,
)
from glossator.tasks.learnable import (
    ArraySpec,
    Batch,
    Coupling,
    Encoded,
    Example,
    first_of_rows,
    key_of,
)
from glossator.tasks.task import Answer, Base, Scores, Task
from glossator.tasks.texts import refuse_short, single, windows_of
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["KIND", "FeatureExtraction", "FeatureExtractionKind", "Grades"]

_SIDE, _KEY = 0, 1  # places of arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grades:
    """The numbers of pairs that are not alike at all, and of those that mean the same."""

    low: float = 0.0
    high: float = 1.0

    def cosine(self, number: float) -> float:
        """The cosine that vectors of such a pair should have, from 0 to 1 of those learned from."""
        return (number - self.low) / (self.high - self.low)


class FeatureExtraction(Windowed):
    """A vector a text.

    A row has one text or several sides, each read in windows of its own. The vector of a text is
    the mean of those of its windows, each weighing as many tokens as it has.

    Args:
        tokenizer: of the model's vocabulary.
        max_length: tokens of a window at most, special tokens counted.
        aim: what the vectors learn from.
        pooling: what stands for a window.
        options: what training was told.
        grades: of the training rows, where pairs have numbers.

    Attributes:
        trained_with: prefixes of a text, and of one that is to be found, with which the vectors of
            a model from elsewhere were trained.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    specs = (
        ArraySpec("side", "text"),
        ArraySpec("key", "text"),
        ArraySpec("wanted", "text", np.float32),
    )
    document = False
    trained_with = ("", "")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        aim: Aim = "texts",
        pooling: Pooling = "mean",
        options: Options | None = None,
        grades: Grades | None = None,
    ):
        refuse_short(tokenizer, max_length)
        self.tokenizer, self.max_length = tokenizer, max_length
        self.learned, self.aim, self.pooling = aim, aim, pooling
        self.options, self.grades = options or Options(), grades or Grades()
        self.measures, self.chosen_by = measures_of(aim), chosen_by(aim)

    def scored_by(self, columns: Columns) -> Self:
        """See `ScoredByColumns`: vectors are the same, whatever they are held against."""
        task = copy.copy(self)
        task.aim = aim_of(columns)
        task.measures, task.chosen_by = measures_of(task.aim), chosen_by(task.aim)
        return task

    @property
    def coupling(self) -> Coupling:
        """All of a step where texts are told from one another, else a row."""
        return "row" if self.aim == "grades" else "step"

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Learnable`."""
        told = dataclasses.asdict(self.options) | dataclasses.asdict(self.grades)
        return told | {"aim": self.aim, "pooling": self.pooling}

    def reader(self, columns: Columns) -> EmbeddingReader:
        """See `Task`."""
        return EmbeddingReader(columns, self.options)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`; an encoder alone, so that nothing is new."""
        return checkpoint.load_headless(base.folder)

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_headless(base.folder)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The windows of each side of each row."""
        sides = [self._sides(record) for record in records]
        ids = iter(self.tokenizer.encode([text for row in sides for text in row]))
        rows = []
        for number, (record, row) in enumerate(zip(records, sides, strict=True)):
            wanted = self._wanted(record)
            examples: list[Example] = []
            tokens = windows = 0
            for side, text in enumerate(row):
                part = next(ids)
                cut = windows_of(self.tokenizer, [part], self.max_length)
                arrays = single(side), single(key_of(_same(record, text))), wanted
                total = sum(len(x) for x, _, _ in cut) * len(row)
                examples += (
                    Example(x, span, arrays, None, len(x) / total, number) for x, span, _ in cut
                )
                tokens, windows = tokens + len(part), max(windows, len(cut))
            rows.append(Encoded(tuple(examples), tokens, windows))
        return rows

    def _sides(self, record: Record) -> list[str]:
        """The texts of a row with their prefixes."""
        first, *others = record.input
        prefix, other = self.options.prefix, self.options.pair_prefix
        found = other
        if self.aim == "texts":  # of which none was to be found, but for a text itself
            found, other = other or prefix, prefix
        return [(found if self.document else prefix) + first, *(other + text for text in others)]

    def _wanted(self, record: Record) -> NDArray[np.float32]:
        graded = self.aim == "grades" and record.target is not None
        number = self.grades.cosine(record.target) if graded else 0.0
        return single(number, np.float32)

    def order(
        self, rows: Sequence[Sequence[Example]], seed: int, epoch: int
    ) -> NDArray[np.int64] | None:
        """See `Ordering`: two of a class stand side by side, so that a step has what is alike."""
        if self.aim != "classes":
            return None
        return by_twos(len(rows), lambda i: int(rows[i][0].arrays[_KEY]), seed=seed, epoch=epoch)

    def embed(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, width) vectors of the windows of a batch."""
        assert isinstance(model, EncoderModel)
        return pooled(model, batch.inputs, self.pooling)

    def compare(self, vectors: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `Comparing`: losses of texts that are held against each other."""
        texts, sides, keys = _texts(vectors, batch)
        first = sides == 0
        anchors = texts[first]
        if self.aim == "classes":
            losses = supervised_contrastive(
                anchors, keys[first], temperature=self.options.contrast_temperature
            )
        elif self.aim == "grades":
            wanted = _firsts(batch, batch.arrays["wanted"])
            losses = cosine_error(anchors, texts[sides == 1], wanted)
        else:
            losses = self._told_apart(anchors, texts[~first], sides[~first], keys[~first])
        return losses.sum(), torch.tensor(float(len(losses)))

    def _told_apart(self, anchors: Tensor, others: Tensor, sides: Tensor, keys: Tensor) -> Tensor:
        """(N,) losses of N anchors among all texts that could be found."""
        right = (sides == 1).nonzero()[:, 0]
        return in_batch_negatives(
            anchors,
            others,
            right,
            temperature=self.options.contrast_temperature,
            left_out=keys[right][:, None] == keys,
        )

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `Learnable`."""
        return self.compare(self.embed(model, batch), batch)

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """Of each window (width,) its vector."""
        with torch.inference_mode():
            return list(self.embed(model, batch).float().cpu().numpy())

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(S, width) vectors of the S texts of a row."""
        sides = np.array([int(example.arrays[_SIDE]) for example in row])
        weights = np.array([example.weight for example in row])
        vectors = np.asarray(answers, np.float32)
        found = [
            np.average(vectors[sides == side], axis=0, weights=weights[sides == side])
            for side in range(int(sides.max()) + 1)
        ]
        return self._scaled(np.asarray(found, np.float32))

    def _scaled(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.options.normalize:
            return vectors
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        scaled: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return scaled

    def vectors(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """(N, width) of the first text of each row."""
        found = [answer[0] for answer in answers]
        return np.stack(found) if found else np.zeros((0, 0), np.float32)

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same task, perhaps of texts that are to be found, or with other prefixes."""
        task = copy.copy(self)
        wishes = asks if isinstance(asks, Asks) else Asks()
        own = self.options
        task.document = wishes.document
        task.options = dataclasses.replace(
            own,
            prefix=own.prefix if wishes.prefix is None else wishes.prefix,
            pair_prefix=own.pair_prefix if wishes.pair_prefix is None else wishes.pair_prefix,
        )
        return task

    def for_documents(self) -> Self:
        """See `Vectors`."""
        return self.asked(asks=Asks(document=True))

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Noted`: of prefixes that the model knows, and that do not stand before the texts."""
        return notes_of(self.trained_with, self.options)

    def places(self, record: Record, row: Encoded) -> list[tuple[int, int]]:
        """See `Vectors`; a window ends where the next token begins, so that none is left out."""
        text = self._sides(record)[0]
        spans = [example.span for example in row if int(example.arrays[_SIDE]) == 0]
        if len(spans) == 1:
            return [(0, len(record.input[0]))]
        ((_, offsets),) = self.tokenizer.encode_with_offsets([text])
        before = len(text) - len(record.input[0])
        starts = [0, *(int(start) - before for start in offsets[1:, 0]), len(record.input[0])]
        return [(max(0, starts[a]), max(0, starts[b])) for a, b in spans]

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The same: nothing is decided."""
        return self

    def decode(self, record: Record, row: Encoded, answer: Answer) -> EmbeddingPrediction:
        """See `Task`."""
        return EmbeddingPrediction(answer[0], row.n_tokens, row.windows)

    def scores(self, *, intervals: bool = True, paired: bool = False) -> Scores:
        """See `Task`."""
        cosine = self.grades.cosine if self.learned == "grades" else None
        return scores_of(self.aim, cosine, intervals=intervals, paired=paired)

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def words(self) -> Words:
        """See `Task`."""
        found = words(self.learned, self.pooling, self.options)
        return dataclasses.replace(found, decided=[*found.decided, *self.notes])

    def files(self, width: int) -> Mapping[str, str]:
        """See `Shipping`: what sentence-transformers reads of a folder."""
        return written_files(
            Told(self.pooling, self.options.normalize, self.max_length),
            width,
            prefix=self.options.prefix,
            pair_prefix=self.options.pair_prefix,
        )

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        learned = {"aim": self.learned, "pooling": self.pooling}
        return {
            "learned": learned | dataclasses.asdict(self.grades),
            "options": dataclasses.asdict(self.options),
            "decision": {},
        }


class FeatureExtractionKind:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> EmbeddingReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return EmbeddingReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> FeatureExtraction:
        """See `TaskKind`."""
        aim, grades = aim_of(columns), None
        if aim == "grades":
            numbers = [record.target for record in records]
            grades = Grades(low=min(numbers), high=max(numbers))
        there = told_in(base.folder)
        usual: Pooling = there.pooling if there else "mean"
        return FeatureExtraction(
            base.tokenizer,
            max_length=base.max_length,
            aim=aim,
            pooling=usual if options.pooling == "auto" else options.pooling,
            options=options,
            grades=grades,
        )

    def adopt(self, base: Base, own: Task | None) -> FeatureExtraction:
        """See `Adopting`: any encoder has vectors, whatever it was trained for."""
        if isinstance(own, FeatureExtraction):
            return own
        base.source.refuse_decoder()
        task = FeatureExtraction(base.tokenizer, max_length=base.max_length)
        task.trained_with = prefixes_of(base.folder)
        return task

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> Task | None:
        """See `TaskKind`; of folders from elsewhere those of sentence-transformers."""
        if saved is None:
            there = told_in(base.folder)
            if there is None:
                return None
            task = FeatureExtraction(
                base.tokenizer,
                max_length=min(base.max_length, there.max_length or base.max_length),
                pooling=there.pooling,
                options=Options(normalize=there.normalize),
            )
            task.trained_with = prefixes_of(base.folder)
            return task
        learned = dict(saved["learned"])
        return FeatureExtraction(
            base.tokenizer,
            max_length=base.max_length,
            aim=learned["aim"],
            pooling=learned["pooling"],
            options=Options(**saved["options"]),
            grades=Grades(low=learned["low"], high=learned["high"]),
        )


KIND = FeatureExtractionKind()


def _texts(vectors: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """(N, width) vectors of the N texts of a batch's windows; (N,) their sides and keys."""
    there = batch.weights > 0  # what fills a batch up is no text
    weights, rows = batch.weights[there], batch.rows[there]
    sides, keys = batch.arrays["side"][there], batch.arrays["key"][there]
    _, number = torch.unique_consecutive(torch.stack([rows, sides]), dim=1, return_inverse=True)
    first = first_of_rows(number)
    sums = vectors.new_zeros(int(number[-1]) + 1, vectors.shape[1])
    sums = sums.index_add(0, number, vectors[there] * weights[:, None])
    totals = weights.new_zeros(len(sums)).index_add(0, number, weights)
    return sums / totals[:, None], sides[first], keys[first]


def _same(record: Record, text: str) -> str:
    """What makes two texts of a step the same: their class, or all their letters."""
    return record.target if isinstance(record.target, str) else text


def _firsts(batch: Batch, values: Tensor) -> Tensor:
    """(N,) the value of each row, which all of its windows have."""
    there = batch.weights > 0
    rows = batch.rows[there]
    return values[there][first_of_rows(rows)]
