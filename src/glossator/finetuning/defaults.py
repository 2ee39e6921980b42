"""Choices that are made for the user, each with its reason."""

from __future__ import annotations

__all__ = ["default_learning_rate"]

# Narrow models bear, and want, larger steps. 2e-4 was best or within noise of it for the 384-wide
# starters (benchmarks/notes.md); 5e-5 and 2e-5 are what Devlin et al. 2019, appendix A.3, found for
# BERT-base and BERT-large.
_RATES = ((512, 2e-4), (768, 5e-5))
_WIDE = 2e-5


def default_learning_rate(width: int) -> float:
    """The highest learning rate for a model of this width."""
    return next((rate for widest, rate in _RATES if width <= widest), _WIDE)
