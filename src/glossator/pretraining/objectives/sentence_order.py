"""Sentence-order prediction: tell which of two texts came first."""

from __future__ import annotations

import numpy as np

from glossator.pretraining.corpus.corpus import Piece
from glossator.pretraining.objectives.sentences import SentenceObjective
from glossator.pretraining.pairs import PairExample

__all__ = ["SentenceOrder"]


class SentenceOrder(SentenceObjective):
    """Fill gaps, and tell whether two neighbouring texts stand in their order.

    Half of the pairs, other ones each time, are turned round. What the texts are about tells
    nothing, which makes next-sentence prediction easy.

    Source: Lan et al. 2019, "ALBERT: a lite BERT", section 3.1.
    """

    name = "sop"

    def altered(self, pair: PairExample, random: np.random.Generator) -> tuple[Piece, Piece]:
        """The second text, and the first."""
        assert pair.pairs is not None
        return pair.pairs.second(pair.number), pair.pairs.first(pair.number)
