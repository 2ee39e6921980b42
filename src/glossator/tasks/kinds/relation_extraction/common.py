"""What all ways of asking for relations have in common."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.errors import InputError, ModelFolderError
from glossator.evaluation.calibration import fit_temperature, softmax
from glossator.evaluation.figures import Words
from glossator.evaluation.relations import has_directions
from glossator.models import checkpoint
from glossator.models.encoder import EncoderConfig
from glossator.models.extra_heads import HeadBuilders
from glossator.models.relation_head import RelationHead, pair_states
from glossator.tasks.kinds.relation_extraction.config import CONFIG, Decision, Options
from glossator.tasks.kinds.relation_extraction.figures import measures, words
from glossator.tasks.kinds.relation_extraction.windows import marks_of, refuse_short
from glossator.tasks.learnable import ArraySpec, Batch, Coupling
from glossator.tasks.losses import cross_entropy
from glossator.tasks.task import Answer, Base
from glossator.tasks.windowed import Windowed
from glossator.text.records import Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["RelationTask"]


class RelationTask(Windowed):
    """Which relation two marked pieces of a text have.

    Marks of the vocabulary stand round head and tail, and the relation is read off the states of
    the two marks that open them. A text that is longer than a window is read where they stand.

    Args:
        tokenizer: of the model's vocabulary.
        labels: names of the relations.
        max_length: tokens of a window at most, special tokens counted.
        options: how relations are read and learned.
        negative: the relation that says that there is none, if one does.
        marks: of head and tail; None: the first that the vocabulary has.
        head_first: whether in all rows that were learned the head stands before the tail.
        marked: whether texts have marks, and no columns of head and tail.

    Attributes:
        decision: how logits become probabilities.
        class_weights: (C,) factor of a row by its relation, while it is trained.

    Raises:
        ConfigError: a window has no room for a pair, or the vocabulary no marks.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    coupling: Coupling = "example"
    specs = (ArraySpec("places", "text"), ArraySpec("relation", "text", fill=-1))
    decision = Decision()
    class_weights: Tensor | None = None
    top_k = 3

    def __init__(
        self,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        *,
        max_length: int,
        options: Options | None = None,
        negative: str | None = None,
        marks: tuple[str, str] | None = None,
        head_first: bool = False,
        marked: bool = False,
    ):
        refuse_short(tokenizer, max_length)
        self.tokenizer, self.max_length = tokenizer, max_length
        self.labels, self.negative = tuple(labels), negative
        self.options = options or Options()
        self.marks = marks or marks_of(tokenizer)
        self.head_first, self.marked = head_first, marked
        self.directed = has_directions(self.labels, negative)
        self.measures = measures(directed=self.directed)
        self._place = {label: number for number, label in enumerate(self.labels)}

    @property
    def chosen_by(self) -> Sequence[str]:
        """The F1 that is official for such relations, and of equal ones the loss tells."""
        return self.measures[0].name, "accuracy", "log_loss"

    @property
    def classes(self) -> tuple[str, ...]:
        """The relations, in the order of the logits."""
        return self.labels

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of learning, and how many relations there are."""
        return dataclasses.asdict(self.options) | {"labels": len(self.labels)}

    @property
    def head(self) -> str:
        """The name of the head: of other relations it is another, and is never taken for this."""
        names = json.dumps(self.labels, ensure_ascii=True).encode()
        return f"relation_{hashlib.blake2b(names, digest_size=4).hexdigest()}"

    @property
    def _extra(self) -> HeadBuilders:
        return {self.head: partial(_head, len(self.labels))}

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_headless(base.folder, self._extra, seed)

    def open(self, base: Base) -> nn.Module:
        """See `Task`.

        Raises:
            ModelFolderError: the folder lost its head, for which chance would answer.
        """
        model = checkpoint.load_headless(base.folder, self._extra)
        if model.notes:
            raise ModelFolderError(
                f"{base.folder} holds no head for its {len(self.labels)} relations; expected "
                f"{self.head} in heads.safetensors, without which nothing can be answered"
            )
        return model

    def targets(self, records: Sequence[Record]) -> NDArray[np.int64]:
        """(N,) the number of each row's relation; -1 for one that training has not."""
        return np.array([self._place.get(record.target, -1) for record in records], np.int64)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted sum of the losses, and the sum of the weights."""
        targets, class_weights = batch.arrays["relation"].clamp(min=0), self.class_weights
        if class_weights is not None:
            class_weights = class_weights.to(targets.device)
        smoothing = self.options.label_smoothing
        losses = cross_entropy(
            self._logits(model, batch),
            targets,
            class_weights=class_weights,
            label_smoothing=smoothing,
        )
        counts = batch.weights if class_weights is None else batch.weights * class_weights[targets]
        return (losses * batch.weights).sum(), counts.sum()

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """Of each window (C,) logits."""
        with torch.inference_mode():
            return list(self._logits(model, batch).float().cpu().numpy())

    def _logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, C) of the windows."""
        head: Any = model.extra[self.head]  # type: ignore[index]
        states = pair_states(model, batch.inputs, batch.arrays["places"])
        return head(states)  # type: ignore[no-any-return]

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities."""
        logits = np.stack(answers) if len(answers) else np.zeros((0, len(self.labels)))
        return softmax(logits, self.decision.temperature) if len(answers) else logits

    def share_right(self, targets: Sequence[Any], answers: Sequence[Answer]) -> float:
        """See `Probabilities`."""
        if odd := next((x for x in targets if not isinstance(x, str)), None):
            raise InputError(f"a relation is {odd!r:.60} ({type(odd).__name__}); expected a string")
        found = [self.labels[i] for i in self.probabilities(answers).argmax(axis=1)]
        return float(np.mean([x == y for x, y in zip(found, targets, strict=True)]))

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """Temperature, from dev rows."""
        temperature = fit_temperature(np.stack(answers), self.targets(records)).value
        return self.deciding(Decision(temperature=temperature))

    def deciding(self, decision: Decision) -> Self:
        """The same task with another decision."""
        task = copy.copy(self)
        task.decision = decision
        return task

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def words(self) -> Words:
        """See `Task`."""
        return words(self.labels, self.decision.temperature, self.negative, marked=self.marked)

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        learned = {
            "labels": list(self.labels),
            "negative": self.negative,
            "marks": list(self.marks),
            "head_first": self.head_first,
            "marked": self.marked,
        }
        return {
            "learned": learned,
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }


def _head(labels: int, config: EncoderConfig) -> RelationHead:
    # That of a classifier on this encoder, under whichever of these names its family has it.
    names = ("classifier_dropout", "hidden_dropout_prob", "dropout")
    given = (getattr(config, name, None) for name in names)
    dropout = next((x for x in given if x is not None), 0.0)
    return RelationHead(config.hidden_size, labels, dropout)
