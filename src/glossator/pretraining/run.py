"""One pretraining run, from raw text to a model folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glossator.artifact.folder import Details, versions
from glossator.artifact.saving import save_folder
from glossator.extras import require
from glossator.files import disk_errors_named
from glossator.models.causal import CausalLanguageModel
from glossator.models.hardware import choose_device, choose_dtype, crowded, using_threads
from glossator.pretraining.card import model_card
from glossator.pretraining.config import PretrainConfig
from glossator.pretraining.corpus.building import WordMarker, build, made_of
from glossator.pretraining.corpus.corpus import Corpus, open_corpus
from glossator.pretraining.corpus.statistics import report_lines
from glossator.pretraining.corpus.words import ChineseWords, Words
from glossator.pretraining.doctor import Doctor, corpus_complaints
from glossator.pretraining.learning import SCORING_BUDGET, Share, learn, scored_rows
from glossator.pretraining.objectives.making import make_objective
from glossator.pretraining.objectives.masked_language import MaskedLanguage
from glossator.pretraining.objectives.objective import Scores
from glossator.pretraining.result import PretrainResult
from glossator.pretraining.rows import SomeRows
from glossator.pretraining.start import LanguageModel, Start, resolved
from glossator.pretraining.watch import Watch
from glossator.runs.folder import RunFolder, open_run, run_path
from glossator.runs.sameness import refuse_other_run
from glossator.tasks.registry import config_named, name_opening, usual_columns
from glossator.text.tokenizer import Tokenizer
from glossator.training.events import Event
from glossator.training.loop import History
from glossator.training.rows import Rows
from glossator.training.state import FREE

__all__ = ["check_finished", "run_pretrain"]

_CORPUS = "corpus"
# Options that may be others when a run is taken up; what they name is told by digests.
_FREE = (
    *("corpus", "start.model", "start.tokenizer", "start.hub", "runtime", "track"),
    *(f"training.{name}" for name in FREE),
)


def run_pretrain(
    paths: Sequence[str],
    config: PretrainConfig,
    *,
    output: Path,
    overwrite: bool = False,
    resume: bool = False,
    watch: Watch | None = None,
) -> PretrainResult:
    """Train a model on raw text and write its folder.

    An interrupt (Ctrl-C) while it trains ends training: the best weights so far are written,
    marked unfinished. The same call with `resume` goes on with a run that was cut short, and comes
    to the same weights, bit for bit.

    Args:
        paths: files of text, JSON Lines or Parquet, each also packed.
        config: all options.
        output: the model folder to write; its run folder is `NAME.run`.
        overwrite: whether both may be replaced.
        resume: go on with the run that `NAME.run` holds; where there is none a new one begins.
        watch: told of each stage.

    Raises:
        InputError: a file, a tokenizer, a model or an option is wrong.
        GlossatorError: a process that trained along was lost.
        MissingPackageError: wandb is asked for and not installed.
        OutputExistsError: `output` exists and `overwrite` is false.
        CheckpointError: what the run left was changed, or the corpus has.
        UnfinishedError: it was interrupted before the first step.
        OSError: the disk is full or read-only; no model folder is then written.
    """
    if config.track == "wandb":
        require("wandb")
    with ExitStack() as stack:
        stack.enter_context(disk_errors_named(run_path(output)))  # its log has no name
        run = stack.enter_context(open_run(output, overwrite=overwrite, resume=resume))
        stack.enter_context(using_threads(config.runtime.threads))
        pretraining = _Pretraining(config, run, watch or Watch(), resume=resume)
        result, model = pretraining.pretrain(paths, output)
        pretraining.save(model, result, overwrite=overwrite or resume)
        run.finished = result.finished
    return result


def check_finished(paths: Sequence[str], config: PretrainConfig, output: Path) -> None:
    """Hold a finished run against what it would be now.

    Args:
        paths: of the corpus, as `run_pretrain` takes them.
        config: all options.
        output: the model folder that was written.

    Raises:
        CheckpointError: its options, corpus or first weights were others.
        InputError: a file, a tokenizer, a model or an option is wrong.
    """
    run, start = run_path(output), Start(config.start, config.objective.length)
    if not (run / _CORPUS).is_dir():
        return
    objective = make_objective(config.objective, start.tokenizer)
    corpus = open_corpus(run / _CORPUS, _ingredients(paths, start.tokenizer, config))
    rows = objective.rows(corpus.train, config.objective.length)
    model = start.model(config.training.seed, objective.makes)
    steps = math.ceil(len(rows) / config.training.batch_size)
    config = resolved(config, model.encoder, steps_per_epoch=steps)
    refuse_other_run(run, config, start.made_of(), free=_FREE)


def _in_chinese_words(config: PretrainConfig) -> bool:
    return config.objective.objective == "zh-wwm"


def _ingredients(
    paths: Sequence[str], tokenizer: Tokenizer, config: PretrainConfig
) -> dict[str, Any]:
    """What the corpus is made of."""
    words = "chinese" if _in_chinese_words(config) else "pieces"
    return made_of(paths, tokenizer, config.corpus, seed=config.training.seed, words=words)


class _Pretraining:
    """The stages of a run, in order."""

    def __init__(self, config: PretrainConfig, run: RunFolder, watch: Watch, *, resume: bool):
        self.config, self.run, self.watch = config, run, watch
        self.device = choose_device(config.runtime.device)
        self.dtype = choose_dtype(config.runtime.precision, self.device)
        self.start = Start(config.start, config.objective.length)
        self.objective = make_objective(config.objective, self.start.tokenizer)
        self._files: list[Mapping[str, Any]] = []
        if resume and not run.trained:
            watch.note("there is no checkpoint to go on from: the run begins anew")

    def pretrain(self, paths: Sequence[str], output: Path) -> tuple[PretrainResult, LanguageModel]:
        seed, tokenizer = self.config.training.seed, self.start.tokenizer
        model = self.start.model(seed, self.objective.makes)
        corpus = self._corpus(paths)
        rows, dev = (
            self.objective.rows(part, self.config.objective.length)
            for part in (corpus.train, corpus.dev)
        )
        for remark in self.objective.remarks(rows):
            self.watch.note(remark)
        scored = scored_rows(dev, seed)
        counts = corpus.train.counts(tokenizer.vocabulary_size)
        baseline = self.objective.baseline(scored, counts, token_budget=SCORING_BUDGET)
        if self.start.is_new:
            model.expect(torch.from_numpy((counts + 1) / (counts.sum() + len(counts))))
        self._resolve(model, rows)
        history = self._train(model, baseline)
        history.refuse_none()
        scores = self.objective.scores(model, scored, token_budget=SCORING_BUDGET)
        baseline = self.objective.baseline(scored, counts, token_budget=SCORING_BUDGET, model=model)
        if self.config.objective.pseudo_perplexity:
            pseudo = self._pseudo_perplexity(model, dev, counts)
            scores, baseline = ({**s, **p} for s, p in zip((scores, baseline), pseudo, strict=True))
        found = {**scores, "baseline": dict(baseline)}
        result = PretrainResult(
            model=output,
            run=run_path(output),
            objective=self.objective.name,
            statistics=corpus.statistics,
            train=_summary(history),
            steps=history.counts,
            dev=found,
            curve=_curve(history),
            finished=history.finished,
        )
        return result, model

    def _corpus(self, paths: Sequence[str]) -> Corpus:
        """The corpus: as the run left it, or built now."""
        config, tokenizer = self.config, self.start.tokenizer
        marker: WordMarker = (ChineseWords if _in_chinese_words(config) else Words)(tokenizer)
        ingredients = _ingredients(paths, tokenizer, config)
        self._files = [
            {"name": Path(name).name, **file} for name, file in ingredients["file"].items()
        ]
        folder = self.run.path / _CORPUS
        if folder.is_dir():
            corpus = open_corpus(folder, ingredients)
        else:
            corpus = build(
                paths,
                marker,
                tokenizer,
                config.corpus,
                folder,
                seed=config.training.seed,
                ingredients=ingredients,
                progress=self.watch.reading,
            )
        self.watch.corpus(report_lines(corpus.statistics))
        for complaint in corpus_complaints(corpus.statistics):
            self.watch.note(complaint)
        return corpus

    def _resolve(self, model: LanguageModel, rows: Rows) -> None:
        """Choose what was left open, write it down, and tell."""
        steps = math.ceil(len(rows) / self.config.training.batch_size)
        self.config = resolved(self.config, model.encoder, steps_per_epoch=steps)
        self.run.identify(self.config, self.start.made_of(), free=_FREE)
        self.run.config(self.config, track=self.config.track)
        parameters = sum(x.numel() for x in model.parameters())
        threads = self.config.runtime.threads
        kind = "random weights" if self.start.is_new else "its own weights"
        self.watch.model(
            [
                f"{self.start.name}, {parameters / 1e6:.1f} million parameters, {kind}",
                f"learning rate {self.config.training.learning_rate:.1e}",
                *model.notes,
                *crowded(threads=threads, processes=self.config.spread.processes),
            ]
        )

    def _train(self, model: LanguageModel, baseline: Scores) -> History:
        doctor = Doctor(baseline["loss"], self.watch.note)

        def notify(event: Event) -> None:
            self.run.event(event)
            self.watch.training(event)
            doctor.listen(event)

        config, dropout = self.config, self.config.start.dropout
        if dropout is None and self.start.is_new:
            dropout = 0.0
        share = Share(
            model=model,
            objective=self.objective,
            corpus=self.run.path / _CORPUS,
            length=config.objective.length,
            config=config.training,
            dropout=dropout,
            dtype=self.dtype,
            device=self.device,
            checkpoints=self.run.checkpoints(keep=config.training.keep_checkpoints).folder,
        )
        return learn(share, config.spread.processes, notify)

    def save(self, model: LanguageModel, result: PretrainResult, *, overwrite: bool) -> None:
        """Write the model folder of a result."""
        save_folder(
            model.to("cpu"),
            self.start.tokenizer,
            self._details(model, result),
            result.model,
            opens_as=self.objective.opens_as,
            overwrite=overwrite,
        )

    def _pseudo_perplexity(
        self, model: LanguageModel, dev: Rows, counts: NDArray[np.int64]
    ) -> tuple[Scores, Scores]:
        """Of the model and of a guess by how often tokens occur.

        Source: Salazar et al. 2020, "Masked language model scoring", section 2.3.
        """
        objective, config = self.objective, self.config
        assert isinstance(objective, MaskedLanguage)
        rows = SomeRows(dev, config.objective.pseudo_perplexity, config.training.seed)
        totals = (
            objective.measured(model, objective.one_at_a_time(rows, SCORING_BUDGET)),
            objective.guessed(counts, objective.one_at_a_time(rows, SCORING_BUDGET)),
        )
        ours, guess = (math.exp(min(one.loss / one.tokens, 700.0)) for one in totals)
        return {"pseudo_perplexity": ours}, {"pseudo_perplexity": guess}

    def _details(self, model: LanguageModel, result: PretrainResult) -> Details:
        task = name_opening(self.objective.opens_as)
        return Details(
            task=task,
            columns=usual_columns(config_named(task)) if task else {},
            saved={"learned": {}, "options": {}, "decision": {}},
            max_length=model.encoder.max_length,
            base_model=self.start.name,
            data=tuple(self._files),
            versions=versions(),
            finished=result.finished,
            steps=result.steps,
            metrics={"dev": dict(result.dev)},
            card=model_card(
                name=result.model.name,
                base=self.start.name,
                objective=result.objective,
                task=task,
                tunable=not isinstance(model, CausalLanguageModel),
                statistics=result.statistics,
                train=result.train,
                dev=result.dev,
            ),
        )


def _curve(history: History) -> list[dict[str, float]]:
    """The held-out loss over steps, epochs, tokens and seconds."""
    steps = {event.step: event for event in history.steps}
    return [
        {
            "step": event.step,
            "epoch": round(event.epoch, 3),
            "tokens": steps[event.step].tokens,
            "seconds": round(steps[event.step].seconds, 3),
            "loss": float(event.scores["loss"]),
        }
        for event in history.evaluations
    ]


def _summary(history: History) -> dict[str, float]:
    last = dataclasses.asdict(history.steps[-1]) if history.steps else {"rows": 0, "tokens": 0}
    seconds = max(history.seconds, 1e-9)
    return {
        "seconds": round(history.seconds, 3),
        "epochs": round(history.epochs, 3),
        "steps": len(history.steps),
        "examples_per_second": round(last["rows"] / seconds, 1),
        "tokens_per_second": round(last["tokens"] / seconds, 1),
        "best_step": history.best_step,
    }
