"""A folder of .txt files as a table: a file a text, a folder a label."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePath

from glossator.errors import TableError
from glossator.text.config import TableConfig
from glossator.text.decoding import LINE_LIMIT, Packing, Source, check_file
from glossator.text.rows import Item, Reading, Rejection, Row, Table

__all__ = ["is_model_folder", "open_folder", "text_files"]

# Files of a model, which may lie beside a vocab.txt.
_MODEL = ("glossator.json", "config.json", "model.safetensors", "tokenizer.json")
_SUFFIXES: dict[tuple[str, ...], Packing] = {(".txt",): "", (".txt", ".gz"): "gz"}


def open_folder(path: str, config: TableConfig, notes: list[str]) -> Table:
    """The .txt files (also .txt.gz) of a folder and of those in it, in the order of their names.

    The columns are `text`, the whole file without its last line end; `label`, the first folder on
    the way to it, where any file lies in one; and `file`, its path from the folder. One text is in
    memory at a time. A file that no text fits is a Rejection: empty of text to its reader, with a
    NUL byte (`nul`), longer than `LINE_LIMIT` characters (`too_long`), or with a name that is not
    UTF-8 (`lone_surrogate`).

    Args:
        path: the folder.
        config: says the encoding.
        notes: receives what was found worth saying.

    Raises:
        TableError: it holds no such file, is a model folder, or a folder in it cannot be read;
            while iterating, a file is not in its encoding.
    """
    if is_model_folder(path):
        raise TableError("is a model folder; expected a table, or a folder of texts", file=path)
    files = _Files(path, config.encoding, notes)
    return Table(path, files.read, notes)


def is_model_folder(path: str | Path) -> bool:
    """Whether a folder has files of a model beside its texts."""
    return any((Path(path) / name).exists() for name in _MODEL)


def text_files(path: str) -> Iterator[str]:
    """The .txt files of a folder, each by its path in it, in the order of their names.

    Raises:
        TableError: a folder cannot be read.
    """
    return (name for name in _walk(path, "", ()) if _packing(name) is not None)


class _Files:
    """The files of a folder, read as often as asked for."""

    def __init__(self, path: str, encoding: str | None, notes: list[str]) -> None:
        self._path, self._encoding, self._notes = path, encoding, notes
        others = (name for name in _walk(path, "", ()) if _packing(name) is None)
        if other := next(others, None):
            count = 1 + sum(1 for _ in others)
            files = "1 file that is" if count == 1 else f"{count:,} files that are"
            notes.append(f"{path}: {files} no .txt left out; the first is {_shown(other)}")

    def read(self) -> Reading:
        """The columns and the rows."""
        names = text_files(self._path)
        first = next(names, None)
        if first is None:
            message = "is a folder without .txt files; expected one a text, in a folder a label"
            raise TableError(message, file=self._path)
        # Those of the folder itself come among the others.
        labelled = any("/" in name for name in text_files(self._path))
        deep = next((name for name in text_files(self._path) if name.count("/") > 1), None)
        if deep is not None:
            self._note(f"the label is the first folder of a path, as of {_shown(deep)}")
        columns = ("text", "label", "file") if labelled else ("text", "file")
        return columns, (self._item(name, labelled) for name in chain([first], names))

    def _item(self, name: str, labelled: bool) -> Item:
        file = f"{self._path.rstrip('/')}/{name}"
        values = {"label": name.partition("/")[0] if "/" in name else ""} if labelled else {}
        if _shown(name) != name:
            message = "the name of the file is not UTF-8"
            return Rejection(_shown(file), 1, "lone_surrogate", message)
        text = self._text(file, name)
        if text is None:
            message = f"the text is longer than {LINE_LIMIT:,} characters"
            return Rejection(file, 1, "too_long", message, {**values, "file": name})
        values = {"text": text, **values, "file": name}
        if "\0" in text:
            return Rejection(file, 1, "nul", "the text holds a NUL byte", values)
        return Row(file, 1, values)

    def _text(self, file: str, name: str) -> str | None:
        """All of a file; None where that is too much."""
        if check_file(file).stat().st_size == 0:
            return ""
        found: list[str] = []
        source = Source(file, packing=_packing(name) or "", encoding=self._encoding, notes=found)
        lines, size = [], 0
        for line in source.lines("\n"):
            lines.append(line)
            size += len(line)
            if size > LINE_LIMIT:
                return None
        for note in found:  # once for all files
            self._note(note.removeprefix(f"{file}: "), f"; the first such file is {name}")
        return "".join(lines).removesuffix("\n").removesuffix("\r")

    def _note(self, text: str, detail: str = "") -> None:
        note = f"{self._path}: {text}"
        if not any(earlier.startswith(note) for earlier in self._notes):
            self._notes.append(note + detail)


def _walk(folder: str, above: str, seen: tuple[str, ...]) -> Iterator[str]:
    """Every file below a folder but hidden ones; a link that leads back up is not followed."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise TableError(f"cannot be read: {error.strerror}", file=_shown(folder)) from None
    seen = (*seen, os.path.realpath(folder))
    for entry in entries:
        if entry.name.startswith("."):
            continue
        name = f"{above}{entry.name}"
        if not entry.is_dir():
            yield name
        elif os.path.realpath(entry.path) not in seen:
            yield from _walk(entry.path, f"{name}/", seen)


def _packing(name: str) -> Packing | None:
    """How a .txt file is packed; None of another file."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    gzipped = suffixes[-2:] == [".txt", ".gz"]
    return _SUFFIXES.get(tuple(suffixes[-2:] if gzipped else suffixes[-1:]))


def _shown(name: str) -> str:
    """A name whose bytes that are not UTF-8 can be written."""
    return name.encode("utf-8", "replace").decode()
