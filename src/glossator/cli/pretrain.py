"""`glossator pretrain`: from raw text to a language model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from glossator.cli.options import FLAT, MACHINE, Shown
from glossator.cli.screen import Screen
from glossator.files import refuse_existing
from glossator.models.config import RuntimeConfig
from glossator.pretraining.config import (
    ObjectiveConfig,
    PretrainConfig,
    StartConfig,
)
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.training.config import SpreadConfig, TrainingConfig

if TYPE_CHECKING:
    from glossator.pretraining.result import PretrainResult

__all__ = ["PretrainOptions", "pretrain", "run"]

# BERT saw its text forty times; masks are others each time, so that many passes still teach.
_TRAINING = TrainingConfig(epochs=40, patience=20)


@dataclass(frozen=True, kw_only=True)
class PretrainOptions:
    """How a model is pretrained.

    Attributes:
        output: name of the model folder. The run folder beside it has the log and the tokens.
        overwrite: replace folders of that name, once the new ones are whole.
        resume: go on with a run that was killed or interrupted; type the same command again.
        config: a TOML file as the run folder has one; what is typed wins.
        objective: what is learned.
        start: what training begins with.
        corpus: how the text is read and cleaned.
        training: how.
        runtime: where.
        spread: over how many processes.
        track: where the curves go besides TensorBoard; wandb works without a network too.
        shown: how the result is told.
    """

    output: Path
    overwrite: bool = False
    resume: bool = False
    config: Path | None = None
    objective: Annotated[ObjectiveConfig, Parameter(name="*", group="Objective")] = field(
        default_factory=ObjectiveConfig
    )
    start: Annotated[StartConfig, Parameter(name="*", group="Model")] = field(
        default_factory=StartConfig
    )
    corpus: Annotated[CorpusConfig, Parameter(name="*", group="Corpus")] = field(
        default_factory=CorpusConfig
    )
    training: Annotated[TrainingConfig, Parameter(name="*", group="Training")] = _TRAINING
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    spread: Annotated[SpreadConfig, MACHINE] = field(default_factory=SpreadConfig)
    track: Literal["none", "wandb"] = "none"
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)

    def run(self) -> PretrainConfig:
        """What the run is told."""
        return PretrainConfig(
            objective=self.objective,
            start=self.start,
            corpus=self.corpus,
            training=self.training,
            runtime=self.runtime,
            spread=self.spread,
            track=self.track,
        )


def pretrain(corpus: list[str], /, *, options: Annotated[PretrainOptions, FLAT]) -> int:
    """Train a language model on raw text.

    Args:
        corpus: files of text (an empty line ends a document, a line end a sentence), .jsonl or
            .parquet (a document a row), each also packed as .gz or .zst.
        options: how.
    """
    screen = Screen(json=options.shown.json)
    if options.resume and not options.overwrite and _is_finished(options.output):
        from glossator.pretraining.run import check_finished

        check_finished(corpus, options.run(), options.output)
        screen.say(f"{options.output} is finished: there is nothing to go on with")
        screen.json({"model": str(options.output), "finished": True})
        return 0
    result = run(
        corpus,
        options.run(),
        options.output,
        screen,
        overwrite=options.overwrite,
        resume=options.resume,
    )
    screen.json(result.to_json())
    return 0 if result.finished else 130


def run(
    corpus: list[str],
    config: PretrainConfig,
    output: Path,
    screen: Screen,
    *,
    overwrite: bool,
    resume: bool = False,
) -> PretrainResult:
    """Pretrain, telling how it goes, and show what was learned."""
    # Before torch is loaded, which takes seconds.
    refuse_existing(output, overwrite=overwrite or resume)
    from glossator.cli.pretrain_result import show_result
    from glossator.cli.pretrain_watch import PretrainWatch
    from glossator.pretraining.run import run_pretrain

    with PretrainWatch(screen) as watch:
        result = run_pretrain(
            corpus, config, output=output, overwrite=overwrite, resume=resume, watch=watch
        )
    show_result(screen, result)
    return result


def _is_finished(folder: Path) -> bool:
    from glossator.runs.folder import is_finished

    return is_finished(folder)
