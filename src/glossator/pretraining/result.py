"""What a pretraining run came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PretrainResult"]


@dataclass(frozen=True)
class PretrainResult:
    """What a run came to.

    Attributes:
        model: the model folder.
        run: the run folder.
        objective: what was learned.
        statistics: what became of the texts.
        train: seconds (of the loop alone), epochs, steps, rows and tokens a second, best step.
        dev: scores on held-out text, and beside them `baseline`.
        curve: the held-out loss each time it was measured, and after which step and epoch, and how
            many tokens and seconds of training.
        steps: of training, `taken` and `planned`.
        finished: false where the run was interrupted.
    """

    model: Path
    run: Path
    objective: str
    statistics: Mapping[str, Any]
    train: Mapping[str, float]
    dev: Mapping[str, Any]
    curve: Sequence[Mapping[str, float]]
    steps: Mapping[str, int]
    finished: bool

    def to_json(self) -> dict[str, Any]:
        """The object that `pretrain --json` prints."""
        kept = self.statistics["kept"]
        read = self.statistics["read"]["documents"]
        used = kept["train"]["documents"] + kept["dev"]["documents"]
        return {
            "model": str(self.model),
            "objective": self.objective,
            "finished": self.finished,
            "rows": {
                "read": read,
                "used": used,
                "rejected": max(0, read - used),
                "train": kept["train"]["documents"],
                "dev": kept["dev"]["documents"],
                "test": 0,
            },
            "train": dict(self.train),
            "dev": dict(self.dev),
            "curve": [dict(point) for point in self.curve],
        }
