"""Answers out: rows with their prediction, to JSON Lines, CSV, TSV or Parquet.

An answer is one flat object: the columns of its row, `prediction` (an object, or None for a row
that failed) and, for a failed row, `error`. How each format shows it:

- JSON Lines: as it is. NaN, which Parquet may hold and JSON does not know, becomes null; dates and
  decimals become text.
- CSV and TSV: a column `prediction_<key>` for each key of the predictions (`prediction_label`,
  `prediction_score`); lists and objects in a cell are JSON text, None is an empty cell. A last
  column `error` holds `kind: message`. A text that a spreadsheet would take for a formula gets an
  apostrophe before it; numbers of ours do not.
- Parquet: `prediction` and `error` are structs, columns keep their type.

CSV and Parquet fix their columns after the first 1,024 answers; where none of these has a
prediction, one column `prediction` holds JSON text.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, cast

from glossator.errors import ColumnError, TableError
from glossator.files import disk_errors_named, refuse_existing, replaced_file
from glossator.text.answer_cells import Cells
from glossator.text.answer_layout import Answer
from glossator.text.answer_lines import Lines
from glossator.text.formats import format_of
from glossator.text.rows import Rejection

__all__ = ["Answer", "AnswerWriter", "answer_writer", "failed_answer", "write_answers"]


class AnswerWriter(Protocol):
    """What takes answers one after the other."""

    def write(self, answer: Answer) -> None: ...


def failed_answer(rejection: Rejection) -> dict[str, Any]:
    """The answer for a row that could not be used: its columns, no prediction, and the error."""
    values = rejection.values or {}
    return {**values, "prediction": None, "error": rejection.to_error()}


def write_answers(
    path: str | Path,
    answers: Iterable[Answer],
    columns: Sequence[str] = (),
    *,
    overwrite: bool = False,
) -> int:
    """Write `answers` to `path` as `answer_writer` does; returns how many there were."""
    count = 0
    with answer_writer(path, columns, overwrite=overwrite) as writer:
        for answer in answers:
            writer.write(answer)
            count += 1
    return count


@contextlib.contextmanager
def answer_writer(
    path: str | Path, columns: Sequence[str] = (), *, overwrite: bool = False
) -> Iterator[AnswerWriter]:
    """Yield a writer to `path`, which stands whole when the block ends, and not at all on an error.

    Args:
        path: a .jsonl, .csv, .tsv (each also with .gz) or .parquet file; `-` is JSON Lines on
            standard output.
        columns: the columns of the input; they come first, and stand there also without rows.
        overwrite: whether a file that exists may be replaced.

    Raises:
        OutputExistsError: `path` exists and `overwrite` is false.
        ColumnError: an input column has the name of a column of the answers, e.g. `error`.
        TableError: no answers can be written to such a file; or an answer has a key that the first
            ones lacked, or a value of another type (CSV, Parquet).
        OSError: the disk is full; `path` holds what it held before.
    """
    name = str(path)
    format, gzipped = format_of(name)
    if format not in ("jsonl", "csv", "tsv", "parquet"):
        message = "answers are not written to such a file; expected .jsonl, .csv, .tsv or .parquet"
        raise TableError(message, file=name)
    if "error" in columns:
        raise ColumnError("the input column 'error' is where errors are written; rename it")
    if name == "-":
        with disk_errors_named("standard output"), _standard_output() as stream:
            yield Lines(stream)
        return
    refuse_existing(Path(path), overwrite=overwrite)
    with replaced_file(path) as temporary, contextlib.ExitStack() as stack:
        if format == "parquet":
            from glossator.text.answer_parquet import parquet_writer

            yield stack.enter_context(parquet_writer(temporary, name, columns))
            return
        stream = stack.enter_context(_text_file(temporary, gzipped))
        if format == "jsonl":
            yield Lines(stream)
        else:
            yield stack.enter_context(
                Cells(stream, "," if format == "csv" else "\t", name, columns)
            )


@contextlib.contextmanager
def _standard_output() -> Iterator[IO[str]]:
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a notebook, whose output has no bytes
        yield sys.stdout
        return
    sys.stdout.flush()
    stream = io.TextIOWrapper(buffer, encoding="utf-8", newline="\n")
    try:
        yield stream
    finally:
        stream.detach()  # flushes, and leaves standard output open


@contextlib.contextmanager
def _text_file(path: Path, gzipped: bool) -> Iterator[IO[str]]:
    with contextlib.ExitStack() as stack:
        binary: IO[bytes] = stack.enter_context(open(path, "wb"))
        if gzipped:  # neither the temporary name nor the time goes into the file
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=binary, mtime=0)
            binary = cast(IO[bytes], stack.enter_context(packed))
        yield stack.enter_context(io.TextIOWrapper(binary, encoding="utf-8", newline=""))
