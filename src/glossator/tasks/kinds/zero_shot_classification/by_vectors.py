"""Labels by vectors: the cosine of a text's vector with that of what stands for each label."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from glossator.errors import ConfigError
from glossator.tasks.kinds.feature_extraction.task import FeatureExtraction
from glossator.tasks.kinds.zero_shot_classification.common import Ask, ZeroShot
from glossator.tasks.learnable import Batch, Encoded
from glossator.tasks.task import Answer
from glossator.text.records import Record
from glossator.text.rows import Row

__all__ = ["ByVectors"]

_BARE = "{}"


class ByVectors(ZeroShot):
    """The label whose vector is nearest to that of the text.

    The scores of a text are cosines, divided by the temperature that the vectors learned with. The
    vector of a long text is the mean over all of its windows.

    Args:
        own: makes the vectors.

    Source: Chang, Ratinov, Roth and Srikumar 2008, "Importance of semantic representation:
    dataless classification".
    """

    own: FeatureExtraction
    specs = FeatureExtraction.specs
    directions: NDArray[np.float32] | None = None
    """(C, width) of length 1; None until the model was asked."""

    @property
    def how(self) -> str:
        """See `ZeroShot`."""
        return "the cosine of the text's vector with that of each label's description"

    def refuse_unfit(self) -> None:
        """See `ZeroShot`."""
        question = self.question
        self.directions = None
        calibrated = question.examples is not None or self.decision.calibrated_on
        if question.multi_label and not calibrated:
            raise ConfigError(
                "a cosine does not say by itself whether a label applies: --multi-label by vectors "
                "asks for --examples; a model that knows entailment needs none"
            )

    @property
    def is_prepared(self) -> bool:
        """See `ZeroShot`."""
        return self.directions is not None

    @property
    def embedder(self) -> FeatureExtraction:
        """What makes the vectors of this question, of single texts."""
        own, prefix = self.own, self.question.prefix
        options = own.options
        if prefix is not None:
            options = dataclasses.replace(options, prefix=prefix)
        return FeatureExtraction(
            own.tokenizer, max_length=own.max_length, pooling=own.pooling, options=options
        )

    def characters_of_labels(self) -> int:
        """See `ZeroShot`."""
        return sum(map(len, self.question.sentences(_BARE)))

    def preparing(self, ask: Ask) -> Self:
        """See `ZeroShot`."""
        texts = self.question.sentences(_BARE)
        records = [_record(text, number) for number, text in enumerate(texts)]
        answers = ask(self.embedder, records)
        task = copy.copy(self)
        task.directions = np.stack([_unit(answer[0]) for answer in answers])
        return task

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        return self.embedder.encode([_record(x.texts[0], i) for i, x in enumerate(records)])

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """Of each window (width,) its vector."""
        return self.own.answer(model, batch)

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(C,) logits of a row."""
        assert self.directions is not None, "see Predictor.ready"
        vector = _unit(self.own.combine(record, row, answers)[0])
        scores = self.directions @ vector / self.own.options.contrast_temperature
        return self.decision.logits(scores)

    def files(self, width: int) -> Mapping[str, str]:
        """See `WithFiles`: those of the vectors."""
        return self.own.files(width)


def _record(text: str, number: int) -> Record:
    return Record(Row("label", number, {}), (text,), None, (text,))


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = max(float(np.linalg.norm(vector)), float(np.finfo(np.float32).tiny))
    return np.asarray(vector / np.float32(length), np.float32)
