"""What a search index is, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from glossator.cli.screen import Screen
from glossator.search.description import Description, described
from glossator.search.model import short_version
from glossator.search.store import VectorSettings
from glossator.text.findings import count_of

__all__ = ["inspect_index"]


def inspect_index(folder: Path, screen: Screen) -> None:
    """Show what an index is.

    Raises:
        SearchIndexError: it is none, or not whole.
    """
    found = described(folder)
    screen.json(_object(folder, found))
    for line in _lines(folder, found):
        screen.line(line)
    for note in found.notes:
        screen.line(f"! {note}", "yellow")


def _object(folder: Path, found: Description) -> dict[str, Any]:
    settings = found.settings
    return {
        "kind": "index",
        "path": str(folder),
        "rows": found.rows,
        "text": list(settings.text),
        "id": settings.id,
        "columns": list(settings.columns),
        "vectors": settings.vectors and _vectors(settings.vectors, found.dead),
        "bytes": found.size,
        "made": settings.made or None,
        "made_by": settings.made_by or None,
        "whole": True,
        "notes": list(found.notes),
    }


def _vectors(vectors: VectorSettings, dead: int) -> dict[str, Any]:
    return {
        "model": vectors.model,
        "version": vectors.version,
        "kept": vectors.kept,
        "width": vectors.width,
        "live": vectors.count - dead,
        "dead": dead,
        "approximate": vectors.graph is not None,
        "in_graph": vectors.in_graph,
    }


def _lines(folder: Path, found: Description) -> Iterator[str]:
    settings = found.settings
    by = "words" if settings.vectors is None else "words and vectors"
    yield f"{folder}: a search index of {count_of(found.rows, 'row')}, found by {by}"
    named = f"named by {settings.id}" if settings.id else "counted, since no column names them"
    yield f"  texts from {', '.join(settings.text)}; rows are {named}"
    yield f"  columns {', '.join(settings.columns)}"
    if settings.vectors is not None:
        yield from _vector_lines(settings.vectors, found.dead)
    made = f"made {settings.made} with glossator {settings.made_by}, " if settings.made else ""
    yield f"  {made}{decimal(found.size)} on disk"
    yield "  whole: rows, words and vectors belong together"


def _vector_lines(vectors: VectorSettings, dead: int) -> Iterator[str]:
    each = "one a text" if vectors.kept == "text" else "one a window"
    live = count_of(vectors.count - dead, "vector")
    yield f"  {live} of {vectors.width} numbers, {each}, by {vectors.model}"
    yield f"    version {short_version(vectors.version)}"
    if dead:
        gone = f"{count_of(dead, 'vector')} of rows that are gone"
        yield f"    and {gone}; `glossator index --compact --output INDEX` leaves them out"
    if vectors.graph is None:
        yield "    each is held against a query"
    else:
        yield f"    an approximate graph of {vectors.in_graph:,} finds them"
