"""What a run is, how far it has come, and both in a form that a checkpoint can hold."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from glossator import __version__
from glossator.config import changes
from glossator.errors import CheckpointError, UnfinishedError
from glossator.training.config import TrainingConfig
from glossator.training.events import Evaluated, Stepped
from glossator.training.rows import Rows, digest_of

__all__ = ["FREE", "History", "Identity", "Progress"]

# Options that may change while a run pauses: nothing that was done so far would have been other.
FREE = ("time_limit", "checkpoint_steps", "keep_checkpoints", "activation_checkpointing")
_CURVE = [field.name for field in dataclasses.fields(Stepped)]
_WHOLE = ("step", "rows", "tokens")


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: optimizer steps taken.
        rows: of all of them.
        tokens: of all of them.
        seconds: of training alone.
        spent: seconds of evaluations too, over all sittings.
        token_budget: tokens that go through the model at once; halved where memory is short.
        evaluated: the step after which dev rows were last scored.
        waited: evaluations since the best.
        best_step: the step with the best scores.
        best_scores: these scores.
    """

    step: int = 0
    rows: int = 0
    tokens: int = 0
    seconds: float = 0.0
    spent: float = 0.0
    token_budget: int = 0
    evaluated: int = 0
    waited: int = 0
    best_step: int = 0
    best_scores: dict[str, Any] | None = None


@dataclass
class History:
    """What happened.

    Attributes:
        steps: one event a step.
        evaluations: one event an evaluation.
        planned: steps that the run was to take at most.
        best_step: the step whose weights the model has at the end.
        seconds: of training alone, evaluations left out.
        spent: seconds of evaluations too, over all sittings.
        epochs: passes over the data.
        ended_by: `steps` where all were taken, `time`, `patience` or `interrupt`.
    """

    steps: list[Stepped] = field(default_factory=list)
    evaluations: list[Evaluated] = field(default_factory=list)
    planned: int = 0
    best_step: int = 0
    seconds: float = 0.0
    spent: float = 0.0
    epochs: float = 0.0
    ended_by: str = "steps"

    @property
    def finished(self) -> bool:
        """Whether the run came to its end; not where it was interrupted."""
        return self.ended_by != "interrupt"

    def refuse_none(self) -> None:
        """Raise UnfinishedError where the run was interrupted before it had learned anything."""
        if not self.finished and not self.steps:
            raise UnfinishedError("interrupted before the first step: no model is written")

    @property
    def counts(self) -> dict[str, int]:
        """How many steps were taken of how many."""
        return {"taken": len(self.steps), "planned": self.planned}

    def curve(self) -> Tensor:
        """(steps, fields) float64: all step events."""
        rows = [dataclasses.astuple(event) for event in self.steps]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(_CURVE))

    def restore(self, curve: Tensor, evaluations: Iterable[Mapping[str, Any]]) -> None:
        """Set the events to those that were saved."""
        for row in curve.tolist():
            values = dict(zip(_CURVE, row, strict=True))
            self.steps.append(Stepped(**values | {name: int(values[name]) for name in _WHOLE}))
        self.evaluations = [Evaluated(**event) for event in evaluations]


@dataclass(frozen=True)
class Identity:
    """What a run is made of; two of equal identity give equal results.

    Attributes:
        config: its options.
        made_of: digests of rows and first weights, and what it computes in.
        machine: versions, threads and processor, on which the last bits hang.
    """

    config: Mapping[str, Any]
    made_of: Mapping[str, str]
    machine: Mapping[str, str]

    @classmethod
    def of(
        cls,
        config: TrainingConfig,
        rows: Rows,
        weights: Iterable[Tensor],
        *,
        settings: Mapping[str, Any],
        dtype: torch.dtype,
        processes: int,
    ) -> Identity:
        """The identity of a run that is about to begin; `settings` are those of what it learns."""
        machine = {
            "glossator": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": str(torch.get_num_threads()),
            "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        }
        made_of = {
            "training rows": rows.digest(),
            "first weights": digest_of(weight.detach().cpu().numpy() for weight in weights),
            "precision": str(dtype).removeprefix("torch."),
            "processes": str(processes),
        }
        return cls(dataclasses.asdict(config) | dict(settings), made_of, machine)

    def differences(self, saved: Mapping[str, Any]) -> tuple[str, ...]:
        """What of the machine is not as it was when `saved` was made.

        Raises:
            CheckpointError: options, rows or weights are not, so that this is another run.
        """
        other = Identity(**saved)
        changed = changes(other.config, self.config)
        options = [text for name, text in changed.items() if name not in FREE]
        if options:
            raise CheckpointError(
                "the checkpoint was made with other options, and going on would alter what is "
                f"done: {'; '.join(options)}. Repeat them, or begin anew with --overwrite"
            )
        parts = changes(other.made_of, self.made_of).values()
        if parts:
            raise CheckpointError(
                f"the checkpoint is of another run: {'; '.join(parts)}. Begin anew with --overwrite"
            )
        return tuple(changes(other.machine, self.machine).values())
