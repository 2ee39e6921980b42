"""What everything that learns is to the loop, and a task to the folder and the predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.tasks.prediction import Prediction
from glossator.text.packing import PackedBatch, pack
from glossator.text.tokenizer import Ids

__all__ = ["Batch", "Example", "Learnable", "Logits", "Task", "collate"]

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """One window of a row.

    Attributes:
        tokens: (n,) ids, special tokens among them.
        span: half-open place of the window in the tokens of its text, special tokens left out.
        target: index of the row's class, -1 where it has none.
        weight: its share of the row's loss; the windows of a row add up to 1.
    """

    tokens: Ids
    span: tuple[int, int]
    target: int = -1
    weight: float = 1.0


@dataclass(frozen=True)
class Batch:
    """Examples as tensors.

    Attributes:
        inputs: the B texts.
        targets: (B,) int64.
        weights: (B,) float32.
    """

    inputs: PackedBatch
    targets: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(self.inputs.to(device), self.targets.to(device), self.weights.to(device))


def collate(examples: Sequence[Example]) -> Batch:
    """Lay examples out as one packed batch."""
    return Batch(
        inputs=pack([example.tokens for example in examples]),
        targets=torch.tensor([example.target for example in examples]),
        weights=torch.tensor([example.weight for example in examples]),
    )


class _Movable(Protocol):
    def to(self, device: torch.device) -> Any:
        """The same on another device."""


BatchT = TypeVar("BatchT", bound=_Movable)


class Learnable(Protocol[BatchT]):
    """What a model can be trained on: a task, or an objective on raw text."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its options, by the names they are typed under; a run goes on with the same alone."""

    def collate(self, examples: Sequence[Example], seed: int) -> BatchT:
        """Examples as one batch; what is random in it hangs on the seed alone.

        An example of weight 0 fills the batch up, and has no part in the loss.
        """

    def loss(self, model: nn.Module, batch: BatchT) -> tuple[Tensor, Tensor]:
        """Sum of the losses of a batch and the count that they are to be divided by."""


class Task(Learnable[Batch], Protocol):
    """A task. Training, evaluation, prediction and serving all go through it.

    A row is one or more examples (windows of its text); a model answers examples; a row's answer
    is decoded from those of all its examples.
    """

    def encode(self, texts: Sequence[str], targets: Sequence[int] | None) -> list[list[Example]]:
        """The examples of each row, at least one each."""

    def answer(self, model: nn.Module, batch: Batch) -> Logits:
        """(B, C) what the model says of each example."""

    def combine(self, answers: Sequence[Logits]) -> Logits:
        """(C,) what is said of a row, from the (C,) answers of its examples."""

    def decode(self, logits: Logits, tokens: int, windows: int, top_k: int) -> Prediction:
        """The prediction for a row of `tokens` tokens from its (C,) combined answers."""

    def metrics(self, logits: Logits, targets: NDArray[np.int64]) -> Mapping[str, Any]:
        """Scores of N rows from (N, C) combined answers and (N,) targets."""
