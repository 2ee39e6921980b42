"""Losses of classification and regression, as plain functions of predictions and targets."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "balanced_weights",
    "binary_cross_entropy",
    "cross_entropy",
    "focal_loss",
    "huber",
    "squared_error",
]


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of each row; nothing is averaged.

    Args:
        logits: (N, C).
        targets: (N,) class of each row.
        class_weights: (C,) factor of a row by its class.
        label_smoothing: share of a target's mass that is spread evenly over all classes, 0 to 1.

    Returns:
        (N,) losses.

    Source: Szegedy et al. 2016, "Rethinking the Inception architecture", section 7 (smoothing).
    """
    log_probabilities = logits.log_softmax(-1)
    hit = log_probabilities.gather(1, targets[:, None]).squeeze(1)
    loss = -(1 - label_smoothing) * hit - label_smoothing * log_probabilities.mean(-1)
    return loss if class_weights is None else loss * class_weights[targets]


def focal_loss(
    logits: Tensor, targets: Tensor, *, gamma: float, class_weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy scaled by `(1 - p)^gamma`, p the probability of the right class.

    Args:
        logits: (N, C).
        targets: (N,) class of each row.
        gamma: 0 (plain cross-entropy) or more; rows that are already right count less.
        class_weights: (C,) factor of a row by its class.

    Returns:
        (N,) losses.

    Source: Lin et al. 2017, "Focal loss for dense object detection", equation 4.
    """
    loss = F.cross_entropy(logits, targets, reduction="none")
    focused = (1 - torch.exp(-loss)) ** gamma * loss
    return focused if class_weights is None else focused * class_weights[targets]


def binary_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    positive_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Binary cross-entropy of each row: the mean over labels that do not exclude each other.

    Args:
        logits: (N, C).
        targets: (N, C) whether each row has each label; bool, or from 0 to 1.
        positive_weights: (C,) factor of a label where a row has it.
        label_smoothing: share of a target's mass that is spread evenly over "has it" and "has it
            not", 0 to 1.

    Returns:
        (N,) losses.
    """
    wanted = targets.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    losses = F.binary_cross_entropy_with_logits(
        logits, wanted, pos_weight=positive_weights, reduction="none"
    )
    return losses.mean(-1)


def squared_error(predictions: Tensor, targets: Tensor) -> Tensor:
    """(N,) predictions and (N,) targets -> (N,) squared differences."""
    return (predictions - targets).square()


def huber(predictions: Tensor, targets: Tensor, *, delta: float = 1.0) -> Tensor:
    """Half the squared difference up to `delta`, and from there on a line of slope `delta`.

    A row that is far off then pulls no harder than one that is `delta` off.

    Args:
        predictions: (N,).
        targets: (N,).
        delta: above 0, in units of the targets.

    Returns:
        (N,) losses.

    Source: Huber 1964, "Robust estimation of a location parameter".
    """
    return F.huber_loss(predictions, targets, delta=delta, reduction="none")


def balanced_weights(counts: Tensor) -> Tensor:
    """(C,) rows of each class -> (C,) weights with which each class weighs alike.

    The mean weight of a row is 1. Source: King and Zeng 2001, "Logistic regression in rare events
    data", section 4.2.
    """
    return counts.sum() / (len(counts) * counts.clamp(min=1))
