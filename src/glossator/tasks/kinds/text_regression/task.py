"""Text regression: a number a text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.models.heads import SequenceClassifier
from glossator.tasks.kinds.text_regression.config import CONFIG, Options
from glossator.tasks.kinds.text_regression.reading import NumberReader
from glossator.tasks.kinds.text_regression.scores import MEASURES, NumberScores
from glossator.tasks.learnable import ArraySpec, Batch, Coupling, Encoded
from glossator.tasks.losses import huber, squared_error
from glossator.tasks.reading import typed_texts
from glossator.tasks.task import Answer, Base
from glossator.tasks.texts import encode_texts, refuse_short, single
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["KIND", "NumberPrediction", "Regression", "Scale", "TextRegression"]

_LABELS = ("LABEL_0",)  # as transformers calls the one output of a regression


@dataclass(frozen=True, slots=True)
class NumberPrediction:
    """The number of one text.

    Attributes:
        value: in the units of the training rows.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
    """

    value: float
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "value": round(self.value, 6),
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a model's output of 0 means, and one of 1 more, while it is trained."""

    mean: float = 0.0
    deviation: float = 1.0


class TextRegression(Windowed):
    """A number a text, or a pair.

    A model learns numbers without their units: less the mean and divided by the standard
    deviation of the training rows. `finish` folds both into its last layer, so that what the
    folder holds answers in units, here and elsewhere.

    Args:
        tokenizer: of the model's vocabulary.
        max_length: tokens of a window at most, special tokens counted.
        pair: whether texts come in pairs.
        options: what training was told.
        scale: of the training rows.

    Attributes:
        folded: whether the model answers in units.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    coupling: Coupling = "example"
    specs = (ArraySpec("label", "text", np.float32),)
    measures = MEASURES
    chosen_by = ("rmse",)

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        pair: bool = False,
        options: Options | None = None,
        scale: Scale | None = None,
    ):
        refuse_short(tokenizer, max_length, pair=pair)
        self.tokenizer, self.max_length, self.pair = tokenizer, max_length, pair
        self.options, self.scale = options or Options(), scale or Scale()
        self.folded = False

    @classmethod
    def learn(cls, records: Sequence[Record], base: Base, options: Options) -> Self:
        """The task of training rows."""
        numbers = np.array([record.target for record in records], np.float64)
        return cls(
            base.tokenizer,
            max_length=base.max_length,
            pair=len(records[0].texts) > 1,
            options=options,
            scale=Scale(mean=float(numbers.mean()), deviation=float(numbers.std()) or 1.0),
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of learning, and the scale."""
        return dataclasses.asdict(self.options) | {"scale": str(self.scale), "pair": self.pair}

    def reader(self, columns: Columns) -> NumberReader:
        """See `Task`."""
        return NumberReader(columns, self.options)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`; a trained head answers in units, which are taken out again."""
        model = checkpoint.load_classifier(
            base.folder, _LABELS, seed=seed, problem_type="regression"
        )
        if not model.notes:
            self._rescale(model, 1 / self.scale.deviation, -self.scale.mean / self.scale.deviation)
        return model

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_classifier(base.folder)

    def finish(self, model: nn.Module) -> None:
        """Fold the scale into the last layer."""
        self._rescale(model, self.scale.deviation, self.scale.mean)
        self.folded = True

    @staticmethod
    @torch.no_grad()
    def _rescale(model: nn.Module, factor: float, shift: float) -> None:
        """Have the model answer `factor * x + shift` where it answered `x`."""
        assert isinstance(model, SequenceClassifier)
        output = model.head.output
        assert output.bias is not None
        output.weight.mul_(factor)
        output.bias.mul_(factor).add_(shift)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        arrays = [(single(self._scaled(record.target), np.float32),) for record in records]
        texts = [record.texts for record in records]
        return encode_texts(self.tokenizer, texts, arrays, self.max_length)

    def _scaled(self, target: float | None) -> float:
        return 0.0 if target is None else (target - self.scale.mean) / self.scale.deviation

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted sum of the losses, and the sum of the weights."""
        loss = squared_error if self.options.regression_loss == "squared" else huber
        losses = loss(model(batch.inputs)[:, 0], batch.arrays["label"])
        return (losses * batch.weights).sum(), batch.weights.sum()

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same: there is one answer."""
        return self

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """(B, 1) numbers in units."""
        with torch.inference_mode():
            found: NDArray[np.float32] = model(batch.inputs).float().cpu().numpy()
        if not self.folded:
            found = found * np.float32(self.scale.deviation) + np.float32(self.scale.mean)
        return list(found)

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(1,) mean of the windows' numbers."""
        return answers[0] if len(answers) == 1 else np.mean(answers, axis=0, dtype=np.float32)

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The same: a number is answered as it is."""
        return self

    def decode(self, record: Record, row: Encoded, answer: Answer) -> NumberPrediction:
        """See `Task`."""
        return NumberPrediction(float(answer[0]), row.n_tokens, row.windows)

    def scores(self, *, intervals: bool = True, paired: bool = False) -> NumberScores:
        """See `Task`."""
        return NumberScores(intervals=intervals, paired=paired)

    def words(self) -> Words:
        """See `Task`."""
        return Words(
            does="Reads a pair of texts and says a number."
            if self.pair
            else "Reads a text and says a number.",
            caution="A text unlike those that it was trained on gets a number all the same.",
            opens_as=self.opens_as,
            pipeline="text-classification",
            **typed_texts(pair=self.pair),
            elsewhere="transformers gives the same numbers with function_to_apply='none', but for "
            "the windows of long texts.",
        )

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        learned = {"pair": self.pair, "scale": dataclasses.asdict(self.scale)}
        return {"learned": learned, "options": dataclasses.asdict(self.options), "decision": {}}


class Regression:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> NumberReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return NumberReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> TextRegression:
        """See `TaskKind`."""
        return TextRegression.learn(records, base, options)

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> TextRegression | None:
        """See `TaskKind`."""
        source = base.source
        if not source.architecture.endswith("ForSequenceClassification"):
            return None
        if saved is None and (len(source.labels()) != 1 or _problem_of(base) != "regression"):
            return None
        found = saved or {}
        learned = found.get("learned", {})
        task = TextRegression(
            base.tokenizer,
            max_length=base.max_length,
            pair=bool(learned.get("pair", False)),
            options=Options(**found.get("options", {})),
            scale=Scale(**learned.get("scale", {})),
        )
        task.folded = True
        return task


def _problem_of(base: Base) -> str:
    """What the head is for; transformers takes one output for a regression unless told."""
    return str(base.source.raw.get("problem_type") or "regression")


KIND = Regression()
