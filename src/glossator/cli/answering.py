"""Answers for a stream of rows, in order and in memory that does not grow with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.artifact.predictor import Predictor, too_long
from glossator.artifact.scoring import CHARACTERS, CHUNK
from glossator.cli.progress import meter
from glossator.cli.screen import Screen
from glossator.errors import ColumnError, GlossatorError
from glossator.memory import give_back_freed_memory
from glossator.runs.meter import Meter
from glossator.tasks.task import Reader
from glossator.text.answers import Answer, answer_writer, failed_answer
from glossator.text.columns import check_columns, rejected
from glossator.text.config import TableConfig
from glossator.text.findings import count_of
from glossator.text.records import Read, Record, in_place
from glossator.text.rows import Rejection, Row
from glossator.text.tables import Table, held_out, joined, read_tables

__all__ = ["AnswerItems", "Answering", "RowValues", "answer_table", "by_predictor"]

_SOURCE = "source"

Told = Callable[[int, int], None]
"""Is told how many windows were answered, and of how many."""

AnswerItems = Callable[[Sequence[Read], Told], Iterator[Any]]
"""The predictions of rows, in their order, as JSON holds them; of a rejected one anything.

One that cannot be answered is a Rejection.
"""


class Answering:
    """Rows in, answers out.

    Args:
        answer: gives the predictions.
        tables: the rows; of several, each answer says under `source` which it comes from.
        reader: reads them.

    Attributes:
        done: rows answered so far, those that failed among them.
        failed: rows that could not be answered.

    Raises:
        ColumnError: a column is missing, or one of several tables has a column `source`.
    """

    def __init__(self, answer: AnswerItems, tables: Sequence[Table], reader: Reader):
        self._sourced = len(tables) > 1
        for table in tables:
            check_columns(table, [x for names in reader.inputs.values() for x in names])
            if self._sourced and _SOURCE in table.columns:
                message = (
                    f"with several tables, column '{_SOURCE}' is where answers name theirs; "
                    "rename it, or answer one table at a time"
                )
                raise ColumnError(message, file=table.path)
        self._answer, self._reader = answer, reader
        self._table = joined(tables)
        self.done = self.failed = 0
        self._first: Rejection | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the answers that are not of the prediction."""
        return (_SOURCE, *self._table.columns) if self._sourced else self._table.columns

    def refuse_all_failed(self) -> None:
        """Raise GlossatorError where there were rows and none of them could be answered."""
        if self._first is not None and self.failed == self.done:
            first, rows = self._first, count_of(self.done, "row")
            message = f"{first.message}; {rows}, and none could be answered"
            raise GlossatorError(message, file=first.source, line=first.line)

    def answers(self, told: Told = lambda *_: None) -> Iterator[Answer]:
        """One answer a row, in order; `told` of the windows of those in hand."""
        batch: list[Read] = []
        characters = 0
        for item in self._table:
            read = self._reader.read(item, targets=False) if isinstance(item, Row) else item
            batch.append(read)
            characters += sum(map(len, read.texts)) if isinstance(read, Record) else 0
            if len(batch) >= CHUNK or characters >= CHARACTERS:
                yield from self._answered(batch, told)
                batch, characters = [], 0
                give_back_freed_memory()
        yield from self._answered(batch, told)

    def _answered(self, batch: list[Read], told: Told) -> Iterator[Answer]:
        for read, found in zip(batch, self._answer(batch, told), strict=True):
            self.done += 1
            item = found if isinstance(found, Rejection) else read
            if isinstance(item, Rejection):
                self.failed += 1
                self._first = self._first or item
                yield self._told(item.source, failed_answer(item))
            else:
                yield self._told(item.row.source, {**item.row.values, "prediction": found})

    def _told(self, source: str, answer: Answer) -> Answer:
        """The answer with the table that its row comes from, where there are several."""
        return {_SOURCE: source, **answer} if self._sourced else answer


def by_predictor(
    predictor: Predictor,
    top_k: int | None,
    asks: Mapping[str, Any],
    max_windows: int | None = None,
) -> AnswerItems:
    """Answers of a model in this process; a row of more than `max_windows` is rejected."""
    task = predictor.asked(top_k, asks)

    def answer(items: Sequence[Read], told: Told) -> Iterator[Any]:
        records = [item for item in items if isinstance(item, Record)]
        encoded = task.encode(records)
        why = [too_long(row, max_windows) for row in encoded]
        fits = [
            rejected(record.row, "too_many_windows", reason) if reason else record
            for record, reason in zip(records, why, strict=True)
        ]
        rows = [row for row, reason in zip(encoded, why, strict=True) if not reason]
        answers = predictor.answer_records(
            [record for record in fits if isinstance(record, Record)],
            rows,
            top_k=top_k,
            progress=_counted(sum(map(len, rows)), told),
            **asks,
        )
        for found in in_place(in_place(items, fits), answers):
            yield found if isinstance(found, Rejection) else found.to_json()

    return answer


def _counted(total: int, told: Told) -> Callable[[int], None]:
    """Adds up what was answered since the last call."""
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        told(done, total)

    return add


@dataclass(frozen=True)
class RowValues:
    """The rows of tables in some columns, as often as asked for, in whatever process.

    Attributes:
        paths: of the tables.
        options: how they are read.
        columns: that are wanted.
    """

    paths: tuple[str, ...]
    options: TableConfig
    columns: tuple[str, ...]

    def __call__(self) -> Iterator[Mapping[str, Any] | None]:
        """The values of each row; None for one that cannot be read."""
        for item in held_out(read_tables(self.paths, config=self.options)):
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
        answer_writer(output, job.columns, overwrite=overwrite) as writer,
        Meter() if mixed else meter(screen, "answering", None) as progress,
    ):

        def told(done: int, total: int) -> None:
            progress.draw(job.done, f"window {done:,} of {total:,}")

        for answer in job.answers(told):
            writer.write(answer)
            progress.add(1)
