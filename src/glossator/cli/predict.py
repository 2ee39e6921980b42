"""`glossator predict`: an answer for every row, in order."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from glossator.cli.options import FLAT, MACHINE, SPREAD, Shown, TableOptions
from glossator.cli.screen import Screen
from glossator.errors import ConfigError
from glossator.files import refuse_existing
from glossator.models.config import GenerationConfig, RuntimeConfig
from glossator.text.findings import count_of

if TYPE_CHECKING:
    from glossator.artifact.opening import AnyOpened
    from glossator.cli.answering import Answering, AnswerTexts, Texts

__all__ = ["GenerationOptions", "PredictOptions", "predict"]


@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """How a language model goes on with texts.

    Attributes:
        max_new_tokens: tokens that are added at most.
        temperature: 0 takes the most probable token each time; else tokens are drawn, from
            probabilities that are flatter above 1 and sharper below, of the --top-k most probable
            ones alone where that is given.
        top_p: draw from the most probable tokens that have this probability together alone.
        beams: search for the most probable text with so many beginnings at once; not drawn.
        seed: of the drawing.
    """

    max_new_tokens: int = 50
    temperature: float = 0.0
    top_p: float = 1.0
    beams: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        self.config(None)

    def config(self, top_k: int | None) -> GenerationConfig:
        """With the --top-k of the whole command."""
        return GenerationConfig(**dataclasses.asdict(self), top_k=top_k or 0)


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """How a table is answered.

    Attributes:
        output: a .jsonl, .csv, .tsv (each also with .gz) or .parquet file; - is JSON Lines on
            standard output.
        overwrite: replace that file if it is there.
        top_k: how many labels, or tokens for a gap, each answer lists; by default 3.
        text: columns of the text; by default those that the model was trained on.
        table: how the table is read.
        runtime: where the model runs.
        ray: address of a Ray cluster that answers, or `local` for one on this machine; the table
            and the model folder must be files that its workers see.
        workers: of the cluster, each of which loads the model.
        generation: how a language model goes on with texts.
        shown: how the result is told; with --json a summary, and --output must name a file.
    """

    output: str = "-"
    overwrite: bool = False
    top_k: int | None = None
    text: tuple[str, ...] = ()
    table: Annotated[TableOptions, FLAT] = field(default_factory=TableOptions)
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    ray: Annotated[str | None, SPREAD] = None
    workers: Annotated[int, SPREAD] = 1
    generation: Annotated[GenerationOptions, Parameter(name="*", group="Text generation")] = field(
        default_factory=GenerationOptions
    )
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)

    def __post_init__(self) -> None:
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"--top-k must be 1 or more, got {self.top_k}")
        if self.workers < 1:
            raise ConfigError(f"--workers must be 1 or more, got {self.workers}")
        if self.ray is None and self.workers > 1:
            raise ConfigError("--workers asks for --ray ADDRESS or --ray local")
        if self.output == "-" and self.shown.json:
            raise ConfigError("--json prints a summary on standard output; --output names a file")


_DEFAULTS = PredictOptions()
_LISTED = 3


def predict(
    model: Path, data: str, /, *, options: Annotated[PredictOptions, FLAT] = _DEFAULTS
) -> int:
    """Answer every row of a table, in order; a row that cannot be answered says why.

    Args:
        model: the model folder.
        data: a table; - is JSON Lines on standard input, with --format text one text a line.
        options: how it is answered.
    """
    if options.output != "-":
        refuse_existing(Path(options.output), overwrite=options.overwrite)
    from glossator.cli.answering import Answering, Texts, answer_table, by_predictor
    from glossator.cli.loading import opened, text_columns
    from glossator.text.formats import format_of
    from glossator.text.tables import open_table

    screen, read = Screen(json=options.shown.json), options.table
    plain = format_of(data, read.format)[0] == "text"
    table = open_table(data, format=read.format, encoding=read.encoding)
    predictor = opened(model, options.runtime, screen)
    columns = text_columns(predictor, options.text or (("text",) if plain else ()))
    began = time.perf_counter()
    with ExitStack() as stack:
        generation = options.generation.config(options.top_k)
        answer = by_predictor(predictor, options.top_k or _LISTED, generation)
        if options.ray is not None:
            _refuse_ray(predictor)
            texts = Texts(data, read, tuple(columns))
            answer = stack.enter_context(_on_ray(model, texts, options))
        job = Answering(answer, table, columns, _refusal(predictor))
        answer_table(job, options.output, screen, overwrite=options.overwrite)
    seconds = time.perf_counter() - began
    screen.json({"task": predictor.task.name, **_object(job, options.output, seconds)})
    _show(screen, job, options.output, seconds)
    return 0


def _refuse_ray(predictor: AnyOpened) -> None:
    if predictor.task.name == "text-generation":
        raise ConfigError("--ray spreads classifiers and models that fill gaps; leave it out here")


def _refusal(predictor: AnyOpened) -> Callable[[str], str | None]:
    """Why a text cannot be answered, where the task refuses some."""
    refusal = getattr(predictor.task, "refusal", None)
    return refusal if callable(refusal) else lambda _: None


@contextmanager
def _on_ray(model: Path, texts: Texts, options: PredictOptions) -> Iterator[AnswerTexts]:
    """Answers from a cluster, whose workers read the texts of the table themselves."""
    from glossator.artifact.scattering import scattered_answers
    from glossator.clusters import connected

    assert options.ray is not None
    if not Path(texts.path).is_file():
        raise ConfigError(f"--ray wants a table that its workers can open, not {texts.path!r}")
    scattered = functools.partial(
        scattered_answers,
        workers=options.workers,
        folder=model,
        texts=texts,
        runtime=options.runtime,
        top_k=options.top_k or _LISTED,
    )
    with connected(options.ray, options.workers) as ray, closing(scattered(ray)) as found:
        yield lambda wanted: itertools.islice(found, len(wanted))


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
