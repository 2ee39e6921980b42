"""Losses over the candidates of queries, as plain functions of scores and grades."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["listwise", "pairwise", "pointwise"]


def listwise(scores: Tensor, grades: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy between what a query's candidates are worth and the softmax of their scores.

    A candidate of grade g is worth 2**g - 1. Queries of which none is worth anything have no part.

    Args:
        scores: (N,) of candidates.
        grades: (N,) how relevant each is, 0 or more.
        queries: (N,) number of each one's query.

    Returns:
        the sum over queries, and how many have a part.

    Source: Cao et al. 2007, "Learning to rank: from pairwise approach to listwise approach".
    """
    same = queries[:, None] == queries
    worth = torch.exp2(grades) - 1
    totals = (same * worth).sum(-1)
    log_chances = scores - torch.where(same, scores, -torch.inf).logsumexp(-1)
    shares = torch.where(totals > 0, worth / totals.clamp(min=1e-9), 0.0)
    parts = ((totals > 0) / same.sum(-1)).sum()
    return -(shares * log_chances).sum(), parts


def pairwise(scores: Tensor, grades: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
    """How little each better candidate of a query is above each worse one.

    Args and what is returned are as for `listwise`, the mean over pairs standing for a query.

    Source: Burges et al. 2005, "Learning to rank using gradient descent" (RankNet).
    """
    same = queries[:, None] == queries
    better = same & (grades[:, None] > grades)
    pairs = (same * better.sum(-1)).sum(-1)  # (N,) of each candidate's query
    losses = F.softplus(scores - scores[:, None]) * better
    total = (losses.sum(-1) / pairs.clamp(min=1)).sum()
    return total, ((pairs > 0) / same.sum(-1)).sum()


def pointwise(scores: Tensor, grades: Tensor, highest: float) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each candidate by itself; the highest grade is certain relevance.

    Args:
        scores: (N,) of candidates.
        grades: (N,) how relevant each is, from 0 to `highest`.
        highest: of all grades that are learned; above 0.

    Returns:
        the sum over candidates, and their number.
    """
    wanted = (grades / highest).clamp(0, 1)
    losses = F.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
    return losses.sum(), torch.tensor(float(len(losses)))
