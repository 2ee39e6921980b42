"""How a training ended, kept so that a run taken up later in its course ends it there again."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Self

from glossator.config import from_mapping
from glossator.errors import CheckpointError, ConfigError
from glossator.files import durable_write
from glossator.runs.folder import RunFolder
from glossator.training.loop import History

__all__ = ["Ending"]

FILE = "trained.json"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a training ended.

    A limit of time alone would not do: less of it may seem to be over when the run is taken up.

    Attributes:
        step: the last one.
        by: see `History.ended_by`.
    """

    step: int
    by: str

    @classmethod
    def of(cls, history: History) -> Self:
        """That of a training which is over."""
        return cls(step=len(history.steps), by=history.ended_by)

    @classmethod
    def read(cls, run: RunFolder) -> Self | None:
        """What the run kept; None where it kept none.

        Raises:
            CheckpointError: it was changed.
        """
        path = run.path / FILE
        if not run.trained or not path.exists():
            return None
        try:
            return from_mapping(cls, json.loads(path.read_text(encoding="utf-8")))
        except (ConfigError, ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"not how a training ended: {error}", file=path) from error

    def write(self, run: RunFolder) -> None:
        """Keep it in the run's folder.

        Raises:
            OSError: the disk is full or read-only.
        """
        durable_write(run.path / FILE, json.dumps(dataclasses.asdict(self)))

    def put(self, history: History) -> History:
        """A training that was taken up at its end, which says why it had ended."""
        if history.finished:
            history.ended_by = self.by
        return history
