"""Training on a corpus, by one process or by several that share a step."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from glossator.models.dropout import with_dropout
from glossator.pretraining.corpus.corpus import open_corpus
from glossator.pretraining.objectives.objective import Objective
from glossator.pretraining.rows import SomeRows
from glossator.pretraining.start import LanguageModel
from glossator.training.checkpoints import Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.dev import Dev
from glossator.training.events import Notify
from glossator.training.loop import History, train
from glossator.training.processes import device_of, together
from glossator.training.rows import Rows

__all__ = ["SCORING_BUDGET", "Share", "learn", "scored_rows", "train_along"]

# Held-out tokens that are scored each time: some seconds, and a loss right to a hundredth.
_DEV_TOKENS = 2**16
SCORING_BUDGET = 4096


@dataclass(frozen=True)
class Share:
    """All that another process needs to train along; the tokens stay on the disk.

    Attributes:
        model: before training.
        objective: what it learns.
        corpus: the folder with the tokens, which all processes see.
        length: tokens of a row.
        config: how it is trained.
        dropout: while training; None is what the model has.
        dtype: what it computes in.
        device: of the first process.
        checkpoints: the folder where the run is saved.
    """

    model: LanguageModel
    objective: Objective
    corpus: Path
    length: int
    config: TrainingConfig
    dropout: float | None
    dtype: torch.dtype
    device: torch.device
    checkpoints: Path


def scored_rows(dev: Rows, seed: int) -> SomeRows:
    """The held-out rows that are scored each time."""
    return SomeRows(dev, _DEV_TOKENS, seed)


def learn(share: Share, processes: int, notify: Notify) -> History:
    """Train a model, which has the best weights at the end, with all that have a share in it.

    Raises:
        GlossatorError: a loss is no number, memory does not suffice, or a process was lost.
    """
    with together(processes, train_along, share):
        return _train(share.model.to(share.device), share, notify)


def train_along(rank: int, share: Share) -> None:
    """Train with the other processes, of which the first alone writes checkpoints."""
    _train(share.model.to(device_of(rank, share.device)), share, lambda _: None)


def _train(model: LanguageModel, share: Share, notify: Notify) -> History:
    """Train the model that this process has of it."""
    corpus, objective, config = open_corpus(share.corpus), share.objective, share.config
    rows, dev = (objective.rows(part, share.length) for part in (corpus.train, corpus.dev))
    scored = scored_rows(dev, config.seed)

    def score() -> Mapping[str, Any]:
        return objective.scores(model, scored, token_budget=SCORING_BUDGET)

    dropping: AbstractContextManager[Any] = nullcontext()
    if share.dropout is not None:
        dropping = with_dropout(model, share.dropout)
    with dropping:
        return train(
            model,
            objective,
            rows,
            config,
            dtype=share.dtype,
            dev=Dev(scored, score, lambda new, old: bool(new["loss"] < old["loss"])),
            notify=notify,
            checkpoints=Checkpoints(share.checkpoints, keep=config.keep_checkpoints),
        )
