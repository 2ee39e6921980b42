"""Tables in, training, dev and test rows out."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from glossator.artifact.report_parts import DataFile, RowCounts
from glossator.errors import ColumnError, ConfigError, TableError
from glossator.files import sha256_file
from glossator.finetuning.config import FitConfig
from glossator.finetuning.memory_table import memory_table
from glossator.tasks.registry import choose, kind_named, options_of
from glossator.tasks.task import Base, NeedsDev, Reader, Task, TaskKind
from glossator.text.columns import check_columns, resolved
from glossator.text.config import TableConfig
from glossator.text.dialect import Dialect
from glossator.text.formats import fitting
from glossator.text.preflight import Preflight
from glossator.text.records import Read, Record
from glossator.text.rows import Row, Table
from glossator.text.splits import stratified_split
from glossator.text.tables import read_tables
from glossator.text.text_folder import text_files

__all__ = ["Data", "Items", "Parts", "Source", "groups_of", "read_data", "row_counts"]

Items: TypeAlias = list[Read]
_UNSCORED = (
    "no row is held out: how well the model answers stays unknown until `glossator evaluate` is "
    "given others, the last weights are kept, and nothing is tuned or calibrated on dev rows"
)
_FEW = 50  # of which five are for test, so that one of them is 20%
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
        kind: the kind of task that the rows are for.
        reader: read them.
        config: with the task and its columns as they were found.
        parts: the rows.
        every: the same rows in the order of the tables, whatever part they are in.
        files: the tables.
        notes: what reading them found.
    """

    kind: TaskKind
    reader: Reader
    config: FitConfig
    parts: Parts
    every: Items = field(default_factory=list)
    files: list[DataFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def learn(self, records: Sequence[Record], base: Base) -> Task:
        """The task that training rows define."""
        config = self.config
        options = options_of(self.kind.config, config.options)
        return self.kind.learn(records, base, config.columns, options)


def read_data(source: Source, config: FitConfig) -> Data:
    """Read the tables of a run; what is not given as a table of its own is split off.

    Equal texts stay in one part, and so do rows that their task holds together, so that no split
    leaks.

    Args:
        source: the tables of training rows.
        config: the task, or none where the columns tell; which columns, and the other tables.

    Raises:
        TableError: a table cannot be read, or has too few rows to be split.
        ColumnError: a column is missing.
        ConfigError: the task is not known, or the columns fit several.
    """
    table = _opened(source, config)
    named = config.task or None
    kind, columns = choose(named, config.columns, table.columns, table.path, table.options)
    columns = resolved(columns, table)
    options = options_of(kind, {**table.options, **config.options})
    made = kind_named(kind.name)
    reader = made.reader(columns, options)
    given = dataclasses.replace(
        config, task=kind.name, columns=columns, options=dataclasses.asdict(options)
    )
    data = Data(made, reader, given, Parts([], None, None))
    if not config.task:
        data.notes.append(_task_note(kind.name, columns))
    items = _read(table, _paths(source), data)
    data.every += items
    dialects = {table.dialect}
    for name in ("dev", "test"):
        if path := getattr(config.data, name):
            beside = dataclasses.replace(config, table=fitting(path, config.table))
            other = _opened([path], beside, [x for names in columns.values() for x in names])
            dialects.add(other.dialect)
            setattr(data.parts, name, _read(other, [path], data))
            data.every += getattr(data.parts, name)
        elif name in table.beside:
            setattr(data.parts, name, _read(table.beside[name].table, [], data))
            data.every += getattr(data.parts, name)
    data.config = dataclasses.replace(given, table=_as_found(config.table, dialects))
    wanted = {
        "dev": 0.0 if config.data.dev else config.data.dev_fraction,
        "test": 0.0 if config.data.test else config.data.test_fraction,
    }
    _split(items, wanted, data, {name: x.sources for name, x in table.beside.items()})
    _hold_out(data)
    if data.parts.dev is None and data.parts.test is None:
        data.notes.append(_UNSCORED)
    usable = sum(isinstance(x, Record) for part in data.parts.named().values() for x in part)
    if usable < _FEW:
        data.notes.append(
            f"fewer than {_FEW} rows can be used ({usable:,}): scores of so few hang on chance"
        )
    return data


def _hold_out(data: Data) -> None:
    """Give the dev part the training rows that nothing is learned from.

    Raises:
        ConfigError: something is to be decided on dev rows, and there are none.
    """
    parts, reader = data.parts, data.reader
    if parts.dev is None:
        if isinstance(reader, NeedsDev) and (option := reader.needs_dev):
            raise ConfigError(f"{option} is decided on dev rows, and there are none: hold some out")
        return
    held = [isinstance(item, Record) and item.held_out for item in parts.train]
    moved = [item for item, out in zip(parts.train, held, strict=True) if out]
    if not moved:
        return
    parts.dev = [*parts.dev, *moved]
    parts.train = [item for item, out in zip(parts.train, held, strict=True) if not out]
    data.notes.append(f"{len(moved):,} training rows that are no class went to the dev rows")


def _as_found(asked: TableConfig, dialects: set[Dialect | None]) -> TableConfig:
    """How the tables were read, for a run that repeats this one; what they share of it."""
    dialect = dialects.pop() if len(dialects) == 1 else None
    if dialect is None:
        return asked
    return dataclasses.replace(
        asked,
        encoding=dialect.encoding,
        delimiter=dialect.delimiter,
        quoting=dialect.quoting,
        escape=dialect.escape,
    )


def _task_note(task: str, columns: Mapping[str, tuple[str, ...]]) -> str:
    read = ", ".join(
        f"{' + '.join(names)} ({role.replace('_', ' ')})" for role, names in columns.items()
    )
    return f"task {task}, read off the columns {read}; --task names another"


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


def _opened(source: Source, config: FitConfig, columns: Sequence[str] = ()) -> Table:
    if not source:
        raise TableError("there is no table and no row to read")
    if isinstance(source[0], Mapping):
        return memory_table(cast(Sequence[Mapping[str, Any]], source))
    paths = [str(path) for path in cast(Sequence[str | Path], source)]
    return read_tables(paths, columns, config.table)


def _paths(source: Source) -> list[str]:
    """The files of a source; none of rows in memory."""
    return [str(path) for path in source if not isinstance(path, Mapping)]


def _read(table: Table, paths: Sequence[str], data: Data) -> Items:
    """The rows of a table, which is made of these files, or of others that they name."""
    group = data.config.data.group
    wanted = [name for names in data.config.columns.values() for name in names]
    check_columns(table, [*wanted, *([group] if group else [])])
    items: Items = [
        data.reader.read(item, targets=True) if isinstance(item, Row) else item for item in table
    ]
    files = table.files or paths
    if not files:
        data.files.append(DataFile(name=table.path, rows=len(items), sha256=""))
        return items
    data.notes += [note for note in table.notes if note not in data.notes]
    counts = Counter(item.row.source if isinstance(item, Record) else item.source for item in items)
    data.files += [_data_file(path, counts) for path in files]
    if not items:
        raise TableError("the table has a header and no rows", file=files[0])
    return items


def _data_file(path: str, counts: Counter[str]) -> DataFile:
    """A table as a run remembers it; a folder by the digests and the names of its files."""
    if Path(path).is_dir():
        folder = path.rstrip("/")
        rows = sum(count for file, count in counts.items() if file.startswith(f"{folder}/"))
        digests = (f"{sha256_file(f'{folder}/{name}')} {name!r}" for name in text_files(path))
        digest = hashlib.sha256("\n".join(digests).encode()).hexdigest()
        return DataFile(name=Path(path).resolve().name, rows=rows, sha256=digest)
    digest = sha256_file(path) if Path(path).is_file() else ""
    return DataFile(name=Path(path).name, rows=counts[path], sha256=digest)


def _split(
    items: Items,
    wanted: Mapping[str, float],
    data: Data,
    own: Mapping[str, frozenset[str]],
) -> None:
    """Share out the rows; those that cannot be used stay with the training part.

    Args:
        items: the rows.
        wanted: the share of each part.
        data: gets the parts.
        own: for a part the files of which no rows are taken, since there are others for it.
    """
    place: dict[int, str] = {}
    usable: dict[tuple[str, ...], list[int]] = {}
    for i, item in enumerate(items):
        if isinstance(item, Record):
            source = item.row.source
            parts = tuple(x for x in wanted if wanted[x] and source not in own.get(x, ()))
            usable.setdefault(parts, []).append(i)
    shared: dict[str, Items] = {"train": []}
    for parts, numbers in usable.items():
        shares = {name: wanted[name] for name in parts}
        found = _shared_out([cast(Record, items[i]) for i in numbers], numbers, shares, data)
        shared |= {name: [] for name in parts if found}
        place |= found
    for i, item in enumerate(items):
        shared[place.get(i, "train")].append(item)
    data.parts.train = shared["train"]
    for name in ("dev", "test"):
        if name in shared:
            setattr(data.parts, name, [*(getattr(data.parts, name) or []), *shared[name]])


def _shared_out(
    records: Sequence[Record], numbers: Sequence[int], shares: Mapping[str, float], data: Data
) -> dict[int, str]:
    """The part of each of some rows by its number; nothing where all stay."""
    strata = data.reader.strata(records)
    # Preflight says what is wrong with so few.
    if not shares or len(records) < 2 or (strata is not None and len(set(strata)) < 2):
        return {}
    indices = stratified_split(
        [0] * len(records) if strata is None else strata,
        [1 - sum(shares.values()), *shares.values()],
        data.config.training.seed,
        groups_of(records, data.config.data.group),
    )
    return {
        numbers[i]: name
        for name, part in zip(("train", *shares), indices, strict=True)
        for i in part.tolist()
    }


def groups_of(records: Sequence[Record], column: str | None) -> list[Any] | None:
    """What must stay together: the values of a column, else what the task holds together."""
    if column is None:
        alike = [x.texts if x.together is None else x.together for x in records]
        return None if len(set(alike)) == len(alike) else alike
    values = []
    for record in records:
        row = record.row
        if column not in row.values:
            message = f"the row has no column '{column}' to group by"
            raise ColumnError(message, file=row.source, line=row.line)
        values.append(str(row.values[column]))
    return values
