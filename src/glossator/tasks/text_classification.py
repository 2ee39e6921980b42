"""Text classification: one label a text, out of two or of thousands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.errors import ConfigError
from glossator.evaluation.calibration import softmax
from glossator.evaluation.metrics import classification_metrics
from glossator.evaluation.thresholds import decide
from glossator.tasks.learnable import Batch, Example, Logits, collate
from glossator.tasks.losses import cross_entropy, focal_loss
from glossator.tasks.prediction import LabelScore, Prediction
from glossator.text.tokenizer import Tokenizer
from glossator.text.windows import windows

__all__ = ["Decision", "Objective", "TextClassification"]

# Neighbouring windows share a quarter, so that what decides a text stands whole in one of them.
_OVERLAP = 0.25


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How logits become a label.

    Attributes:
        temperature: logits are divided by it; above 0.
        threshold: with two classes, the probability above which it is the second; None: 0.5.
    """

    temperature: float = 1.0
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What training minimizes.

    Attributes:
        label_smoothing: as in `losses.cross_entropy`.
        focal_gamma: as in `losses.focal_loss`; 0 is cross-entropy.
        class_weights: (C,) factor of a row by its class, or None.
    """

    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    class_weights: Tensor | None = field(default=None, compare=False)


class TextClassification:
    """One label a text.

    A text longer than `max_length` is read in overlapping windows; each learns the text's label
    with an equal share of its weight, and the text's logits are the mean over its windows.

    Args:
        tokenizer: of the model's vocabulary.
        labels: name of each class.
        max_length: tokens of a window at most, special tokens counted.
        decision: how logits become a label.
        objective: what training minimizes.

    Raises:
        ConfigError: a window has no room for a token beside the special ones.
    """

    name = "text-classification"
    opens_as = "AutoModelForSequenceClassification"

    def __init__(
        self,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        *,
        max_length: int,
        decision: Decision | None = None,
        objective: Objective | None = None,
    ):
        if max_length <= tokenizer.specials:
            raise ConfigError(
                f"a window of {max_length} tokens has no room beside the {tokenizer.specials} "
                "special ones"
            )
        self.tokenizer = tokenizer
        self.labels = tuple(labels)
        self.max_length = max_length
        self.decision = decision or Decision()
        self.objective = objective or Objective()

    def encode(
        self, texts: Sequence[str], targets: Sequence[int] | None = None
    ) -> list[list[Example]]:
        """The windows of each text."""
        limit = self.max_length - self.tokenizer.specials
        rows = []
        for number, ids in enumerate(self.tokenizer.encode(texts)):
            spans = windows(len(ids), limit, int(limit * _OVERLAP))
            target = -1 if targets is None else targets[number]
            weight = 1 / len(spans)
            wrap = self.tokenizer.wrap
            rows.append([Example(wrap(ids[a:b]), (a, b), target, weight) for a, b in spans])
        return rows

    @property
    def settings(self) -> Mapping[str, Any]:
        """What training minimizes."""
        weights = self.objective.class_weights
        return {
            "label_smoothing": self.objective.label_smoothing,
            "focal_gamma": self.objective.focal_gamma,
            "class_weights": "none" if weights is None else "auto",
        }

    def collate(self, examples: Sequence[Example], seed: int) -> Batch:
        """Windows as one batch; nothing in it is random."""
        return collate(examples)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted sum of the losses, and the sum of the weights."""
        goal, logits = self.objective, model(batch.inputs)
        class_weights = goal.class_weights
        if class_weights is not None:
            class_weights = class_weights.to(logits.device)
        if goal.focal_gamma:
            losses = focal_loss(
                logits, batch.targets, gamma=goal.focal_gamma, class_weights=class_weights
            )
        else:
            losses = cross_entropy(
                logits,
                batch.targets,
                class_weights=class_weights,
                label_smoothing=goal.label_smoothing,
            )
        counts = batch.weights
        if class_weights is not None:
            counts = counts * class_weights[batch.targets]
        return (losses * batch.weights).sum(), counts.sum()

    def answer(self, model: nn.Module, batch: Batch) -> Logits:
        """(B, C) logits."""
        with torch.inference_mode():
            return model(batch.inputs).float().cpu().numpy()  # type: ignore[no-any-return]

    def combine(self, answers: Sequence[Logits]) -> Logits:
        """(C,) mean of the windows' logits."""
        return answers[0] if len(answers) == 1 else np.mean(answers, axis=0, dtype=np.float32)

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """(N, C) logits -> (N, C) calibrated probabilities."""
        return softmax(logits, self.decision.temperature)

    def decode(self, logits: Logits, tokens: int, windows: int, top_k: int) -> Prediction:
        """The label decided on, and the `top_k` most probable ones."""
        chances = self.probabilities(logits[None])
        chosen = int(decide(chances, self.decision.threshold)[0])
        chance = chances[0]
        best = np.argsort(-chance, kind="stable")[:top_k]
        return Prediction(
            label=self.labels[chosen],
            score=float(chance[chosen]),
            labels=tuple(LabelScore(self.labels[i], float(chance[i])) for i in best),
            n_tokens=tokens,
            windows=windows,
        )

    def metrics(self, logits: Logits, targets: NDArray[np.int64]) -> Mapping[str, Any]:
        """The scores that `evaluation.metrics` lists, without intervals."""
        return classification_metrics(
            self.probabilities(logits),
            targets,
            self.labels,
            threshold=self.decision.threshold,
            intervals=False,
        )
