"""Tables in, training, dev and test rows out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from glossator.artifact.report_parts import DataFile, RowCounts
from glossator.errors import ColumnError, TableError
from glossator.files import sha256_file
from glossator.finetuning.config import DataConfig
from glossator.finetuning.memory_table import memory_table
from glossator.text.columns import LabelledText, labelled_texts
from glossator.text.preflight import Preflight
from glossator.text.seen import is_blank
from glossator.text.splits import stratified_split
from glossator.text.tables import Rejection, read_tables

__all__ = ["Data", "Items", "Parts", "Source", "read_data", "row_counts"]

Items: TypeAlias = list[LabelledText | Rejection]
# Files, or rows that are in memory already.
Source: TypeAlias = "Sequence[str | Path] | Sequence[Mapping[str, Any]]"


@dataclass
class Parts:
    """The rows of a run, rejections among them; a part that is not wanted is None."""

    train: Items
    dev: Items | None
    test: Items | None

    def named(self) -> dict[str, Items]:
        """The parts that there are."""
        every = {"train": self.train, "dev": self.dev, "test": self.test}
        return {name: items for name, items in every.items() if items is not None}


@dataclass
class Data:
    """What was read.

    Attributes:
        parts: the rows.
        files: the tables.
        notes: what reading them found.
    """

    parts: Parts
    files: list[DataFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_data(source: Source, config: DataConfig, *, seed: int) -> Data:
    """Read the tables of a run; what is not given as a table of its own is split off.

    Equal texts stay in one part, so that no split leaks.

    Args:
        source: the tables of training rows.
        config: which columns, and the other tables.
        seed: of the split.

    Raises:
        TableError: a table cannot be read, or has too few rows to be split.
        ColumnError: a column is missing.
    """
    data = Data(Parts([], None, None))
    items = _read(source, config, data)
    if config.dev:
        data.parts.dev = _read([config.dev], config, data)
    if config.test:
        data.parts.test = _read([config.test], config, data)
    wanted = {
        "dev": 0.0 if config.dev else config.dev_fraction,
        "test": 0.0 if config.test else config.test_fraction,
    }
    _split(items, wanted, data.parts, config, seed)
    return data


def row_counts(preflight: Preflight) -> RowCounts:
    """Where the rows of all parts went."""
    counts = preflight.rows
    used = {name: counts[name].used if name in counts else 0 for name in ("train", "dev", "test")}
    return RowCounts(
        read=sum(part.read for part in counts.values()),
        used=sum(used.values()),
        rejected=sum(part.rejected for part in counts.values()),
        **used,
    )


def _read(source: Source, config: DataConfig, data: Data) -> Items:
    wanted = [*config.text, config.label] + ([config.group] if config.group else [])
    if source and isinstance(source[0], Mapping):
        table = memory_table(cast(Sequence[Mapping[str, Any]], source), wanted)
        items = list(labelled_texts(table, config.text, config.label))
        data.files.append(DataFile(name=table.path, rows=len(items), sha256=""))
        return items
    paths = [str(path) for path in source]
    if not paths:
        raise TableError("there is no table and no row to read")
    table = read_tables(paths, wanted, format=config.format, encoding=config.encoding)
    items = list(labelled_texts(table, config.text, config.label))
    data.notes += [note for note in table.notes if note not in data.notes]
    counts = Counter(_source(item) for item in items)
    for path in paths:
        digest = sha256_file(path) if Path(path).is_file() else ""
        data.files.append(DataFile(name=Path(path).name, rows=counts[path], sha256=digest))
    if not items:
        raise TableError("the table has a header and no rows", file=paths[0])
    return items


def _source(item: LabelledText | Rejection) -> str:
    return item.source if isinstance(item, Rejection) else item.row.source


def _split(
    items: Items, wanted: Mapping[str, float], parts: Parts, config: DataConfig, seed: int
) -> None:
    """Share out the rows; those that cannot be used stay with the training part."""
    shares = {name: share for name, share in wanted.items() if share}
    usable = [i for i, item in enumerate(items) if _usable(item)]
    labels = {item.label for item in items if isinstance(item, LabelledText) and _usable(item)}
    if not shares or len(labels) < 2:  # preflight says what is wrong with so few
        parts.train = items
        return
    rows = [items[i] for i in usable]
    indices = stratified_split(
        [row.label for row in rows if isinstance(row, LabelledText)],
        [1 - sum(shares.values()), *shares.values()],
        seed,
        _groups(rows, config.group),
    )
    place = {}
    for name, part in zip(("train", *shares), indices, strict=True):
        place.update({usable[i]: name for i in part.tolist()})
    shared: dict[str, Items] = {name: [] for name in ("train", *shares)}
    for i, item in enumerate(items):
        shared[place.get(i, "train")].append(item)
    parts.train = shared["train"]
    parts.dev = shared.get("dev", parts.dev)
    parts.test = shared.get("test", parts.test)


def _usable(item: LabelledText | Rejection) -> bool:
    return isinstance(item, LabelledText) and not (is_blank(item.text) or is_blank(item.label))


def _groups(rows: Items, column: str | None) -> list[str] | None:
    """What must stay together: the named column's values, else equal texts, if there are any."""
    texts = [row for row in rows if isinstance(row, LabelledText)]
    if column is None:
        return None if len({row.text for row in texts}) == len(texts) else [x.text for x in texts]
    values = []
    for row in texts:
        if column not in row.row.values:
            raise ColumnError(
                f"the row has no column '{column}' to group by",
                file=row.row.source,
                line=row.row.line,
            )
        values.append(str(row.row.values[column]))
    return values
