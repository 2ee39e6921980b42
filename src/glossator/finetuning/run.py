"""One fine-tuning run, from tables to a model folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from torch import nn

from glossator.artifact.card import model_card
from glossator.artifact.folder import Details, versions
from glossator.artifact.predictor import Predictor
from glossator.artifact.recipe import RecipeTold
from glossator.artifact.refit import Refit
from glossator.artifact.report import Report
from glossator.artifact.report_parts import DataFile, RateCurve
from glossator.extras import require
from glossator.files import disk_errors_named
from glossator.finetuning.base import base_of, notes_on, resolve
from glossator.finetuning.config import FitConfig
from glossator.finetuning.course import Course, time_left, time_shared
from glossator.finetuning.data import Data, Source, groups_of, read_data, row_counts
from glossator.finetuning.defaults import default_learning_rate, highest_learning_rate, rate_note
from glossator.finetuning.ending import Ending
from glossator.finetuning.few_rows import FewRows
from glossator.finetuning.learning import Share, learn, telling
from glossator.finetuning.parts import Part, encode, usable_parts
from glossator.finetuning.rate_choice import believed, chosen_because, found_or_kept, rate_curve
from glossator.finetuning.recipe_choice import RecipeChoice, was_measured
from glossator.finetuning.recipes import concluded, taught_by, without_effect
from glossator.finetuning.refitting import AllRows, Refitting, all_rows
from glossator.finetuning.reporting import Findings, build_report, shown
from glossator.finetuning.result import FitResult
from glossator.finetuning.sameness import free_options, made_of
from glossator.finetuning.scoring import Scored, score_parts
from glossator.finetuning.watch import Watch
from glossator.models.hardware import choose_device, choose_dtype, crowded, using_threads
from glossator.runs.folder import RunFolder, open_run, run_path
from glossator.tasks.learnable import Learnable
from glossator.tasks.task import Contrasting, Task
from glossator.text.preflight import Preflight, preflight
from glossator.training.loop import History
from glossator.training.rate_test import rate_test

__all__ = ["FitResult", "run_fit"]


def run_fit(
    source: Source,
    config: FitConfig,
    *,
    output: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
    watch: Watch | None = None,
) -> FitResult:
    """Fine-tune a model on tables and write its folder.

    An interrupt (Ctrl-C) while it trains ends training: the best weights so far are scored and
    written, marked unfinished; before the first step nothing is.

    A run with an output saves its state every `checkpoint_steps` steps. Whatever ended it, the
    same call with `resume` goes on from there and comes to the same weights, bit for bit.

    Args:
        source: tables, or rows in memory (mappings by column name).
        config: all options.
        output: the model folder to write; its run folder is `NAME.run`. None writes nothing.
        overwrite: whether both may be replaced.
        resume: go on with the run that `NAME.run` holds; where there is none a new one begins.
        command: what the report names as the command.
        watch: told of each stage.

    Raises:
        InputError: a table, a column, a model or an option is wrong.
        MissingPackageError: an option asks for a package that is not installed.
        OutputExistsError: `output` exists and `overwrite` is false.
        CheckpointError: what the run left was changed, or is of another run.
        UnfinishedError: it was interrupted before the first step.
        OSError: the disk is full or read-only; no model folder is then written.
    """
    _refuse_missing(config)
    with ExitStack() as stack:
        run = None
        if output:
            stack.enter_context(disk_errors_named(run_path(output)))  # its log has no name
            run = stack.enter_context(open_run(output, overwrite=overwrite, resume=resume))
        stack.enter_context(using_threads(config.runtime.threads))
        fitting = _Fitting(config, run, watch or Watch(), resume=resume)
        result = fitting.fit(source, name=output.name if output else "model", command=command)
        if output:
            result.predictor.save(output, overwrite=overwrite or resume)
            result = dataclasses.replace(result, model=output, run=run_path(output))
        if run:
            run.finished = result.finished
    return result


class _Fitting:
    """The stages of a run, in order."""

    def __init__(self, config: FitConfig, run: RunFolder | None, watch: Watch, *, resume: bool):
        self.run, self.watch = run, watch
        self.device = choose_device(config.runtime.device)
        self.dtype = choose_dtype(config.runtime.precision, self.device)
        self.base = base_of(config.model)
        self.config = resolve(self.base, config)
        self.asked, self.rate_is_default = config.model, config.training.learning_rate is None
        if run and resume and not run.trained:
            self.watch.note("there is no checkpoint to go on from: the run begins anew")

    def fit(self, source: Source, *, name: str, command: str) -> FitResult:
        data = read_data(source, self.config)
        self.config = data.config
        if self.run:
            made = made_of(data.parts, self.base)
            # Asked for later, or no longer, a refit alters nothing of what was done before it.
            measured = was_measured(self.run.path)
            free = (*free_options(self.config, measured=measured), "refit")
            self.run.identify(self.config, made, free=free)
            self.run.config(self.config, track=self.config.track)
        checked = self._check(data)
        parts = usable_parts(data.parts)
        task = data.learn(parts["train"].records, self.base)
        taught_by(self.config.recipe, task)  # or else it is refused before a model is read
        again = self._again(data, parts["train"])
        model = self._model(task)
        encode(parts, task)
        rates = self._choose_rate(model, task, parts["train"])
        recipe = self._choose_recipe(data, task, parts["train"])
        taught = taught_by(self.config.recipe, task)
        if note := without_effect(taught):
            self.watch.note(note)
        history = self._train(model, task, taught, parts, again)
        history.refuse_none()
        budget = self.config.training.tokens_at_once
        model = concluded(taught, model, parts["train"], token_budget=budget)
        task.finish(model)
        predictor = self._predictor(model, task, data.files, history)
        scored = score_parts(predictor, parts, self.watch.scoring)
        report = build_report(
            predictor,
            self.config,
            history,
            Findings(data.files, checked, row_counts(checked), parts["train"], rates),
            scored,
            name=name,
            command=command,
        )
        if again:
            predictor, refit = self._refit(predictor, again, parts["train"], history)
            report = dataclasses.replace(report, refit=refit)
        if recipe:
            sections = (*report.sections, recipe.section())
            report = dataclasses.replace(report, recipe=recipe, sections=sections)
        return self._result(predictor, report, scored)

    def _again(self, data: Data, training: Part) -> AllRows | None:
        """What a second training learns from, where one is asked for and there is more."""
        again = all_rows(data, training) if self.config.refit else None
        if self.config.refit and not again:
            self.watch.note("--refit has nothing to add: no row is held out that can be learned")
        return again

    def _check(self, data: Data) -> Preflight:
        """Look at the rows; an error ends the run."""
        tokenizer = self.base.tokenizer
        checked = preflight(
            data.parts.train,
            data.parts.dev,
            data.parts.test,
            tokenizer=tokenizer,
            limit=self.base.max_length - tokenizer.specials,
            examiner=data.reader.examiner(),
            notes=data.notes,
        )
        if self.run:
            self.run.rejected(checked.rejections)
        self.watch.preflight(checked.findings, row_counts(checked))
        checked.raise_for_errors()
        return checked

    def _model(self, task: Task) -> nn.Module:
        model = task.build(self.base, self.config.training.seed).to(self.device)
        width = self.base.source.config.hidden_size
        rates = (rate_note(width, self.config.training.optimizer),) if self.rate_is_default else ()
        notes: tuple[str, ...] = model.notes  # type: ignore[assignment]
        spread = self.config.spread
        full = crowded(threads=self.config.runtime.threads, processes=spread.processes)
        told = (*notes_on(self.base, self.asked), *notes, *rates, *full)
        self.watch.model(told, task.measures)
        return model

    def _choose_rate(self, model: nn.Module, task: Task, training: Part) -> RateCurve | None:
        """With `auto`, try rates on the training rows, and train with the one that is chosen."""
        config = self.config.training
        if config.learning_rate != "auto":
            return None
        found = found_or_kept(
            self.run,
            lambda: rate_test(
                model, task, training.rows, config, dtype=self.dtype, told=self.watch.rate_test
            ),
        )
        width = self.base.source.config.hidden_size
        default = default_learning_rate(width, config.optimizer)
        highest = highest_learning_rate(width, config.optimizer)
        config = dataclasses.replace(config, learning_rate=believed(found, highest) or default)
        self.config = dataclasses.replace(self.config, training=config)
        if self.run:
            self.run.config(self.config, track=self.config.track)
        note = chosen_because(found, default, highest)
        self.watch.note(note)
        return rate_curve(found, note)

    def _choose_recipe(self, data: Data, task: Task, training: Part) -> RecipeTold | None:
        """With `auto`, measure recipes where classes have few rows, and train by the better one.

        Returns:
            what is to be said of it; None where the task is learned as ever.
        """
        asked = self.config.recipe
        if asked != "auto":
            return RecipeTold(name=asked) if asked != "plain" else None
        few = FewRows.of(data.reader, training.records) if isinstance(task, Contrasting) else None
        if few and few.note:
            self.watch.note(few.note)
        if not few or not few.measurable:
            return None
        choice = RecipeChoice(
            base=self.base,
            task=task,
            training=training,
            strata=data.reader.strata(training.records) or (),
            groups=groups_of(training.records, self.config.data.group),
            config=self.config.training,
            dtype=self.dtype,
            device=self.device,
            run=self.run,
            watch=self.watch,
        )
        told = choice.made()
        if told:
            self.watch.note(f"recipe {told.name}: {told.shares} of held-out rows right")
            self.config = dataclasses.replace(self.config, recipe=told.name)  # type: ignore[arg-type]
        if self.run:
            self.run.config(self.config, track=self.config.track)
        left = time_left(self.config.training, choice.seconds)
        self.config = dataclasses.replace(self.config, training=left)
        return told

    def _train(
        self,
        model: nn.Module,
        task: Task,
        taught: Learnable[Any],
        parts: Mapping[str, Part],
        again: AllRows | None,
    ) -> History:
        config, training = self.config.training, parts["train"]
        if again:
            config = time_shared(config, len(training.rows), len(again.records))
        ended = Ending.read(self.run) if self.run else None
        share = Share(
            model=model,
            task=task,
            taught=taught,
            training=training,
            dev=parts.get("dev"),
            config=config,
            dtype=self.dtype,
            device=self.device,
            checkpoints=self.run.checkpoints(keep=1).folder if self.run else None,
            until=ended.step if ended else None,
        )
        watch = self.watch
        notify = telling(self.run, training, watch.training, watch.note)
        history = learn(share, self.config.spread, notify)
        return ended.put(history) if ended else history

    def _refit(
        self, first: Predictor, again: AllRows, training: Part, history: History
    ) -> tuple[Predictor, Refit]:
        """Learn once more, from all rows; the model to be written, and what to say of it."""
        if not history.finished:
            return first, Refit(left_out=again.left_out, missed="training was interrupted")
        if self.run:
            Ending.of(history).write(self.run)
        course = Course.after(history, self.config.training, len(training.rows), len(again.records))
        refitting = Refitting(
            base=self.base,
            config=self.config,
            dtype=self.dtype,
            rows=again,
            course=course,
            recipe=self.config.recipe,
            run=self.run,
            watch=self.watch,
        )
        return refitting.of(first)

    def _predictor(
        self,
        model: nn.Module,
        task: Task,
        files: Sequence[DataFile],
        history: History,
    ) -> Predictor:
        details = Details(
            task=task.name,
            columns=self.config.columns,
            saved=task.saved(),
            max_length=task.max_length,
            base_model=self.config.model.model,
            data=tuple(dataclasses.asdict(file) for file in files),
            versions=versions(),
            finished=history.finished,
            steps=history.counts,
        )
        return Predictor(model, task, details, self.config.runtime)

    def _result(
        self, predictor: Predictor, report: Report, scored: Mapping[str, Scored]
    ) -> FitResult:
        """Write down what was found."""
        metrics = {name: part.metrics for name, part in scored.items()}
        predictor.details = dataclasses.replace(
            predictor.details,
            metrics=metrics,
            card=model_card(report),
            finished=report.finished,
            refit=report.refit,
            recipe=report.recipe,
        )
        if self.run:
            if part := shown(scored):
                self.run.predictions(part.lines())
            self.run.report(report)
        return FitResult(
            predictor=predictor,
            model=None,
            run=None,
            task=predictor.task.name,
            rows=report.rows,
            train=report.learning.summary,
            dev=metrics.get("dev"),
            test=metrics.get("test"),
            report=report,
            finished=report.finished,
        )


def _refuse_missing(config: FitConfig) -> None:
    """Look for the packages that the options need before anything is read."""
    if config.spread.ray is not None:
        require("ray")
    if config.track == "wandb":
        require("wandb")
