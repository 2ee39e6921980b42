"""The vector of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EmbeddingPrediction"]

# A float32 of a vector of length 1 is no more exact.
_DECIMALS = 8


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingPrediction:
    """What stands for one text.

    Attributes:
        embedding: (D,) float32.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; a vector is the mean over all of them.
    """

    embedding: NDArray[np.float32]
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "embedding": np.round(self.embedding.astype(np.float64), _DECIMALS).tolist(),
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
