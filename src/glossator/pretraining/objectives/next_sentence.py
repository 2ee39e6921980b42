"""Next-sentence prediction: tell whether a text followed another in its document."""

from __future__ import annotations

import numpy as np

from glossator.errors import InputError
from glossator.pretraining.corpus.corpus import Part, Piece
from glossator.pretraining.objectives.sentences import SentenceObjective
from glossator.pretraining.pairs import PairExample, PairRows

__all__ = ["NextSentence"]


class NextSentence(SentenceObjective):
    """Fill gaps, and tell whether the second text followed the first, or stood elsewhere.

    Half of the pairs, other ones each time, have their second text from another document: one that
    followed something there, about as long.

    Source: Devlin et al. 2018, "BERT", section 3.1, task 2.
    """

    name = "nsp"

    def rows(self, part: Part, length: int) -> PairRows:
        """Pairs; raises InputError unless two documents have some."""
        rows = super().rows(part, length)
        if rows.pairs.documents < 2:
            raise InputError(
                f"--objective nsp takes texts from other documents, and in the {part.name} part "
                "only one has two sentences; give more documents (--dev-fraction and --dev say "
                "which are held out), or --objective sop"
            )
        return rows

    def altered(self, pair: PairExample, random: np.random.Generator) -> tuple[Piece, Piece]:
        """The first text, and one that follows something else."""
        assert pair.pairs is not None
        return pair.pairs.first(pair.number), pair.pairs.elsewhere(pair.number, random)
