"""A few labelled rows, on which answers are calibrated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.errors import ConfigError, TableError, did_you_mean
from glossator.tasks.kinds.text_classification.config import Options
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.tasks.kinds.zero_shot_classification.labels import Labels
from glossator.text.columns import check_columns, resolved
from glossator.text.findings import count_of, quoted
from glossator.text.frames import frame_rows, plain_row
from glossator.text.records import Columns, Record
from glossator.text.rows import Item, Rejection, Row
from glossator.text.tables import open_table

__all__ = ["Examples", "examples_in", "examples_of"]

_SHOWN = 5
_ROLES = ("text", "label")
_NAMELESS: Columns = {}


@dataclass(frozen=True)
class Examples:
    """Labelled rows, at least one.

    Attributes:
        rows: of each its text and its label, or its labels.
        where: what they are called in messages.
    """

    rows: tuple[tuple[str, str | tuple[str, ...]], ...]
    where: str = "examples"

    def records(self, labels: Labels, *, several: bool) -> list[Record]:
        """The rows as they are answered, whose labels are among those asked for.

        Args:
            labels: that are asked for.
            several: whether a row may have any number of them.

        Raises:
            ConfigError: a row has another label, or a list where one label is expected.
        """
        self._refuse_others(labels)
        found = []
        for number, (text, target) in enumerate(self.rows, start=1):
            if isinstance(target, tuple) and not several:
                raise ConfigError(
                    f"row {number} of {self.where} has a list of labels; expected one label "
                    "(--multi-label answers several)"
                )
            right = (target,) if several and isinstance(target, str) else target
            found.append(Record(Row(self.where, number, {}), (text,), right, (text,)))
        return found

    def _refuse_others(self, labels: Labels) -> None:
        known = set(labels.names)
        others = Counter(
            label
            for _, target in self.rows
            for label in ((target,) if isinstance(target, str) else target)
            if label not in known
        )
        if others:
            most = others.most_common(_SHOWN)
            named = ", ".join(f"{quoted(x)} ({count_of(n, 'row')})" for x, n in most)
            more = f" and {len(others) - _SHOWN:,} more" if len(others) > _SHOWN else ""
            near = did_you_mean(most[0][0], labels.names)
            raise ConfigError(
                f"{self.where} has labels that are not among --labels: {named}{more}{near}"
            )


def examples_in(value: Any, columns: Columns, separator: str | None = None) -> Examples:
    """The examples of a table that is named, else of rows that Python gives.

    Args:
        value: the path of a table, or rows as for `examples_of`.
        columns: that the user named, by role; other roles have their usual columns.
        separator: of several labels in a cell.

    Raises:
        TableError: the table cannot be read, or a row of it cannot be used.
        ConfigError: as `examples_of`.
    """
    if not isinstance(value, str | Path):
        return examples_of(value, columns, separator)
    table = open_table(value)
    found = resolved(_named(columns, table.columns), table)
    check_columns(table, [name for names in found.values() for name in names])
    return _some(_read(table, found, separator), str(value))


def examples_of(value: Any, columns: Columns = _NAMELESS, separator: str | None = None) -> Examples:
    """The examples that Python gives: pairs of text and label, mappings, or a data frame.

    A text is refused, and not taken for the name of a file, so that a value may come from anywhere.

    Raises:
        ConfigError: they are none of these, or there are none.
        TableError: a row cannot be used.
    """
    if isinstance(value, Examples):
        return value
    rows = frame_rows(value)
    if rows is None and isinstance(value, list | tuple):
        rows = [_mapping(row, number) for number, row in enumerate(value, start=1)]
    if rows is None:
        raise ConfigError(
            f"examples is {value!r:.60} ({type(value).__name__}); expected a list of pairs of a "
            "text and its label, a data frame, or the pathlib.Path of a table"
        )
    items = (Row("examples", n, plain_row(row)) for n, row in enumerate(rows, start=1))
    named = _named(columns, list(rows[0]) if rows else ())
    return _some(_read(items, named, separator), "examples")


def _mapping(row: Any, number: int) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return dict(row)
    if isinstance(row, list | tuple) and len(row) == 2:
        return dict(zip(_ROLES, row, strict=True))
    raise ConfigError(f"example {number} is {row!r:.60}; expected a text and its label")


def _named(columns: Columns, there: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The columns of a table by role."""
    usual = "labels" if "labels" in there and "label" not in there else "label"
    return {
        "text": columns.get("text") or ("text",),
        "label": columns.get("label") or (usual,),
    }


def _read(
    items: Iterable[Item], columns: Columns, separator: str | None
) -> Iterator[tuple[str, Any]]:
    reader = LabelReader(columns, Options(label_separator=separator))
    for item in items:
        found = item if isinstance(item, Rejection) else reader.read(item, targets=True)
        if isinstance(found, Rejection):
            raise TableError(found.message, file=found.source, line=found.line)
        yield found.texts[0], found.target


def _some(rows: Iterator[tuple[str, Any]], where: str) -> Examples:
    found = Examples(tuple(rows), where)
    if not found.rows:
        raise ConfigError(f"{where} has no row; expected a few texts with their labels")
    return found
