"""What `glossator fit` says at its end."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glossator.artifact.wording import duration, interval, measure
from glossator.cli.plain import shortened
from glossator.cli.scores import show_classes
from glossator.cli.screen import Screen
from glossator.finetuning.config import DataConfig
from glossator.runs.folder import PREDICTIONS, REPORT
from glossator.text.columns import select
from glossator.text.rows import Row

if TYPE_CHECKING:
    from glossator.finetuning.run import FitResult

__all__ = ["show_result"]

_TEXT = 88
_MISTAKES = 5
_ANSWERS = 5


def show_result(screen: Screen, result: FitResult, tables: Sequence[str], data: DataConfig) -> None:
    """What was learned, where it is weak, where it lies, and what to type next.

    Args:
        screen: where.
        result: of the run.
        tables: that it was trained on.
        data: how they were read.
    """
    scores = result.report.scores
    show_classes(screen, scores.classes)
    _mistakes(screen, result)
    _answers(screen, result)
    screen.title(f"Scores on {_rows(result):,} {scores.split} rows")
    for line in _summary(result):
        screen.line(f"  {line}")
    _places(screen, result)
    _next(screen, result, [data.test or data.dev or tables[0], *_reading(data)])


def _rows(result: FitResult) -> int:
    return result.rows.dev if result.test is None else result.rows.test


def _mistakes(screen: Screen, result: FitResult) -> None:
    mistakes = result.report.scores.mistakes
    screen.title("Where it is weak")
    if not mistakes:
        screen.line(f"  no wrong answer in {_rows(result):,} rows")
    for mistake in mistakes[:_MISTAKES]:
        place = f"{mistake.source}:{mistake.line}"
        gold, got = shortened(mistake.gold, 40), shortened(mistake.predicted, 40)
        screen.line(f"  {gold} taken for {got} ({mistake.score:.0%} sure), {place}")
        screen.line(f"    {shortened(mistake.text, _TEXT)}", "dim")


def _answers(screen: Screen, result: FitResult) -> None:
    """A few answers from the run folder, spread over the rows."""
    assert result.run is not None
    columns = result.predictor.details.columns
    screen.title(f"Answers for {_ANSWERS} {result.report.scores.split} rows")
    for values in _spread(result.run / PREDICTIONS, _rows(result)):
        row = Row(PREDICTIONS, 0, values)
        answer, gold = values["prediction"], str(select(row, (columns["label"],)))
        verdict = "right" if answer["label"] == gold else f"wrong, it is {shortened(gold, 40)}"
        screen.line(f"  {shortened(answer['label'], 40)} ({answer['score']:.0%} sure; {verdict})")
        screen.line(f"    {shortened(str(select(row, columns['text'])), _TEXT)}", "dim")


def _spread(path: Path, rows: int) -> Iterator[dict[str, Any]]:
    wanted = {number * rows // _ANSWERS for number in range(_ANSWERS)}
    with open(path, encoding="utf-8") as file:
        for line in itertools.compress(file, (number in wanted for number in range(rows))):
            yield json.loads(line)


def _summary(result: FitResult) -> Iterator[str]:
    scores, train = result.report.scores.best, result.train
    right, between = measure(scores, "accuracy"), interval(scores, "accuracy")
    yield f"{right} right (95% interval {between}), macro F1 {measure(scores, 'macro_f1')}"
    fitted = result.report.calibration
    if fitted is not None:
        before, after = f"{fitted.before.ece:.1%} before", f"{fitted.after.ece:.1%} after"
        yield f"calibration error {before}, {after}, temperature {fitted.temperature:.2f}"
    speed = (
        f"{train['examples_per_second']:,.0f} texts and {train['tokens_per_second']:,.0f} tokens"
    )
    steps = f"{train['steps']:,} steps, the best was {train['best_step']:,}"
    yield f"trained {duration(train['seconds'])}, {speed} a second; {steps}"


def _places(screen: Screen, result: FitResult) -> None:
    assert result.model is not None
    assert result.run is not None
    if not result.finished:
        screen.title(
            "Interrupted: the model folder holds the best weights so far, marked unfinished"
        )
    screen.title("Written")
    screen.line(f"  model   {result.model}")
    screen.line(f"  report  {result.run / REPORT}")


def _reading(data: DataConfig) -> Iterator[str]:
    """The options without which the tables cannot be read."""
    for name in ("format", "encoding"):
        value = getattr(data, name)
        if value is not None:
            yield from (f"--{name}", value)


def _next(screen: Screen, result: FitResult, table: Sequence[str]) -> None:
    model = shlex.quote(str(result.model))
    screen.title("Next")
    screen.line(f"  glossator predict {model} {shlex.join(table)} --output answers.jsonl")
    screen.line(f"  echo 'a text of your own' | glossator predict {model} - --format text")
