"""A second training, from all rows, once the first has said how long it should be."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch

from glossator.artifact.predictor import Predictor
from glossator.artifact.refit import Refit
from glossator.errors import GlossatorError, InputError
from glossator.finetuning.config import FitConfig
from glossator.finetuning.course import Course
from glossator.finetuning.data import Data
from glossator.finetuning.learning import Share, learn, telling
from glossator.finetuning.parts import Part
from glossator.finetuning.recipes import concluded, taught_by
from glossator.finetuning.scoring import survey
from glossator.finetuning.watch import Watch
from glossator.runs.folder import RunFolder
from glossator.tasks.task import Base, Reader, Surveying
from glossator.text.records import Record
from glossator.training.loop import History

__all__ = ["AllRows", "Refitting", "all_rows"]


@dataclass(frozen=True)
class AllRows:
    """What there is to learn from once nothing has to be held out.

    Attributes:
        records: in the order of the tables.
        left_out: how many more there are whose answers the training rows do not have.
    """

    records: Sequence[Record]
    left_out: int


def all_rows(data: Data, training: Part) -> AllRows | None:
    """The rows of all parts that can be learned; None where the training rows are all of them.

    What a model can answer is settled by the training rows. A row with a class that they do not
    have cannot be learned, nor may be: to the model its other words would stand for nothing.
    """
    fits = _fitting(data.reader, training.records)
    there = [x for x in data.every if isinstance(x, Record) and not x.held_out]
    records = [record for record in there if fits(record)]
    if len(records) == len(training.records):
        return None
    return AllRows(records, len(there) - len(records))


def _fitting(reader: Reader, training: Sequence[Record]) -> Callable[[Record], bool]:
    """Whether a row has no class but those of the training rows."""

    def classes(records: Sequence[Record]) -> set[str]:
        examiner = reader.examiner()
        for record in records:
            examiner.add("train", record)
        return set(examiner.counts)

    known = classes(training)
    fits: dict[Hashable, bool] = {}

    def check(record: Record) -> bool:
        if record.target not in fits:
            fits[record.target] = classes([record]) <= known
        return fits[record.target]

    return check if known else lambda record: True


@dataclass(frozen=True, kw_only=True)
class Refitting:
    """What a second training hangs on.

    Attributes:
        base: what is fine-tuned.
        config: of the run, resolved.
        dtype: what is computed in.
        rows: all of them.
        course: how long it is.
        recipe: by which the first training was made.
        run: where it is written down, if it is.
        watch: told of it.
    """

    base: Base
    config: FitConfig
    dtype: torch.dtype
    rows: AllRows
    course: Course
    recipe: str
    run: RunFolder | None
    watch: Watch

    def of(self, first: Predictor) -> tuple[Predictor, Refit]:
        """A model that learned from all rows and decides as `first` does.

        Returns:
            it, and what to say of it; `first`, and why, where time, a loss that is no number or an
            interrupt stood against it.

        Raises:
            CheckpointError: what it left when it was cut short was changed.
            OSError: the disk is full or read-only.
        """
        try:
            return self._made(first)
        except KeyboardInterrupt:
            return first, self._missed("it was interrupted", interrupted=True)
        except InputError:
            raise
        except GlossatorError as error:  # a whole model, scored, outweighs it
            return first, self._missed(error.message)

    def _missed(self, why: str, *, interrupted: bool = False) -> Refit:
        found = Refit(left_out=self.rows.left_out, missed=why, interrupted=interrupted)
        later = " --resume goes on with it." if interrupted and self.run else ""
        self.watch.note(found.sentence + later)
        return found

    def _made(self, first: Predictor) -> tuple[Predictor, Refit]:
        if why := self.course.too_long:
            return first, self._missed(why)
        # A copy: building a model may put parts of it into the task, and those of the first stay.
        task = copy.copy(first.task)
        model = task.build(self.base, self.config.training.seed).to(first.device)
        second = Predictor(model, task, first.details, self.config.runtime)
        part = Part(list(self.rows.records), task.encode(self.rows.records))
        history = self._learn(second, part)
        if not history.finished:
            raise KeyboardInterrupt
        if history.ended_by == "time":
            return first, self._missed("--time-limit ended it")
        budget = self.config.training.tokens_at_once
        model = concluded(taught_by(self.recipe, task), model, part, token_budget=budget)
        second = Predictor(model, task, first.details, self.config.runtime)
        task.finish(model)
        survey(second, part)
        if isinstance(second.task, Surveying):
            second.task.settle(model)
        return second, Refit(
            rows=len(part.records),
            steps=len(history.steps),
            seconds=round(history.seconds, 3),
            left_out=self.rows.left_out,
        )

    def _learn(self, second: Predictor, part: Part) -> History:
        training = self.course.config(self.config.training)
        with contextlib.ExitStack() as stack:
            run = None
            if self.run:
                run = self.run.again(training, track=self.config.track)
                stack.enter_context(contextlib.closing(run))
            share = Share(
                model=second.model,
                task=second.task,
                taught=taught_by(self.recipe, second.task),
                training=part,
                dev=None,
                config=training,
                dtype=self.dtype,
                device=second.device,
                checkpoints=run.checkpoints(keep=1).folder if run else None,
                until=self.course.steps,
            )
            notify = telling(run, part, self.watch.refitting, self.watch.note)
            return learn(share, self.config.spread, notify)
