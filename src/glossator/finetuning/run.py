"""One fine-tuning run, from tables to a model folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glossator.artifact.card import model_card
from glossator.artifact.folder import Details, versions
from glossator.artifact.predictor import Answers, Predictor
from glossator.artifact.report import Report
from glossator.artifact.report_parts import Calibration, RowCounts
from glossator.errors import ConfigError
from glossator.evaluation.calibration import fit_temperature, reliability, softmax
from glossator.evaluation.metrics import ClassificationScores, classification_metrics
from glossator.evaluation.thresholds import choose_threshold, threshold_curve
from glossator.finetuning.config import FitConfig
from glossator.finetuning.data import Data, Source, read_data, row_counts
from glossator.finetuning.defaults import default_learning_rate
from glossator.finetuning.reporting import Findings, build_report, mistakes
from glossator.finetuning.run_folder import RunFolder, open_run, run_path
from glossator.finetuning.watch import Watch
from glossator.models import checkpoint, starter
from glossator.models.hardware import choose_device, choose_dtype, using_threads
from glossator.models.heads import SequenceClassifier
from glossator.tasks.answers import answer_rows
from glossator.tasks.learnable import Example
from glossator.tasks.losses import balanced_weights
from glossator.tasks.text_classification import Decision, Objective, TextClassification
from glossator.text.columns import LabelledText
from glossator.text.preflight import Preflight, preflight
from glossator.text.tokenizer import Tokenizer
from glossator.training.events import Event
from glossator.training.loop import Dev, History, train

__all__ = ["FitResult", "run_fit"]


@dataclass(frozen=True)
class FitResult:
    """What a run came to.

    Attributes:
        predictor: answers with the trained model.
        model: the model folder, if one was written.
        run: the run folder, if one was written.
        task: name of the task.
        rows: where the rows went.
        train: seconds (of the loop alone), epochs, steps, examples and tokens a second, best step.
        dev: scores of the rows that the best step was chosen on, or None.
        test: scores of rows that were never looked at, or None.
        report: all of it.
        finished: false where the run was interrupted.
    """

    predictor: Predictor
    model: Path | None
    run: Path | None
    task: str
    rows: RowCounts
    train: Mapping[str, float]
    dev: Mapping[str, Any] | None
    test: Mapping[str, Any] | None
    report: Report
    finished: bool

    def to_json(self) -> dict[str, Any]:
        """The object that `fit --json` prints."""
        return {
            "model": None if self.model is None else str(self.model),
            "task": self.task,
            "finished": self.finished,
            "rows": dataclasses.asdict(self.rows),
            "train": dict(self.train),
            "dev": self.dev,
            "test": self.test,
        }


def run_fit(
    source: Source,
    config: FitConfig,
    *,
    output: Path | None = None,
    overwrite: bool = False,
    command: str = "",
    watch: Watch | None = None,
) -> FitResult:
    """Fine-tune a model on tables and write its folder.

    An interrupt (Ctrl-C) while it trains ends training: the best weights so far are scored and
    written, marked unfinished.

    Args:
        source: tables, or rows in memory (mappings by column name).
        config: all options.
        output: the model folder to write; its run folder is `NAME.run`. None writes nothing.
        overwrite: whether both may be replaced.
        command: what the report names as the command.
        watch: told of each stage.

    Raises:
        InputError: a table, a column, a model or an option is wrong.
        OutputExistsError: `output` exists and `overwrite` is false.
        OSError: the disk is full or read-only; no model folder is then written.
    """
    with ExitStack() as stack:
        run = stack.enter_context(open_run(output, overwrite=overwrite)) if output else None
        stack.enter_context(using_threads(config.runtime.threads))
        fitting = _Fitting(source, config, run, watch or Watch())
        result = fitting.fit(name=output.name if output else "model", command=command)
        if output:
            result.predictor.save(output, overwrite=overwrite)
            result = dataclasses.replace(result, model=output, run=run_path(output))
    return result


@dataclass
class _Part:
    """The rows of one part that can be used, encoded."""

    items: list[LabelledText]
    targets: NDArray[np.int64]
    rows: list[list[Example]] = field(default_factory=list)


class _Fitting:
    """The stages of a run, in order."""

    def __init__(self, source: Source, config: FitConfig, run: RunFolder | None, watch: Watch):
        self.source, self.run, self.watch = source, run, watch
        self.config = config
        self.device = choose_device(config.runtime.device)
        self.dtype = choose_dtype(config.runtime.precision, self.device)

    def fit(self, *, name: str, command: str) -> FitResult:
        folder = starter.locate(self.config.model.model, hub=self.config.model.hub)
        data = read_data(self.source, self.config.data, seed=self.config.training.seed)
        checked = self._check(data, Tokenizer.load(folder))
        parts = self._parts(data, checked)
        model, task = self._load(folder, parts["train"])
        for part in parts.values():
            part.rows = task.encode([item.text for item in part.items], part.targets.tolist())
        history = self._train(model, task, parts)
        predictor = self._predictor(model, task, data, history)
        findings = Findings(data.files, checked, row_counts(checked))
        return self._score(predictor, parts, history, findings, name=name, command=command)

    def _check(self, data: Data, tokenizer: Tokenizer) -> Preflight:
        """Look at the rows; an error ends the run."""
        named = data.parts.named()
        if len(named) == 1 and len(named["train"]) > 1:
            raise ConfigError(
                "no rows are left to score on; "
                "give --dev or --test, or a --dev-fraction or --test-fraction above 0"
            )
        checked = preflight(
            data.parts.train,
            data.parts.dev,
            data.parts.test,
            token_lengths=lambda texts: [len(ids) for ids in tokenizer.encode(texts)],
            limit=self.config.model.max_length,
            notes=data.notes,
        )
        if self.run:
            self.run.rejected(checked.rejections)
        self.watch.preflight(checked.findings, row_counts(checked))
        checked.raise_for_errors()
        return checked

    def _parts(self, data: Data, checked: Preflight) -> dict[str, _Part]:
        kept = {name: list(checked.keep(name, x)) for name, x in data.parts.named().items()}
        self.labels = sorted({item.label for item in kept["train"]})
        place = {label: number for number, label in enumerate(self.labels)}
        return {
            name: _Part(items, np.array([place.get(item.label, -1) for item in items]))
            for name, items in kept.items()
        }

    def _load(self, folder: Path, training: _Part) -> tuple[SequenceClassifier, TextClassification]:
        config = self.config.training
        model = checkpoint.load_classifier(folder, self.labels, seed=config.seed).to(self.device)
        self.watch.model(model.notes)
        rate = config.learning_rate or default_learning_rate(model.encoder.width)
        longest = model.encoder.max_length
        max_length = min(self.config.model.max_length or longest, longest)
        self.config = dataclasses.replace(
            self.config,
            training=dataclasses.replace(config, learning_rate=rate),
            model=dataclasses.replace(self.config.model, max_length=max_length),
        )
        if self.run:
            self.run.config(self.config)
        counts = torch.from_numpy(np.bincount(training.targets, minlength=len(self.labels)))
        balanced = config.class_weights == "auto"
        objective = Objective(
            label_smoothing=config.label_smoothing,
            focal_gamma=config.focal_gamma,
            class_weights=balanced_weights(counts.float()) if balanced else None,
        )
        tokenizer = Tokenizer.load(folder)
        return model, TextClassification(
            tokenizer, self.labels, max_length=max_length, objective=objective
        )

    def _train(
        self, model: SequenceClassifier, task: TextClassification, parts: Mapping[str, _Part]
    ) -> History:
        def score() -> Mapping[str, Any]:
            part = parts["dev"]
            logits = answer_rows(
                task,
                model,
                part.rows,
                token_budget=self.config.training.token_budget,
                device=self.device,
            )
            return task.metrics(logits, part.targets)

        def notify(event: Event) -> None:
            if self.run:
                self.run.event(event)
            self.watch.training(event)

        dev = Dev(parts["dev"].rows, score, _better) if "dev" in parts else None
        return train(
            model,
            task,
            parts["train"].rows,
            self.config.training,
            dtype=self.dtype,
            dev=dev,
            notify=notify,
        )

    def _predictor(
        self, model: SequenceClassifier, task: TextClassification, data: Data, history: History
    ) -> Predictor:
        details = Details(
            task=task.name,
            columns={"text": list(self.config.data.text), "label": self.config.data.label},
            max_length=task.max_length,
            base_model=self.config.model.model,
            data=tuple(dataclasses.asdict(file) for file in data.files),
            versions=versions(),
            finished=history.finished,
        )
        return Predictor(model, task, details, self.config.runtime)

    def _score(
        self,
        predictor: Predictor,
        parts: Mapping[str, _Part],
        history: History,
        findings: Findings,
        *,
        name: str,
        command: str,
    ) -> FitResult:
        """Calibrate on dev, score on test, and write down all that was found."""
        held = {x: parts[x] for x in ("dev", "test") if x in parts}
        answers = dict(self._answer(predictor, held))
        if "dev" in answers:
            predictor.use(_decide(answers["dev"], held["dev"].targets))
        answers = {x: a.decided_by(predictor.task) for x, a in answers.items()}
        metrics = {x: self._metrics(a, held[x]) for x, a in answers.items()}
        last = "test" if "test" in answers else "dev"
        report = build_report(
            predictor,
            self.config,
            history,
            findings,
            scores=metrics,
            mistakes=mistakes(answers[last], held[last].items),
            calibration=_calibration(predictor.task, answers[last], held[last].targets),
            lengths=[row[-1].span[1] for row in parts["train"].rows],
            name=name,
            command=command,
        )
        results = {x: scores.result() for x, scores in metrics.items()}
        predictor.details = dataclasses.replace(
            predictor.details, metrics=results, card=model_card(report)
        )
        if self.run:
            self.run.predictions(_labelled(held[last].items, answers[last]))
            self.run.report(report)
        return FitResult(
            predictor=predictor,
            model=None,
            run=None,
            task=predictor.task.name,
            rows=findings.rows,
            train=report.learning.summary,
            dev=results.get("dev"),
            test=results.get("test"),
            report=report,
            finished=history.finished,
        )

    def _answer(
        self, predictor: Predictor, held: Mapping[str, _Part]
    ) -> Iterator[tuple[str, Answers]]:
        total = sum(len(row) for part in held.values() for row in part.rows)
        done = 0

        def progress(windows: int) -> None:
            nonlocal done
            done += windows
            self.watch.scoring(done, total)

        for name, part in held.items():
            yield name, predictor.answer_examples(part.rows, progress=progress)

    def _metrics(self, answers: Answers, part: _Part) -> ClassificationScores:
        threshold = answers.task.decision.threshold
        scores = ClassificationScores(self.labels, threshold=threshold)
        scores.add(answers.probabilities, part.targets)
        return scores


def _better(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """By accuracy; of equal ones, which small dev sets have many of, by the loss."""
    if new["accuracy"] != old["accuracy"]:
        return bool(new["accuracy"] > old["accuracy"])
    return (new["log_loss"] or 0.0) < (old["log_loss"] or 0.0)


def _decide(answers: Answers, targets: NDArray[np.int64]) -> Decision:
    """Temperature, and with two classes the threshold, from the dev rows."""
    temperature = fit_temperature(answers.logits, targets).value
    threshold = None
    if answers.logits.shape[1] == 2 and set(targets.tolist()) == {0, 1}:
        chances = softmax(answers.logits, temperature)[:, 1]
        chosen = choose_threshold(chances, targets).threshold
        threshold = None if chosen == 0.5 else chosen
    return Decision(temperature=temperature, threshold=threshold)


def _calibration(
    task: TextClassification, answers: Answers, targets: NDArray[np.int64]
) -> Calibration:
    two = answers.logits.shape[1] == 2 and bool((targets >= 0).all())
    return Calibration(
        temperature=task.decision.temperature,
        before=reliability(softmax(answers.logits), targets),
        after=reliability(answers.probabilities, targets),
        threshold=task.decision.threshold,
        curve=threshold_curve(answers.probabilities[:, 1], targets) if two else None,
    )


def _labelled(items: Sequence[LabelledText], answers: Answers) -> Iterator[dict[str, Any]]:
    for item, answer in zip(items, answers, strict=True):
        yield {**item.row.values, "prediction": answer.to_json()}
