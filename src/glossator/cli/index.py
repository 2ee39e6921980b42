"""`glossator index`: a table as an index that is searched by words and by meaning."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from glossator.cli.options import FLAT, MACHINE, TABLES, Shown
from glossator.cli.screen import Screen
from glossator.errors import ConfigError
from glossator.files import refuse_existing
from glossator.models.config import RuntimeConfig
from glossator.search.config import IndexConfig
from glossator.text.config import TableConfig
from glossator.text.findings import count_of

if TYPE_CHECKING:
    from glossator.search.store import Settings
    from glossator.search.writing import Changes
    from glossator.text.tables import Table

__all__ = ["IndexOptions", "index"]

_SHOWN = 5
_CHANGES = ("add", "remove", "compact")


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """What becomes of a table.

    Attributes:
        output: the index, a folder; by default the name of the first table with -index.
        overwrite: replace an index that is there, once the new one is whole.
        add: add the rows to the index that is there; one whose id is there is replaced.
        remove: remove the rows from it whose ids the table holds.
        compact: give back the room of removed rows; without a table.
        config: what is indexed.
        table: how the table is read.
        runtime: where the model runs.
        shown: how the result is told.
    """

    output: Path | None = None
    overwrite: bool = False
    add: bool = False
    remove: bool = False
    compact: bool = False
    config: Annotated[IndexConfig, FLAT] = field(default_factory=IndexConfig)
    table: Annotated[TableConfig, TABLES] = field(default_factory=TableConfig)
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)

    def __post_init__(self) -> None:
        asked = [f"--{name}" for name in (*_CHANGES, "overwrite") if getattr(self, name)]
        if len(asked) > 1:
            raise ConfigError(f"{' and '.join(asked)} exclude each other")
        if asked and asked != ["--overwrite"]:
            self._refuse_settled(asked[0])

    def _refuse_settled(self, change: str) -> None:
        """What an index was made with is not said again."""
        if self.output is None:
            raise ConfigError(f"{change} asks for --output, the index that is changed")
        usual = IndexConfig()
        settled = ["text", "id", "vectors"] + (["model"] if change != "--add" else [])
        for name in settled:
            if getattr(self.config, name) != getattr(usual, name):
                raise ConfigError(f"--{name} is settled when an index is made; leave it out")


_DEFAULTS = IndexOptions()


def index(*data: str, options: Annotated[IndexOptions, FLAT] = _DEFAULTS) -> int:
    """Make an index of a table, or change one that is there.

    Args:
        data: a table, a folder of .txt files, or several; - is JSON Lines on standard input. With
            --remove a table of ids.
        options: what becomes of it.
    """
    _refuse(data, options)
    from glossator.search.store import Store

    screen = Screen(json=options.shown.json)
    folder = options.output or Path(f"{Path(data[0]).name.split('.')[0]}-index")
    began = time.perf_counter()
    if not (options.add or options.remove or options.compact):
        refuse_existing(folder, overwrite=options.overwrite, marker="index.sqlite")
    table = _table(data, options) if data else None
    changes = _changed(folder, table, options, screen)
    seconds = time.perf_counter() - began
    store = Store.open(folder)
    try:
        settings, rows = store.settings(), store.count()
    finally:
        store.close()
    _tell_rejections(folder, changes, screen)
    screen.json(_object(folder, changes, settings, rows, seconds))
    _show(screen, folder, changes, settings, rows, table)
    return 0


def _refuse(data: tuple[str, ...], options: IndexOptions) -> None:
    if options.compact and data:
        raise ConfigError(f"--compact reads no table, got {', '.join(data)}")
    if not options.compact and not data:
        raise ConfigError("no table was named; expected at least one file")


def _table(data: tuple[str, ...], options: IndexOptions) -> Table:
    from glossator.text.tables import held_out, joined, open_tables

    return joined([held_out(table) for table in open_tables(data, options.table)])


def _changed(folder: Path, table: Table | None, options: IndexOptions, screen: Screen) -> Changes:
    from glossator.cli.progress import meter
    from glossator.search.building import (
        Watch,
        add_rows,
        build_index,
        compact_index,
        remove_rows,
    )

    runtime = options.runtime
    with (
        meter(screen, "indexing", None) as rows,
        meter(screen, "linking vectors", None) as vectors,
    ):
        watch = Watch(rows=rows.add, graph=vectors.add)
        if table is None:
            return compact_index(folder, runtime=runtime, watch=watch)
        if options.remove:
            return remove_rows(folder, table, watch=watch)
        if options.add:
            model = options.config.model
            return add_rows(folder, table, model=model, runtime=runtime, watch=watch)
        return build_index(
            folder,
            table,
            options.config,
            runtime=runtime,
            overwrite=options.overwrite,
            watch=watch,
        )


def _tell_rejections(folder: Path, changes: Changes, screen: Screen) -> None:
    for rejection in changes.rejected[:_SHOWN]:
        place = f"{rejection.source}:{rejection.line}"
        screen.say(f"! {place}: {rejection.message}: rejected", "yellow")
    if len(changes.rejected) > _SHOWN:
        screen.say(f"! and {len(changes.rejected) - _SHOWN:,} more; --json lists them", "yellow")


def _object(
    folder: Path, changes: Changes, settings: Settings, rows: int, seconds: float
) -> dict[str, Any]:
    counts = {
        name: getattr(changes, name)
        for name in ("read", "added", "replaced", "unchanged", "removed", "absent")
    }
    rejected = [{"file": x.source, **x.to_error()} for x in changes.rejected]
    vectors = settings.vectors
    return {
        "output": str(folder),
        "rows": {**counts, "rejected": len(rejected)},
        "rejected": rejected,
        "index": {
            "rows": rows,
            "text": list(settings.text),
            "id": settings.id,
            "model": vectors and vectors.model,
            "vectors": vectors and vectors.kept,
            "width": vectors and vectors.width,
            "approximate": bool(vectors and vectors.graph),
        },
        "notes": changes.notes,
        "seconds": round(seconds, 3),
    }


def _show(
    screen: Screen,
    folder: Path,
    changes: Changes,
    settings: Settings,
    rows: int,
    table: Table | None,
) -> None:
    for note in [*(table.notes if table else ()), *changes.notes]:
        screen.say(note)
    parts = [
        f"{getattr(changes, name):,} {said}"
        for name, said in (
            ("added", "added"),
            ("replaced", "replaced"),
            ("unchanged", "there just so"),
            ("removed", "removed"),
            ("absent", "ids not there"),
        )
        if getattr(changes, name)
    ]
    parts += [f"{len(changes.rejected):,} rejected"] * bool(changes.rejected)
    if parts:
        screen.say(f"{count_of(changes.read, 'row')}: {', '.join(parts)}")
    vectors = settings.vectors
    what = "words"
    if vectors is not None:
        each = "a vector a text" if vectors.kept == "text" else "a vector a window"
        what += f", {each} ({vectors.model})"
    by = "" if settings.id else "; rows are counted, since no column names them (--id)"
    screen.line(f"{folder}: {count_of(rows, 'row')} by {what}{by}")
