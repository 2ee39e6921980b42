"""Documents of a corpus, read one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from glossator.errors import ColumnError, TableError, did_you_mean
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.text.decoding import Packing, Source
from glossator.text.jsonlines import read_jsonl
from glossator.text.parquet import read_parquet
from glossator.text.rows import Reading, Rejection

__all__ = ["Document", "documents"]

_FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
# After a mark that ends a sentence, with the quotes and brackets that close with it.
_SENTENCE_END = re.compile(
    r"(?<=[.!?][\"')\]])\s+|(?<=[.!?])\s+"
    r"|(?<=[。！？；…])(?![。！？；…”’」』）])|(?<=[。！？；…][”’」』）])"
)


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a corpus.

    Attributes:
        sentences: its sentences, at least one.
        source: the file.
        line: where it begins there, from 1.
    """

    sentences: tuple[str, ...]
    source: str
    line: int

    @property
    def characters(self) -> int:
        """Of all sentences."""
        return sum(map(len, self.sentences))


def documents(paths: Sequence[str], config: CorpusConfig) -> Iterator[Document]:
    """The documents of files, in their order; nothing is held but the one at hand.

    In text an empty line ends a document and a line end a sentence; in JSON Lines and Parquet each
    row is a document. Each file may be packed with gzip or zstd.

    Raises:
        TableError: a file is missing, empty, binary, damaged, not in its encoding, or has a line
            longer than `text.decoding.LINE_LIMIT`; a row of JSON Lines or Parquet is malformed.
        ColumnError: a file has no such column.
    """
    for path in paths:
        found = False
        for document in _documents(path, config):
            found = True
            yield document
        if not found:
            raise TableError("no document is in it: it has only blank lines", file=path)


def _documents(path: str, config: CorpusConfig) -> Iterator[Document]:
    suffixes = [suffix.lower() for suffix in PurePath(path).suffixes]
    packing: Packing = ""
    if suffixes and suffixes[-1] in (".gz", ".zst"):
        packing = "gz" if suffixes.pop() == ".gz" else "zst"
    format = config.format or _FORMATS.get(suffixes[-1] if suffixes else "", "text")
    if format == "parquet":
        yield from _rows(path, read_parquet(path), config)
        return
    source = Source(path, packing=packing, encoding=config.encoding, notes=[])
    if format == "jsonl":
        yield from _rows(path, read_jsonl(source), config)
    else:
        yield from _paragraphs(source, config)


def _paragraphs(source: Source, config: CorpusConfig) -> Iterator[Document]:
    lines: list[str] = []
    began = 1
    for number, line in enumerate(source.lines("\n"), start=1):
        if "\0" in line:
            raise TableError("NUL bytes: not a text file", file=source.name, line=number)
        if line.strip():
            if not lines:
                began = number
            lines.append(line)
        elif lines:
            yield Document(_sentences(lines, config), source.name, began)
            lines = []
    if lines:
        yield Document(_sentences(lines, config), source.name, began)


def _rows(path: str, reading: Reading, config: CorpusConfig) -> Iterator[Document]:
    columns, items = reading
    if columns and config.column not in columns:
        near = did_you_mean(config.column, columns)
        raise ColumnError(
            f"column '{config.column}' is not there; it has: {', '.join(columns)}{near}; "
            "--column names another",
            file=path,
        )
    for item in items:
        if isinstance(item, Rejection):
            raise TableError(item.message, file=path, line=item.line)
        text = item.values.get(config.column)
        if not isinstance(text, str):
            got = "missing" if text is None else f"{text!r:.40}"
            message = f"'{config.column}' is {got}; expected a text"
            raise TableError(message, file=path, line=item.line)
        lines = [line for line in text.splitlines() if line.strip()]
        if lines:
            yield Document(_sentences(lines, config), path, item.line)


def _sentences(lines: Sequence[str], config: CorpusConfig) -> tuple[str, ...]:
    if config.sentences == "lines":
        return tuple(line.strip() for line in lines)
    parts = (part.strip() for line in lines for part in _SENTENCE_END.split(line))
    return tuple(part for part in parts if part)
