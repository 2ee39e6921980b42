"""Scores in words and tables, the same for every verb that has some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glossator.artifact.wording import METRICS, interval, measure, weakest_first
from glossator.cli.plain import shortened
from glossator.cli.screen import Screen, grid
from glossator.evaluation.confusion import ClassScore

__all__ = ["pretraining_scores", "show_classes", "show_measures"]

_WORST = 10
_LABEL = 40


def show_measures(screen: Screen, scores: Mapping[str, Any]) -> None:
    """Every measure with its 95 percent interval."""
    names = [name for name in METRICS if scores.get(name) is not None]
    rows = [(METRICS[n], measure(scores, n), interval(scores, n)) for n in names]
    screen.table(grid(("measure", "value", "95% interval"), rows))


def show_classes(screen: Screen, classes: Sequence[ClassScore]) -> None:
    """Scores of each class, the worst first; the worst ten where there are many."""
    title = "Classes, worst first"
    if len(classes) > _WORST:
        title = f"The worst {_WORST} of {len(classes):,} classes"
    screen.title(title)
    rows = [
        (
            shortened(s.label, _LABEL),
            *(f"{x:.1%}" for x in (s.precision, s.recall, s.f1)),
            f"{s.support:,}",
        )
        for s in weakest_first(classes)[:_WORST]
    ]
    screen.table(grid(("class", "precision", "recall", "F1", "rows"), rows))


def pretraining_scores(scores: Mapping[str, Any]) -> str:
    """Those of a pretraining objective, in words."""
    parts = [f"loss {scores['loss']:.3f}"]
    if "f1" in scores:
        parts.append(f"{scores['accuracy']:.1%} of tokens judged right, F1 {scores['f1']:.3f}")
    if "masked_accuracy" in scores:
        parts.append(f"{scores['masked_accuracy']:.1%} of hidden tokens right")
    if "pseudo_perplexity" in scores:
        parts.append(f"pseudo-perplexity {scores['pseudo_perplexity']:.1f}")
    if "bits_per_byte" in scores:
        parts.append(f"perplexity {scores['perplexity']:.1f}")
        parts.append(f"{scores['bits_per_byte']:.3f} bits a byte")
    return ", ".join(parts)
