"""Which checkpoint a run is taken up from."""

from __future__ import annotations

from dataclasses import dataclass

from glossator.errors import CheckpointError
from glossator.training.checkpoints import Checkpoint, Checkpoints

__all__ = ["Newest", "newest_whole"]


@dataclass(frozen=True)
class Newest:
    """The newest point that a run can be taken up from.

    Attributes:
        last: its checkpoint.
        best: that of the best step so far; None where dev rows were not scored yet.
        damaged: newer ones that cannot be used, and why.
    """

    last: Checkpoint
    best: Checkpoint | None
    damaged: tuple[str, ...]


def newest_whole(checkpoints: Checkpoints) -> Newest | None:
    """The newest checkpoint that is whole, as is that of its best step; None where none stands.

    Raises:
        CheckpointError: some stand there, and none is whole; it is the newest one's.
    """
    damages: list[CheckpointError] = []
    for step in reversed(checkpoints.steps()):
        try:
            last = checkpoints.read(step)
            return Newest(last, _best(checkpoints, last), tuple(map(str, damages)))
        except CheckpointError as error:
            damages.append(error)
    if damages:
        raise damages[0]
    return None


def _best(checkpoints: Checkpoints, last: Checkpoint) -> Checkpoint | None:
    progress = last.values["progress"]
    best = progress["best_step"]
    if progress["best_scores"] is None:
        return None
    if best == last.step:
        return last
    if best not in checkpoints.steps():
        raise CheckpointError(
            f"the checkpoint of the best step, {best}, is gone", file=checkpoints.folder
        )
    return checkpoints.read(best)
