"""Vectors of texts, as the protocols that ask for them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.serving.models import Asked, Served
from glossator.serving.predicting import Answering, answered

__all__ = ["Embedded", "embedded", "scaled"]


class Embedded:
    """Vectors of N texts.

    Attributes:
        vectors: (N, D) float64, as `predict` writes them.
        tokens: of all texts together, special ones left out.
    """

    def __init__(self, found: Sequence[Mapping[str, Any]]):
        self.vectors = np.array([one["embedding"] for one in found], np.float64)
        self.tokens = sum(one["n_tokens"] for one in found)


async def embedded(
    answering: Answering, served: Served, texts: Sequence[Any], *, document: bool = False
) -> Embedded:
    """The vectors of texts; `document` asks for them as texts that are to be found.

    Raises:
        Refused: one is no text or shows nothing, or too much is asked.
    """
    wishes = (("document", True),) if document else ()
    answering.refuse_busy(served)
    with answering.models.using(served):
        outcomes = await answering.outcomes(served, texts, Asked(wishes=wishes))
    return Embedded([answered(number, outcome) for number, outcome in enumerate(outcomes)])


def scaled(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, D) the same vectors with the length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float64).tiny), np.float64)
