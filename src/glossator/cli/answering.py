"""Answers for a stream of rows, in order and in memory that does not grow with them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from glossator.artifact.predictor import Predictor
from glossator.cli.progress import Meter, meter
from glossator.cli.screen import Screen
from glossator.text.answers import Answer, answer_writer, failed_answer
from glossator.text.columns import check_columns, select
from glossator.text.seen import is_blank
from glossator.text.tables import Item, Rejection, Table

__all__ = ["Answering", "answer_table"]

# Read, answered and written together: enough to group texts of like length.
_ROWS, _CHARACTERS = 2048, 2**22


class Answering:
    """Rows in, answers out.

    Args:
        predictor: what answers.
        table: the rows.
        columns: of the text.
        top_k: how many labels each answer lists.

    Attributes:
        done: rows answered so far, those that failed among them.
        failed: rows that could not be answered.

    Raises:
        ColumnError: a column is missing.
    """

    def __init__(self, predictor: Predictor, table: Table, columns: Sequence[str], top_k: int):
        check_columns(table, columns)
        self._predictor, self.table, self._columns = predictor, table, columns
        self._top_k = top_k
        self.done = self.failed = 0

    def answers(self) -> Iterator[Answer]:
        """One answer a row, in order."""
        batch: list[tuple[Item, str | Rejection]] = []
        characters = 0
        for item in self.table:
            text = self._text(item)
            batch.append((item, text))
            characters += len(text) if isinstance(text, str) else 0
            if len(batch) >= _ROWS or characters >= _CHARACTERS:
                yield from self._answered(batch)
                batch, characters = [], 0
        yield from self._answered(batch)

    def _text(self, item: Item) -> str | Rejection:
        if isinstance(item, Rejection):
            return item
        text = select(item, self._columns)
        if isinstance(text, str) and is_blank(text):
            message = "the text is empty"
            return Rejection(item.source, item.line, "empty_text", message, item.values)
        return text

    def _answered(self, batch: list[tuple[Item, str | Rejection]]) -> Iterator[Answer]:
        texts = [text for _, text in batch if isinstance(text, str)]
        found = iter(self._predictor.answers(texts, top_k=self._top_k))
        for item, text in batch:
            self.done += 1
            if isinstance(text, Rejection):
                self.failed += 1
                yield failed_answer(text)
            else:
                yield {**(item.values or {}), "prediction": next(found).to_json()}


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
