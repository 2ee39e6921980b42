"""Classes learned by telling texts apart, and a head over the vectors that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.models.heads import MeanToken, SequenceClassifier
from glossator.models.mean_block import mean_reading
from glossator.tasks.answers import answer_rows
from glossator.tasks.class_order import by_twos
from glossator.tasks.contrastive import supervised_contrastive
from glossator.tasks.kinds.text_classification.logistic import logistic_head
from glossator.tasks.learnable import ArraySpec, Batch, Coupling, Encoded, Example, first_of_rows
from glossator.tasks.task import Answer
from glossator.tasks.windowed import Windowed
from glossator.text.records import Record

__all__ = ["Contrasted"]

_TEMPERATURE = 0.1


@dataclass(frozen=True, kw_only=True)
class Contrasted(Windowed):
    """Draws the vectors of texts of a class together, and the others apart.

    The vector of a text is the mean of its tokens' states, over all of its windows.

    Attributes:
        classes: how many there are.
        balanced: whether each class weighs alike in the head, however rare.
        told: what the task of the classes was told and has learned.
        unused: options of it that have no effect.

    Source: Khosla et al. 2020, "Supervised contrastive learning"; that a head over the vectors
    comes after it, Tunstall et al. 2022, "Efficient few-shot learning without prompts".
    """

    specs: ClassVar[Sequence[ArraySpec]] = (ArraySpec("label", "text"),)
    coupling: ClassVar[Coupling] = "step"
    # There is no new head that larger steps would bring on its way, and starters whose vectors
    # mean something already lose by them.
    rate_share: ClassVar[float] = 0.25
    classes: int
    balanced: bool
    told: Mapping[str, Any]
    unused: Sequence[str] = ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Learnable`."""
        return {**self.told, "contrast_temperature": _TEMPERATURE}

    def order(
        self, rows: Sequence[Sequence[Example]], seed: int, epoch: int
    ) -> NDArray[np.int64] | None:
        """See `Ordering`: a step has two of most of its classes."""
        return by_twos(len(rows), lambda i: _class(rows[i]), seed=seed, epoch=epoch)

    def embed(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, width) vectors of the windows of a batch."""
        assert isinstance(model, SequenceClassifier)
        states = model.encoder(batch.inputs).last.float()
        vectors: Tensor = MeanToken()(states, batch.inputs)
        return vectors

    def compare(self, vectors: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `Comparing`."""
        there = batch.weights > 0  # what fills a batch up is no text
        weights, rows = batch.weights[there], batch.rows[there]
        texts = vectors.new_zeros(int(rows[-1]) + 1, vectors.shape[1])
        texts = texts.index_add(0, rows, vectors[there] * weights[:, None])
        classes = batch.arrays["label"][there][first_of_rows(rows)]
        losses = supervised_contrastive(texts, classes, temperature=_TEMPERATURE)
        return losses.sum(), torch.tensor(float(len(losses)))

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `Learnable`."""
        return self.compare(self.embed(model, batch), batch)

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """(B, width) what the head's last map reads of each window."""
        assert isinstance(model, SequenceClassifier)
        with torch.inference_mode():
            features = model.head.features(model.pooled(batch.inputs))
            return list(features.float().cpu().numpy())

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(width,) mean over the windows: the logits of a text are the mean of theirs, too."""
        return np.mean(answers, axis=0, dtype=np.float32)

    def concluded(
        self,
        model: nn.Module,
        records: Sequence[Record],
        rows: Sequence[Encoded],
        *,
        token_budget: int,
    ) -> nn.Module:
        """See `Concluding`."""
        assert isinstance(model, SequenceClassifier)
        made = mean_reading(model)
        device = next(made.parameters()).device
        vectors = answer_rows(self, made, records, rows, token_budget=token_budget, device=device)
        targets = np.array([_class(row) for row in rows], np.int64)
        head = logistic_head(np.stack(vectors), targets, self.classes, balanced=self.balanced)
        with torch.no_grad():
            made.head.output.weight.copy_(torch.from_numpy(head.weight))
            made.head.output.bias.copy_(torch.from_numpy(head.bias))
        return made


def _class(row: Sequence[Example]) -> int:
    return int(row[0].arrays[0])
