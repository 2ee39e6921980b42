"""From dev logits to the temperature and the threshold that a model decides by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glossator.artifact.predictor import Answers
from glossator.evaluation.calibration import fit_temperature, reliability, softmax
from glossator.evaluation.thresholds import choose_threshold, threshold_curve
from glossator.tasks.classification_figures import Calibration
from glossator.tasks.learnable import Logits
from glossator.tasks.text_classification import Decision

__all__ = ["calibration_of", "choose_decision"]


def choose_decision(logits: Logits, targets: NDArray[np.int64]) -> Decision:
    """Temperature, and with two classes the threshold, from dev rows.

    Args:
        logits: (N, C).
        targets: (N,) classes; rows with -1 are left out, and there is one without.
    """
    known = targets >= 0
    logits, targets = logits[known], targets[known]
    temperature = fit_temperature(logits, targets).value
    if logits.shape[1] != 2 or len(set(targets.tolist())) < 2:
        return Decision(temperature=temperature)
    chosen = choose_threshold(softmax(logits, temperature)[:, 1], targets).threshold
    return Decision(temperature=temperature, threshold=None if chosen == 0.5 else chosen)


def calibration_of(answers: Answers, targets: NDArray[np.int64]) -> Calibration:
    """How true the probabilities of N answers are, before and after the temperature.

    Args:
        answers: of N rows.
        targets: (N,) classes, -1 for a label that the model lacks.
    """
    decision = answers.task.decision
    two = answers.logits.shape[1] == 2 and bool((targets >= 0).all())
    return Calibration(
        temperature=decision.temperature,
        before=reliability(softmax(answers.logits), targets),
        after=reliability(answers.probabilities, targets),
        threshold=decision.threshold,
        curve=threshold_curve(answers.probabilities[:, 1], targets) if two else None,
    )
