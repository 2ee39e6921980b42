"""What every objective is to a pretraining run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from glossator.pretraining.corpus.corpus import Part
from glossator.tasks.learnable import Learnable
from glossator.training.rows import Rows

__all__ = ["ModelKind", "Objective", "Scores", "detection"]

ModelKind = Literal["masked", "causal", "replaced", "sentences"]
"""What is trained: an encoder that fills gaps, a decoder, an encoder that detects what a generator
made up, one that fills gaps and judges pairs of texts."""

Scores = Mapping[str, float]


class Objective(Learnable[Any], Protocol):
    """What a model learns from raw text."""

    name: str
    makes: ModelKind
    opens_as: str
    """The class of transformers that opens a folder trained on it and answers."""

    def rows(self, part: Part, length: int) -> Rows:
        """What is learned from of a part of a corpus, in rows of at most `length` tokens.

        Raises:
            InputError: the part holds nothing of the kind.
        """

    def remarks(self, rows: Rows) -> Sequence[str]:
        """What the user should know of its rows, in sentences."""

    def scores(self, model: nn.Module, rows: Rows, *, token_budget: int) -> Scores:
        """How well a model does on rows; what is random is the same each time.

        `loss` is among them, which training minimizes and the best step has least of.
        """

    def baseline(
        self,
        rows: Rows,
        counts: NDArray[np.int64],
        *,
        token_budget: int,
        model: nn.Module | None = None,
    ) -> Scores:
        """The same scores for a guess that knows no context.

        Args:
            rows: on which it is scored.
            counts: (V,) how often each token occurs in the training part.
            token_budget: as of `scores`: the batches are the same.
            model: the one that was trained, where what is to be guessed hangs on it.
        """


def detection(total: int, *, real: int, suspected: int, found: int) -> Scores:
    """`accuracy` and `f1` of telling which of `total` things are not as they were.

    Args:
        total: things judged.
        real: of them not as they were.
        suspected: of them held to be so, rightly or not.
        found: of the real ones suspected.
    """
    wrong = real + suspected - 2 * found
    return {"accuracy": 1 - wrong / total, "f1": 2 * found / max(1, real + suspected)}
