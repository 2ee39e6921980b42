"""What dev rows decide: how sure a score is, and from which one on there is an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.answer_match import Match, best_match, is_in_characters
from glossator.tasks.kinds.question_answering.config import Decision
from glossator.tasks.kinds.question_answering.spans import Ranked
from glossator.text.records import Record

__all__ = ["best_cut", "decided_on", "match_of"]

Values = NDArray[np.float64]

_TEMPERATURES = np.geomspace(0.05, 20, 121)


def match_of(record: Record, answer: str) -> Match:
    """How near an answer is to those of a row; empty where none is given."""
    context = record.input.context
    return best_match(record.target.texts, answer, characters=is_in_characters(context))


def decided_on(records: Sequence[Record], ranked: Sequence[Ranked], *, nullable: bool) -> Decision:
    """The decision that suits these rows best.

    Args:
        records: the rows.
        ranked: what a model found in each.
        nullable: whether rows may have no answer.
    """
    pairs = [(x, r) for x, r in zip(records, ranked, strict=True) if r.places]
    if not pairs:
        return Decision()
    texts = [x.input.context[slice(*r.places[0])] for x, r in pairs]
    matches = [match_of(x, text) for (x, _), text in zip(pairs, texts, strict=True)]
    right = np.array([match.exact for match in matches])
    temperature = _temperature([r for _, r in pairs], right, nullable=nullable)
    if not nullable:
        return Decision(temperature=temperature)
    none = np.array([not x.target.places for x, _ in pairs])
    scores = np.array([r.best for _, r in pairs])
    gains = np.array([match.f1 for match in matches]) - none
    return Decision(temperature=temperature, threshold=best_cut(scores, gains))


def best_cut(scores: Values, gains: Values) -> float:
    """The score above which answering gains most; of equal ones the nearest to 0.

    Args:
        scores: (N,) of the best answer of each row.
        gains: (N,) F1 of that answer, less that of giving none.
    """
    order = np.argsort(-scores, kind="stable")
    levels, total = scores[order], np.append(0.0, np.cumsum(gains[order]))
    # A cut lies between two scores that differ, or beyond them all.
    apart = np.flatnonzero(np.append(True, levels[1:] < levels[:-1]))
    cuts = np.where(apart, (levels[apart] + levels[np.maximum(apart - 1, 0)]) / 2, levels[0] + 1)
    cuts, totals = np.append(cuts, levels[-1] - 1), np.append(total[apart], total[-1])
    best = cuts[totals >= totals.max() - 1e-9]
    return float(best[np.abs(best).argmin()])


def _temperature(ranked: Sequence[Ranked], right: NDArray[np.bool_], *, nullable: bool) -> float:
    """The temperature at which the probability of the best answer has the least log loss.

    The targets are those of Platt 1999, "Probabilistic outputs for support vector machines",
    section 2.2: where every row is right, no temperature makes it quite certain.
    """
    hits, misses = int(right.sum()), int((~right).sum())
    wanted = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))
    losses = []
    for temperature in _TEMPERATURES.tolist():
        found = [r.probabilities(temperature, nullable=nullable)[1] for r in ranked]
        chances = np.clip(found, 1e-12, 1 - 1e-12)
        terms = wanted * np.log(chances) + (1 - wanted) * np.log1p(-chances)
        losses.append(-terms.mean())
    return float(_TEMPERATURES[int(np.argmin(losses))])
