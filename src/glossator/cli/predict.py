"""`glossator predict`: an answer for every row, in order."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from glossator.cli.options import COLUMN, FLAT, MACHINE, SPREAD, TABLES, Shown
from glossator.cli.screen import Screen
from glossator.cli.task_options import ASKS, COLUMNS, told
from glossator.errors import ConfigError
from glossator.extras import require
from glossator.files import refuse_existing
from glossator.models.config import RuntimeConfig
from glossator.text.config import TableConfig
from glossator.text.findings import count_of

if TYPE_CHECKING:
    from glossator.artifact.predictor import Predictor
    from glossator.cli.answering import Answering, AnswerItems
    from glossator.text.records import Columns

__all__ = ["PredictOptions", "predict"]


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """How a table is answered.

    Attributes:
        task: that the model folder is to answer, where it is not its own.
        output: a .jsonl, .csv, .tsv (each also with .gz) or .parquet file; - is JSON Lines on
            standard output.
        overwrite: replace that file if it is there.
        top_k: how many possibilities each answer lists: labels or tokens, by default 3, or pieces
            of a text, by default 1.
        max_windows: a text that is read in more windows is refused, and says so, instead of waited
            for.
        columns: of the table; by default those that the model was trained on.
        table: how the table is read.
        runtime: where the model runs.
        ray: address of a Ray cluster that answers, or `local` for one on this machine; the table
            and the model folder must be files that its workers see.
        workers: of the cluster, each of which loads the model.
        asks: what else is wanted of the answers.
        shown: how the result is told; with --json a summary, and --output must name a file.
    """

    task: str | None = None
    output: str = "-"
    overwrite: bool = False
    top_k: int | None = None
    max_windows: int | None = None
    columns: Annotated[COLUMNS, COLUMN] = field(default_factory=COLUMNS)
    table: Annotated[TableConfig, TABLES] = field(default_factory=TableConfig)
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    ray: Annotated[str | None, SPREAD] = None
    workers: Annotated[int, SPREAD] = 1
    asks: Annotated[ASKS, Parameter(name="*", group="Answers")] = field(default_factory=ASKS)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)

    def __post_init__(self) -> None:
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"--top-k must be 1 or more, got {self.top_k}")
        if self.max_windows is not None and self.max_windows < 1:
            raise ConfigError(f"--max-windows must be 1 or more, got {self.max_windows}")
        if self.max_windows is not None and self.ray is not None:
            raise ConfigError("--max-windows and --ray exclude each other")
        if self.workers < 1:
            raise ConfigError(f"--workers must be 1 or more, got {self.workers}")
        if self.ray is None and self.workers > 1:
            raise ConfigError("--workers asks for --ray ADDRESS or --ray local")
        if self.output == "-" and self.shown.json:
            raise ConfigError("--json prints a summary on standard output; --output names a file")


_DEFAULTS = PredictOptions()


def predict(
    model: Path, data: list[str], /, *, options: Annotated[PredictOptions, FLAT] = _DEFAULTS
) -> int:
    """Answer every row of a table, in order; a row that cannot be answered says why.

    Args:
        model: the model folder, or a starter.
        data: a table, a folder of .txt files, or several; - is JSON Lines on standard input,
            with --format text one text a line.
        options: how it is answered.
    """
    if options.output != "-":
        refuse_existing(Path(options.output), overwrite=options.overwrite)
    if options.ray is not None:
        require("ray")
    from glossator.artifact.opening import opened_asks
    from glossator.cli.answering import Answering, answer_table, by_predictor
    from glossator.cli.loading import opened, prepared
    from glossator.text.columns import resolved
    from glossator.text.tables import held_out, joined, open_tables

    screen = Screen(json=options.shown.json)
    tables = [held_out(table) for table in open_tables(data, options.table)]
    predictor = opened(model, options.runtime, screen, options.task)
    table = joined(tables)
    typed, wishes = told(predictor.task.name, options.columns, options.asks)
    asks = opened_asks(predictor.task.name, wishes, options.runtime, typed)
    asked = predictor.reader(_columns(predictor, data, table.columns, options, typed), asks)
    reader = predictor.reader(resolved(asked.columns, table), asks)
    for note in table.notes:
        screen.say(note)
    prepared(predictor, asks, screen)
    began = time.perf_counter()
    with ExitStack() as stack:
        answer = by_predictor(predictor, options.top_k, asks, options.max_windows)
        if options.ray is not None:
            columns = dict(reader.columns)
            answer = stack.enter_context(_on_ray(model, data, columns, options, wishes))
        job = Answering(answer, tables, reader)
        answer_table(job, options.output, screen, overwrite=options.overwrite)
    seconds = time.perf_counter() - began
    screen.json({"task": predictor.task.name, **_object(job, options.output, seconds)})
    _show(screen, job, options.output, seconds)
    job.refuse_all_failed()
    return 0


def _columns(
    predictor: Predictor,
    data: Sequence[str],
    columns: Sequence[str],
    options: PredictOptions,
    typed: Columns,
) -> Columns:
    """Those that were typed; of a text a line or a file, that one; else what the tables have."""
    from glossator.tasks.registry import config_named, inputs_in
    from glossator.text.formats import format_of

    config = config_named(predictor.task.name)
    if {format_of(path, options.table.format)[0] for path in data} <= {"text", "folder"}:
        return {config.roles[0].name: ("text",), **typed}
    return typed or inputs_in(config, predictor.details.columns, columns)


@contextmanager
def _on_ray(
    model: Path, data: list[str], columns: Columns, options: PredictOptions, asks: Mapping[str, Any]
) -> Iterator[AnswerItems]:
    """Answers from a cluster, whose workers read the rows of the table themselves."""
    from glossator.artifact.scattering import Asked, scattered_answers
    from glossator.cli.answering import RowValues
    from glossator.clusters import connected

    assert options.ray is not None
    for path in data:
        if not (Path(path).is_file() or Path(path).is_dir()):
            raise ConfigError(f"--ray wants a table that its workers can open, not {path!r}")
    scattered = functools.partial(
        scattered_answers,
        workers=options.workers,
        folder=model,
        rows=RowValues(tuple(data), options.table, tuple(x for n in columns.values() for x in n)),
        runtime=options.runtime,
        asked=Asked(columns, options.top_k, asks, options.task),
    )
    with connected(options.ray, options.workers) as ray, closing(scattered(ray)) as found:
        yield lambda items, _: itertools.islice(found, len(items))


def _object(job: Answering, output: str, seconds: float) -> dict[str, Any]:
    return {
        "output": output,
        "rows": {"read": job.done, "used": job.done - job.failed, "rejected": job.failed},
        "seconds": round(seconds, 3),
        "texts_per_second": round(job.done / seconds, 1),
    }


def _show(screen: Screen, job: Answering, output: str, seconds: float) -> None:
    why = ", each says why under 'error'" if job.failed else ""
    where = "" if output == "-" else f": {output}"
    rows = f"{count_of(job.done, 'row')}, {job.failed:,} of them failed{why}"
    screen.say(f"{rows}; {job.done / seconds:,.0f} texts/s{where}")
