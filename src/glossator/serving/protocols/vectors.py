"""Vectors of texts, as the protocols that ask for them have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.serving.models import Asked, Served
from glossator.serving.predicting import Answering
from glossator.serving.problems import Problem, Refused

__all__ = ["Embedded", "embedded", "scaled"]


class Embedded:
    """Vectors of N texts.

    Attributes:
        vectors: (N, D) float64, as `predict` writes them.
        tokens: of all texts together, special ones left out.
    """

    def __init__(self, found: Sequence[dict[str, Any]]):
        self.vectors = np.array([one["embedding"] for one in found], np.float64)
        self.tokens = sum(one["n_tokens"] for one in found)


async def embedded(
    answering: Answering, served: Served, texts: Sequence[Any], *, found: bool = False
) -> Embedded:
    """The vectors of texts; `found` asks for them as texts that are to be found.

    Raises:
        Refused: one is no text or shows nothing, or too much is asked.
    """
    wishes = (("found", True),) if found else ()
    answering.refuse_busy(served)
    with answering.models.using(served):
        outcomes = await answering.outcomes(served, texts, Asked(wishes=wishes))
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Problem):
            message = f"input {number}: {outcome.message}"
            raise Refused(Problem(outcome.kind, message, outcome.status))
    return Embedded([x for x in outcomes if not isinstance(x, Problem)])


def scaled(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, D) the same vectors with the length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float64).tiny), np.float64)
