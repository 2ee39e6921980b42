"""Losses over vectors that are held against each other, as plain functions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["cosine_error", "in_batch_negatives", "supervised_contrastive"]


def in_batch_negatives(
    anchors: Tensor,
    candidates: Tensor,
    right: Tensor,
    *,
    temperature: float,
    left_out: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of each anchor's own candidate among all of a step.

    Args:
        anchors: (N, D) vectors of any length.
        candidates: (M, D) likewise.
        right: (N,) which candidate belongs to each anchor.
        temperature: what cosines are divided by; above 0.
        left_out: (N, M) candidates that are no negatives of an anchor, such as a second copy of
            the right one.

    Returns:
        (N,) losses.

    Source: Henderson et al. 2017, "Efficient natural language response suggestion", section 4.4;
    with cosines Chen et al. 2020, "A simple framework for contrastive learning", equation 1.
    """
    cosines = F.normalize(anchors, dim=-1) @ F.normalize(candidates, dim=-1).T
    logits = cosines / temperature
    if left_out is not None:
        own = F.one_hot(right, len(candidates)).bool()
        logits = logits.masked_fill(left_out & ~own, -torch.inf)
    return F.cross_entropy(logits, right, reduction="none")


def supervised_contrastive(vectors: Tensor, classes: Tensor, *, temperature: float) -> Tensor:
    """How little each vector is drawn to those of its class, among all others of a step.

    Args:
        vectors: (N, D) of any length.
        classes: (N,) number of each one's class.
        temperature: what cosines are divided by; above 0.

    Returns:
        (N,) losses; 0 of a vector that is the only one of its class.

    Source: Khosla et al. 2020, "Supervised contrastive learning", equation 2.
    """
    unit = F.normalize(vectors, dim=-1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    logits = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf)
    log_chances = logits.log_softmax(-1).masked_fill(itself, 0.0)
    alike = (classes[:, None] == classes) & ~itself
    return -(log_chances * alike).sum(-1) / alike.sum(-1).clamp(min=1)


def cosine_error(one: Tensor, other: Tensor, wanted: Tensor) -> Tensor:
    """Squared distance of the cosines of pairs from what they should be.

    Args:
        one: (N, D) vectors.
        other: (N, D) those they are paired with.
        wanted: (N,) cosines, from -1 to 1.

    Returns:
        (N,) losses.

    Source: Reimers and Gurevych 2019, "Sentence-BERT", section 3, regression objective.
    """
    return (F.cosine_similarity(one, other, dim=-1) - wanted).square()
