"""Answers for a stream of rows, in order and in memory that does not grow with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.artifact.predictor import Predictor
from glossator.artifact.scoring import CHARACTERS, CHUNK
from glossator.cli.progress import Meter, meter
from glossator.cli.screen import Screen
from glossator.memory import give_back_freed_memory
from glossator.tasks.task import Reader
from glossator.text.answers import Answer, answer_writer, failed_answer
from glossator.text.columns import check_columns
from glossator.text.config import TableConfig
from glossator.text.records import Read, Record
from glossator.text.rows import Rejection, Row
from glossator.text.tables import Table, open_table

__all__ = ["AnswerItems", "Answering", "RowValues", "answer_table", "by_predictor"]

AnswerItems = Callable[[Sequence[Read]], Iterator[Any]]
"""The predictions of rows, in their order, as JSON holds them; of a rejected one anything."""


class Answering:
    """Rows in, answers out.

    Args:
        answer: gives the predictions.
        table: the rows.
        reader: reads them.

    Attributes:
        done: rows answered so far, those that failed among them.
        failed: rows that could not be answered.

    Raises:
        ColumnError: a column is missing.
    """

    def __init__(self, answer: AnswerItems, table: Table, reader: Reader):
        check_columns(table, [x for names in reader.inputs.values() for x in names])
        self._answer, self.table, self._reader = answer, table, reader
        self.done = self.failed = 0

    def answers(self) -> Iterator[Answer]:
        """One answer a row, in order."""
        batch: list[Read] = []
        characters = 0
        for item in self.table:
            read = self._reader.read(item, targets=False) if isinstance(item, Row) else item
            batch.append(read)
            characters += sum(map(len, read.texts)) if isinstance(read, Record) else 0
            if len(batch) >= CHUNK or characters >= CHARACTERS:
                yield from self._answered(batch)
                batch, characters = [], 0
                give_back_freed_memory()
        yield from self._answered(batch)

    def _answered(self, batch: list[Read]) -> Iterator[Answer]:
        for item, found in zip(batch, self._answer(batch), strict=True):
            self.done += 1
            if isinstance(item, Rejection):
                self.failed += 1
                yield failed_answer(item)
            else:
                yield {**item.row.values, "prediction": found}


def by_predictor(predictor: Predictor, top_k: int | None, asks: Mapping[str, Any]) -> AnswerItems:
    """Answers of a model in this process."""

    def answer(items: Sequence[Read]) -> Iterator[Any]:
        records = [item for item in items if isinstance(item, Record)]
        found = iter(predictor.answer_records(records, top_k=top_k, **asks))
        return (next(found).to_json() if isinstance(x, Record) else None for x in items)

    return answer


@dataclass(frozen=True)
class RowValues:
    """The rows of a table in some columns, as often as asked for, in whatever process.

    Attributes:
        path: of the table.
        options: how it is read.
        columns: that are wanted.
    """

    path: str
    options: TableConfig
    columns: tuple[str, ...]

    def __call__(self) -> Iterator[Mapping[str, Any] | None]:
        """The values of each row; None for one that cannot be read."""
        for item in open_table(self.path, self.options):
            if isinstance(item, Row):
                yield {name: item.values[name] for name in self.columns if name in item.values}
            else:
                yield None


def answer_table(job: Answering, output: str, screen: Screen, *, overwrite: bool) -> None:
    """Write the answers of `job` to `output`, whole or not at all.

    Raises:
        OutputExistsError: `output` exists and `overwrite` is false.
        OSError: the disk is full.
    """
    # On a terminal that shows the answers a bar would be drawn between them.
    mixed = output == "-" and sys.stdout.isatty()
    with (
        answer_writer(output, job.table.columns, overwrite=overwrite) as writer,
        Meter() if mixed else meter(screen, "answering", None) as progress,
    ):
        for answer in job.answers():
            writer.write(answer)
            progress.add(1)
