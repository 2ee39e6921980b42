"""Answers for a stream of rows, in order and in memory that does not grow with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.artifact.generator import TextGenerator
from glossator.artifact.opening import AnyOpened
from glossator.artifact.scoring import CHARACTERS, CHUNK
from glossator.cli.options import TableOptions
from glossator.cli.progress import Meter, meter
from glossator.cli.screen import Screen
from glossator.memory import give_back_freed_memory
from glossator.models.config import GenerationConfig
from glossator.text.answers import Answer, answer_writer, failed_answer
from glossator.text.columns import check_columns, select
from glossator.text.seen import is_blank
from glossator.text.tables import Item, Rejection, Table, open_table

__all__ = ["AnswerTexts", "Answering", "Texts", "answer_table", "by_predictor", "readable_text"]

AnswerTexts = Callable[[Sequence[str]], Iterator[Any]]


class Answering:
    """Rows in, answers out.

    Args:
        answer: the predictions of texts, in their order, as JSON holds them.
        table: the rows.
        columns: of the text.
        refusal: why a text cannot be answered, if it cannot.

    Attributes:
        done: rows answered so far, those that failed among them.
        failed: rows that could not be answered.

    Raises:
        ColumnError: a column is missing.
    """

    def __init__(
        self,
        answer: AnswerTexts,
        table: Table,
        columns: Sequence[str],
        refusal: Callable[[str], str | None] = lambda _: None,
    ):
        check_columns(table, columns)
        self._answer, self.table, self._columns = answer, table, columns
        self._refusal = refusal
        self.done = self.failed = 0

    def answers(self) -> Iterator[Answer]:
        """One answer a row, in order."""
        batch: list[tuple[Item, str | Rejection]] = []
        characters = 0
        for item in self.table:
            text = self._readable(item)
            batch.append((item, text))
            characters += len(text) if isinstance(text, str) else 0
            if len(batch) >= CHUNK or characters >= CHARACTERS:
                yield from self._answered(batch)
                batch, characters = [], 0
                give_back_freed_memory()
        yield from self._answered(batch)

    def _readable(self, item: Item) -> str | Rejection:
        text = readable_text(item, self._columns)
        if isinstance(text, str) and (why := self._refusal(text)):
            values = None if isinstance(item, Rejection) else item.values
            return Rejection(item.source, item.line, "unanswerable", why, values)
        return text

    def _answered(self, batch: list[tuple[Item, str | Rejection]]) -> Iterator[Answer]:
        texts = [text for _, text in batch if isinstance(text, str)]
        found = self._answer(texts)
        for item, text in batch:
            self.done += 1
            if isinstance(text, Rejection):
                self.failed += 1
                yield failed_answer(text)
            else:
                yield {**(item.values or {}), "prediction": next(found)}


def readable_text(item: Item, columns: Sequence[str]) -> str | Rejection:
    """The text of a row, or why it cannot be answered."""
    if isinstance(item, Rejection):
        return item
    text = select(item, columns)
    if isinstance(text, str) and is_blank(text):
        return Rejection(item.source, item.line, "empty_text", "the text is empty", item.values)
    return text


def by_predictor(
    predictor: AnyOpened, top_k: int, generation: GenerationConfig | None = None
) -> AnswerTexts:
    """Answers of a model in this process."""
    if isinstance(predictor, TextGenerator):
        return lambda texts: (a.to_json() for a in predictor.predict(texts, generation))
    return lambda texts: (a.to_json() for a in predictor.answers(texts, top_k=top_k))


@dataclass(frozen=True)
class Texts:
    """The readable texts of a table, as often as asked for, in whatever process.

    Attributes:
        path: of the table.
        options: how it is read.
        columns: of the text.
    """

    path: str
    options: TableOptions
    columns: tuple[str, ...]

    def __call__(self) -> Iterator[str]:
        for item in open_table(
            self.path, format=self.options.format, encoding=self.options.encoding
        ):
            text = readable_text(item, self.columns)
            if isinstance(text, str):
                yield text


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
