"""`glossator fit`: from labelled texts to a model folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from glossator.cli.options import COLUMN, FLAT, MACHINE, TABLES, TYPED, Shown
from glossator.cli.screen import Screen
from glossator.cli.task_options import COLUMNS, OPTIONS, columns_of, given, task_names
from glossator.errors import TableError
from glossator.files import refuse_existing
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.models.config import RuntimeConfig
from glossator.text.config import TableConfig
from glossator.training.config import SpreadConfig, TrainingConfig

if TYPE_CHECKING:
    from glossator.finetuning.run import FitResult

__all__ = ["FitOptions", "fit", "run"]


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a model is fine-tuned.

    Attributes:
        output: name of the model folder; by default that of the first table with -model. The run
            folder beside it has the report, the log and the answers for the test rows.
        overwrite: replace folders of that name, once the new ones are whole.
        resume: go on with a run that was killed or interrupted; type the same command again.
        refit: after the best step is known and scored, learn once more for as long from all rows;
            the scores stay those from before.
        recipe: how it is learned: plain trains model and head together; contrastive draws texts
            of a class together, then fits a head. auto measures both where each class of one label
            a text has 4 to 50 training rows, and is plain elsewhere.
        config: a TOML file with the tables columns, options, data, table, model, training, runtime
            and spread; what is typed wins.
        task: what to learn; by default read off the columns.
        columns: of the tables; the usual names are found.
        options: of the task.
        table: how the tables are read.
        data: which rows.
        model: what is fine-tuned.
        training: how.
        runtime: where.
        spread: over how many processes.
        track: where the curves go besides TensorBoard; wandb works without a network too.
        shown: how the result is told.
    """

    output: Path | None = None
    overwrite: bool = False
    resume: bool = False
    refit: bool = False
    recipe: Literal["auto", "plain", "contrastive"] = "auto"
    config: Path | None = None
    task: Annotated[
        str | None,
        Parameter(help=f"what to learn; by default read off the columns: {task_names()}"),
    ] = None
    columns: Annotated[COLUMNS, COLUMN] = field(default_factory=COLUMNS)
    options: Annotated[OPTIONS, Parameter(name="*", group="Task")] = field(default_factory=OPTIONS)
    data: Annotated[DataConfig, Parameter(name="*", group="Data")] = field(
        default_factory=DataConfig
    )
    table: Annotated[TableConfig, TABLES] = field(default_factory=TableConfig)
    model: Annotated[ModelConfig, Parameter(name="*", group="Model")] = field(
        default_factory=ModelConfig
    )
    training: Annotated[TrainingConfig, Parameter(name="*", group="Training")] = field(
        default_factory=TrainingConfig
    )
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    spread: Annotated[SpreadConfig, MACHINE] = field(default_factory=SpreadConfig)
    track: Literal["none", "wandb"] = "none"
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)

    def run(self) -> FitConfig:
        """What the run is told."""
        return FitConfig(
            task=self.task or "",
            columns=columns_of(self.columns),
            options=given(self.options),
            refit=self.refit,
            recipe=self.recipe,
            data=self.data,
            table=self.table,
            model=self.model,
            training=self.training,
            runtime=self.runtime,
            spread=self.spread,
            track=self.track,
        )


_DEFAULTS = FitOptions()


def fit(tables: list[str], /, *, options: Annotated[FitOptions, FLAT] = _DEFAULTS) -> int:
    """Fine-tune on labelled texts and write a model folder.

    Args:
        tables: tables of labelled rows: .csv, .tsv, .jsonl (each also with .gz), .parquet,
            .xlsx or .ods; or a folder of .txt files, in one folder a label.
        options: how.
    """
    screen = Screen(json=options.shown.json)
    folder = options.output or Path(f"{_stem(tables[0])}-model")
    if options.resume and not options.overwrite and _is_finished(folder):
        from glossator.finetuning.sameness import check_finished

        check_finished(tables, options.run(), folder)
        screen.say(f"{folder} is finished: there is nothing to go on with")
        screen.json({"model": str(folder), "finished": True})
        return 0
    result = run(
        tables,
        options.run(),
        folder,
        screen,
        overwrite=options.overwrite,
        resume=options.resume,
    )
    return 0 if result.finished else 130


def run(
    tables: list[str],
    options: FitConfig,
    folder: Path,
    screen: Screen,
    *,
    overwrite: bool,
    resume: bool = False,
) -> FitResult:
    """Fine-tune, telling how it goes, and show what was learned."""
    # Before torch is loaded, which takes seconds.
    refuse_existing(folder, overwrite=overwrite or resume)
    from glossator.cli.fit_result import show_result
    from glossator.cli.fit_watch import FitWatch
    from glossator.finetuning.run import run_fit

    try:
        with FitWatch(screen) as watch:
            result = run_fit(
                tables,
                options,
                output=folder,
                overwrite=overwrite,
                resume=resume,
                command=TYPED.get(),
                watch=watch,
            )
    except TableError as error:
        if type(error) is TableError and error.file is None:  # of all rows, not of one file's
            error.file = ", ".join(tables)
        raise
    screen.json(result.to_json())
    show_result(screen, result, tables, options)
    return result


def _is_finished(folder: Path) -> bool:
    from glossator.runs.folder import is_finished

    return is_finished(folder)


def _stem(table: str) -> str:
    """The table's name without its folder and suffixes; `data` where that leaves nothing."""
    name = Path(table).name
    return name.lstrip(".").split(".")[0].strip("-") or "data"
