"""Making an index, and changing one that is there."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import glossator
from glossator.errors import GlossatorError
from glossator.files import new_folder, refuse_existing
from glossator.models.config import RuntimeConfig
from glossator.runs.lock import locked
from glossator.search.config import IndexConfig
from glossator.search.model import Model, model_of, open_model
from glossator.search.store import FILE, Settings, Store, VectorSettings
from glossator.search.upkeep import compact, keep_up, sweep
from glossator.search.writing import Changes, changed
from glossator.text.columns import check_columns
from glossator.text.rows import Item, Row, Table

__all__ = ["Watch", "add_rows", "build_index", "compact_index", "remove_rows", "rows_of"]

_ADVICE = "wait for its end"

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watch:
    """Is told how far a change is.

    Attributes:
        rows: how many rows were done since the last call.
        graph: how many vectors the approximate index has taken in since the last call.
    """

    rows: Progress = lambda _: None
    graph: Progress = lambda _: None


def build_index(
    folder: str | Path,
    rows: Table | Iterable[Mapping[str, Any]],
    config: IndexConfig | None = None,
    *,
    runtime: RuntimeConfig | None = None,
    overwrite: bool = False,
    watch: Watch | None = None,
    **options: Any,
) -> Changes:
    """Make an index, whole or not at all.

    Args:
        folder: of the new index.
        rows: a table, or mappings by column.
        config: what of them is indexed.
        runtime: where the model runs.
        overwrite: replace an index that is there, once the new one is whole.
        watch: is told how far it is.
        **options: fields of `config` that are otherwise: `text=("title", "body")`.

    Raises:
        OutputExistsError: `folder` is there.
        OutputBusyError: another process is writing it.
        ColumnError: a column is missing.
        GlossatorError: no row could be used.
        OSError: the disk is full.
    """
    path, watch = Path(folder), watch or Watch()
    refuse_existing(path, overwrite=overwrite, marker=FILE)
    how = dataclasses.replace(config or IndexConfig(), **options)
    items = rows if isinstance(rows, Table) else rows_of(rows)
    settings = _dated(_columns(items, how))
    model = None if how.model is None else open_model(how.model, runtime)
    if model is not None:
        settings = dataclasses.replace(settings, vectors=_vectors_of(model, how))
    with (
        locked(path, _ADVICE),
        new_folder(path, overwrite=overwrite, marker=FILE) as temporary,
        contextlib.closing(Store.create(temporary, settings)) as store,
    ):
        with changed(temporary, store, settings, model) as writer:
            writer.add(items, watch.rows)
            _refuse_all_rejected(writer.changes)
        _keep_up(store, writer.changes, runtime, watch)
    return writer.changes


def add_rows(
    folder: str | Path,
    rows: Table | Iterable[Mapping[str, Any]],
    *,
    model: str | Path | None = None,
    runtime: RuntimeConfig | None = None,
    watch: Watch | None = None,
) -> Changes:
    """Add rows to an index, all or none; one whose id is there is replaced.

    Args:
        folder: of the index.
        rows: a table, or mappings by column.
        model: where its model is now; None: where it was.
        runtime: where it runs.
        watch: is told how far it is.

    Raises:
        SearchIndexError: there is no such index, or it is of another model.
        OutputBusyError: another process is writing it.
        ColumnError: a column is missing.
        GlossatorError: no row could be used.
        OSError: the disk is full; the index is as it was.
    """
    watch = watch or Watch()
    items = rows if isinstance(rows, Table) else rows_of(rows)
    with _changing(Path(folder)) as (store, settings):
        _check(items, settings)
        opened = None
        if settings.vectors is not None:
            opened = model_of(Path(folder), settings.vectors, model, runtime)
        with changed(Path(folder), store, settings, opened) as writer:
            writer.add(items, watch.rows)
            _refuse_all_rejected(writer.changes)
        _keep_up(store, writer.changes, runtime, watch)
    return writer.changes


def remove_rows(
    folder: str | Path, rows: Table | Iterable[Mapping[str, Any]], *, watch: Watch | None = None
) -> Changes:
    """Remove rows from an index by their ids, all or none.

    Args:
        folder: of the index.
        rows: a table with a column of ids, or mappings; ids that are not there are counted.
        watch: is told how far it is.

    Raises:
        SearchIndexError: there is no such index.
        OutputBusyError: another process is writing it.
        ColumnError: there is no column of ids.
        OSError: the disk is full; the index is as it was.
    """
    items = rows if isinstance(rows, Table) else rows_of(rows)
    with _changing(Path(folder)) as (store, settings):
        if isinstance(items, Table) and len(items.columns) > 1:
            check_columns(items, [settings.id or "id"])
        with changed(Path(folder), store, settings, None) as writer:
            writer.remove(items)
        _keep_up(store, writer.changes, None, watch or Watch())
    return writer.changes


def compact_index(
    folder: str | Path, *, runtime: RuntimeConfig | None = None, watch: Watch | None = None
) -> Changes:
    """Give back the room of rows that are gone, and make the approximate index anew.

    Raises:
        SearchIndexError: there is no such index.
        OutputBusyError: another process is writing it.
        OSError: the disk is full; the index is as it was.
    """
    with _changing(Path(folder)) as (store, settings):
        if settings.vectors is not None and settings.vectors.graph is not None:
            bare = dataclasses.replace(settings.vectors, graph=None, in_graph=0)
            with store.writing():
                store.write_settings(
                    dataclasses.replace(settings, vectors=bare, revision=settings.revision + 1)
                )
        compact(store)
        done = Changes()
        _keep_up(store, done, runtime, watch or Watch())
    return done


def rows_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
    """Mappings by column as rows."""
    for number, values in enumerate(rows, start=1):
        yield Row("rows", number, dict(values))


@contextlib.contextmanager
def _changing(folder: Path) -> Iterator[tuple[Store, Settings]]:
    """An index that nobody else changes for the length of a block."""
    Store.open(folder).close()  # what is no index gets no lock beside it
    with locked(folder, _ADVICE), contextlib.closing(Store.open(folder, write=True)) as store:
        sweep(store)
        yield store, store.settings()


def _columns(items: Iterable[Item], config: IndexConfig) -> Settings:
    """Which columns of a table mean what."""
    text = config.text or ("text",)
    if not isinstance(items, Table):
        return Settings(text=text, id=config.id)
    id = config.id or ("id" if "id" in items.columns and "id" not in text else None)
    check_columns(items, [*text, *([id] if id else [])])
    return Settings(text=text, id=id, columns=items.columns)


def _dated(settings: Settings) -> Settings:
    """The same with when and by what the index is made."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return dataclasses.replace(settings, made=now, made_by=glossator.__version__)


def _check(items: Iterable[Item], settings: Settings) -> None:
    if isinstance(items, Table):
        check_columns(items, [*settings.text, *([settings.id] if settings.id else [])])


def _vectors_of(model: Model, config: IndexConfig) -> VectorSettings:
    return VectorSettings(
        model=model.name,
        version=model.version,
        width=model.width,
        kept=config.vectors,
        file="vectors-0.f32",
    )


def _refuse_all_rejected(changes: Changes) -> None:
    if changes.read and len(changes.rejected) == changes.read:
        first = changes.rejected[0]
        message = f"{first.message}; {changes.read:,} rows, and none could be used"
        raise GlossatorError(message, file=first.source, line=first.line)


def _keep_up(store: Store, changes: Changes, runtime: RuntimeConfig | None, watch: Watch) -> None:
    threads = None if runtime is None else runtime.threads
    changes.notes += keep_up(store, threads=threads, progress=watch.graph)
