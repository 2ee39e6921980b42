"""`glossator search`: the rows of an index that answer each query."""

from __future__ import annotations

import dataclasses
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from glossator.cli.options import FLAT, MACHINE, TABLES, Shown
from glossator.cli.screen import Screen
from glossator.errors import ColumnError, ConfigError
from glossator.files import refuse_existing
from glossator.models.config import RuntimeConfig
from glossator.search.config import SearchConfig
from glossator.text.config import TableConfig
from glossator.text.findings import count_of

if TYPE_CHECKING:
    from glossator.artifact.predictor import Predictor
    from glossator.search.hits import Hit
    from glossator.search.index import SearchIndex
    from glossator.text.rows import Item
    from glossator.text.tables import Table

__all__ = ["SearchOptions", "search"]

_HITS = "hits"
_USUAL = ("query", "question", "text")
_AT_ONCE = 64  # queries


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How queries are answered.

    Attributes:
        text: column of the queries; several, with commas between, are joined. By default query,
            question or text.
        model: of the index, where it is no longer where it was.
        rerank: a starter name or a model folder that puts the first candidates in order anew.
        output: a .jsonl, .csv, .tsv (each also with .gz) or .parquet file; - is JSON Lines on
            standard output. All but JSON Lines have a line a hit.
        overwrite: replace that file if it is there.
        config: how rows are found.
        table: how the queries are read.
        runtime: where models run.
        shown: how the result is told; with --json a summary, and --output must name a file.
    """

    text: tuple[str, ...] = ()
    model: str | None = None
    rerank: str | None = None
    output: str = "-"
    overwrite: bool = False
    config: Annotated[SearchConfig, FLAT] = field(default_factory=SearchConfig)
    table: Annotated[TableConfig, TABLES] = field(default_factory=TableConfig)
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)

    def __post_init__(self) -> None:
        if self.output == "-" and self.shown.json:
            raise ConfigError("--json prints a summary on standard output; --output names a file")


_DEFAULTS = SearchOptions()


def search(
    index: Path, queries: list[str], /, *, options: Annotated[SearchOptions, FLAT] = _DEFAULTS
) -> int:
    """Find the rows of an index that answer each query.

    Args:
        index: the index.
        queries: a table of queries, or several; - is standard input, one query a line or JSON
            Lines.
        options: how they are answered.
    """
    if options.output != "-":
        refuse_existing(Path(options.output), overwrite=options.overwrite)
    from glossator.cli.progress import meter
    from glossator.runs.meter import Meter
    from glossator.search import open_index, open_ranker
    from glossator.text.answers import answer_writer
    from glossator.text.tables import joined, open_tables

    screen = Screen(json=options.shown.json)
    with open_index(index, model=options.model, runtime=options.runtime) as opened:
        table = joined(open_tables(queries, _as_typed(queries, options.table)))
        columns = _columns(table, options.text)
        ranker = None if options.rerank is None else open_ranker(options.rerank, options.runtime)
        for note in table.notes:
            screen.say(note)
        shaped = _shape(options.output)
        asked = _Asked(opened, table, columns, options.config, ranker)
        # On a terminal that shows the answers a bar would be drawn between them.
        mixed = options.output == "-" and sys.stdout.isatty()
        with (
            answer_writer(options.output, table.columns, overwrite=options.overwrite) as writer,
            Meter() if mixed else meter(screen, "searching", None) as progress,
        ):
            for answer in asked.answers():
                for line in shaped(answer):
                    writer.write(line)
                progress.add(1)
        for note in opened.notes:
            screen.say(f"! {note}", "yellow")
    screen.json({"output": options.output, "queries": asked.counts})
    _show(screen, asked.counts, options.output)
    return 0


def _show(screen: Screen, counts: Mapping[str, int], output: str) -> None:
    parts = [count_of(counts["read"], "query").replace("querys", "queries")]
    for name in ("without_hits", "rejected"):
        if counts[name]:
            parts.append(f"{counts[name]:,} {name.replace('_', ' ')}")
    where = "" if output == "-" else f": {output}"
    screen.say(f"{', '.join(parts)}{where}")


class _Asked:
    """Queries that are answered one part after the other.

    Attributes:
        counts: of the queries so far.
    """

    def __init__(
        self,
        index: SearchIndex,
        table: Table,
        columns: Sequence[str],
        config: SearchConfig,
        ranker: Predictor | None,
    ):
        self._index, self._table, self._columns = index, table, columns
        self._config, self._ranker = config, ranker
        self.counts = {"read": 0, "rejected": 0, "without_hits": 0}

    def answers(self) -> Iterator[dict[str, Any]]:
        """Each row with its hits, in order."""
        part: list[Item] = []
        for item in self._table:
            part.append(item)
            if len(part) == _AT_ONCE:
                yield from self._answered(part)
                part = []
        yield from self._answered(part)

    def _answered(self, part: Sequence[Item]) -> Iterator[dict[str, Any]]:
        from glossator.text.columns import read_text
        from glossator.text.rows import Rejection, Row

        read = [read_text(x, self._columns, "query") if isinstance(x, Row) else x for x in part]
        queries = [query for query in read if isinstance(query, str)]
        found = iter(self._index.search(queries, self._config, ranker=self._ranker))
        for item, query in zip(part, read, strict=True):
            self.counts["read"] += 1
            if isinstance(query, Rejection):
                self.counts["rejected"] += 1
                yield {**(query.values or {}), _HITS: None, "error": query.to_error()}
                continue
            hits: list[Hit] = next(found)
            self.counts["without_hits"] += not hits
            yield {**(item.values or {}), _HITS: [hit.to_json() for hit in hits]}


def _shape(output: str) -> Callable[[dict[str, Any]], Iterable[dict[str, Any]]]:
    """The lines that an answer becomes in a file."""
    from glossator.text.formats import format_of

    return (lambda answer: [answer]) if format_of(output)[0] == "jsonl" else _flat


def _flat(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An answer as lines of a table: one a hit, or one that says that there is none."""
    from glossator.text.answer_lines import json_text

    rest = {name: value for name, value in answer.items() if name != _HITS}
    for hit in answer[_HITS] or [None]:
        yield {**rest, "prediction": hit and {**hit, "row": json_text(hit["row"])}}


def _as_typed(queries: Sequence[str], config: TableConfig) -> TableConfig:
    """How standard input is read: as JSON Lines where it begins so, else a query a line."""
    if list(queries) != ["-"] or config.format is not None:
        return config
    source = getattr(sys.stdin, "buffer", None)
    begins = source.peek(1)[:1] if isinstance(source, io.BufferedReader) else b""
    return dataclasses.replace(config, format="jsonl" if begins == b"{" else "text")


def _columns(table: Table, typed: Sequence[str]) -> Sequence[str]:
    from glossator.text.columns import check_columns

    if _HITS in table.columns:
        raise ColumnError(f"column '{_HITS}' is where hits are written; rename it", file=table.path)
    usual = next((name for name in _USUAL if name in table.columns), _USUAL[0])
    columns = typed or (usual,)
    check_columns(table, columns)
    return columns
