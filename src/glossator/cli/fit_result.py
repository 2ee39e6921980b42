"""What `glossator fit` says at its end."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from glossator.artifact.report_parts import UNSCORED
from glossator.artifact.wording import duration
from glossator.cli.scores import show_measures, show_sections
from glossator.cli.screen import Screen
from glossator.config import to_mapping
from glossator.finetuning.config import FitConfig
from glossator.runs.folder import REPORT
from glossator.text.config import TableConfig
from glossator.text.findings import count_of
from glossator.text.records import Columns

if TYPE_CHECKING:
    from glossator.evaluation.figures import Words
    from glossator.finetuning.run import FitResult

__all__ = ["show_result", "typed_input"]


def show_result(
    screen: Screen, result: FitResult, tables: Sequence[str], config: FitConfig
) -> None:
    """What was learned, where it is weak, where it lies, and what to type next.

    Args:
        screen: where.
        result: of the run.
        tables: that it was trained on.
        config: how they were read.
    """
    report = result.report
    for remark in report.remarks:
        screen.line(f"! {remark.message}", "yellow")
    show_sections(screen, report.sections)
    if report.split:
        screen.title(f"Scores on {report.scored:,} {report.split} rows")
        show_measures(screen, report.measures, report.metrics)
    else:
        screen.title(UNSCORED)
    if report.recipe:
        screen.line(f"  {report.recipe.sentence}")
    if report.refit:
        screen.line(f"  {report.refit.sentence}", "yellow" if report.refit.missed else "")
    for sentence in report.words.decided:
        screen.line(f"  {sentence}")
    screen.line(f"  {_speed(result)}")
    _places(screen, result)
    _next(
        screen, result, [config.data.test or config.data.dev or tables[0], *_reading(config.table)]
    )


def _speed(result: FitResult) -> str:
    train = result.train
    speed = (
        f"{train['examples_per_second']:,.0f} texts and {train['tokens_per_second']:,.0f} tokens"
    )
    steps = f"{train['steps']:,} steps"
    if result.report.learning.evaluations:
        steps += f", the best was {train['best_step']:,}"
    if result.report.ended:
        steps += f"; {result.report.ended}"
    return f"trained {duration(train['seconds'])}, {speed} a second; {steps}{_again(result)}"


def _again(result: FitResult) -> str:
    """How long the second training was, if there was one."""
    refit = result.report.refit
    if not refit or refit.missed:
        return ""
    return f"; then {count_of(refit.steps, 'step')} on all rows in {duration(refit.seconds)}"


def _places(screen: Screen, result: FitResult) -> None:
    assert result.model is not None
    assert result.run is not None
    if interrupted := result.report.interrupted:
        screen.title(f"{interrupted} The model folder is marked unfinished.")
    screen.title("Written")
    screen.line(f"  model   {result.model}")
    screen.line(f"  report  {result.run / REPORT}")


def _reading(table: TableConfig) -> Iterator[str]:
    """The options without which the tables cannot be read."""
    for name, value in to_mapping(table).items():
        if value:
            yield from (f"--{name}", ",".join(value) if isinstance(value, list) else value)


def _next(screen: Screen, result: FitResult, table: Sequence[str]) -> None:
    model, words = shlex.quote(str(result.model)), result.report.words
    row = typed_input(words, result.predictor.reader().inputs)
    typed = f"echo {shlex.quote(row)} |"
    screen.title("Next")
    screen.line(f"  glossator predict {model} {shlex.join(table)} --output answers.jsonl")
    screen.line(f"  {typed} glossator predict {model} - --format {words.command_format}")


def typed_input(words: Words, inputs: Columns) -> str:
    """A row as it is typed: a text, or an object with the columns that the model reads.

    Args:
        words: whose row has each role under its own name.
        inputs: the columns that are read, by role.
    """
    if words.command_format != "jsonl":
        return words.command_input
    row: dict[str, Any] = {}
    for role, value in json.loads(words.command_input).items():
        names = inputs.get(role, ())
        spread = value if isinstance(value, list) and len(names) > 1 else [value] * len(names)
        row |= dict(zip(names, spread, strict=False))
    return json.dumps(row, ensure_ascii=False) if row else words.command_input
