"""The labels that are asked for: what is typed, a file, or what Python gives."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.config import read_toml
from glossator.errors import ConfigError, TableError
from glossator.text.columns import check_columns, is_blank, matching, text_of
from glossator.text.formats import format_of
from glossator.text.rows import Rejection
from glossator.text.tables import open_table

__all__ = ["Label", "Labels", "labels_in", "labels_of"]

_MOST = 1_000  # labels; each costs a vector, or a pass of every text
_COMMAS = re.compile("[,，]")


@dataclass(frozen=True, slots=True)
class Label:
    """A label, and what stands for it where a model reads it; empty: its name does."""

    name: str
    description: str = ""

    @property
    def text(self) -> str:
        """What a model reads."""
        return self.description or self.name


class Labels(tuple[Label, ...]):
    """Some labels, each of another name, at least one."""

    @classmethod
    def of(cls, found: Iterable[Label], where: str = "--labels") -> Labels:
        """Labels that were read.

        Raises:
            ConfigError: there are none or too many, a name is empty, or one stands twice.
        """
        labels = cls(found)
        if not labels:
            raise ConfigError(f"{where} has no label")
        if len(labels) > _MOST:
            raise ConfigError(f"{where} has {len(labels):,} labels; expected at most {_MOST:,}")
        for number, label in enumerate(labels, start=1):
            if is_blank(label.name):
                raise ConfigError(f"label {number} of {where} is empty")
        name, count = Counter(label.name for label in labels).most_common(1)[0]
        if count > 1:
            raise ConfigError(f"label '{name}' stands {count} times in {where}; expected it once")
        return labels

    @property
    def names(self) -> tuple[str, ...]:
        """Of the labels, in their order."""
        return tuple(label.name for label in self)


def labels_in(value: Any) -> Labels:
    """The labels of what was typed: of the file that it names, else its own.

    Raises:
        ConfigError: as `labels_of`.
        TableError: the file is missing, or a row of it holds no label.
    """
    if not isinstance(value, str | Path) or not _is_file(str(value)):
        return labels_of(value)
    path = Path(value)
    found = _of_toml(path) if path.suffix == ".toml" else _of_table(path)
    return Labels.of(found, str(path))


def labels_of(value: Any) -> Labels:
    """The labels of a value: `a, b=what it means`, a list of names, a mapping of descriptions.

    A text is never taken for the name of a file, so that it may come from anywhere.

    Raises:
        ConfigError: it is nothing of this, or its labels are empty or doubled.
    """
    if isinstance(value, Labels):
        return value
    if isinstance(value, str):
        return Labels.of(_typed(value))
    if isinstance(value, Mapping):
        return Labels.of(_named(value, "--labels"))
    if isinstance(value, list | tuple) and all(isinstance(x, str | Label) for x in value):
        return Labels.of(x if isinstance(x, Label) else Label(x.strip()) for x in value)
    raise ConfigError(
        f"labels is {value!r:.60} ({type(value).__name__}); expected names with commas between, a "
        "list of names, or a mapping from names to descriptions"
    )


def _typed(text: str) -> Iterator[Label]:
    for part in _COMMAS.split(text):
        name, sign, description = part.partition("=")
        if sign and is_blank(description):
            raise ConfigError(
                f"label '{name.strip()}' has nothing after its =; expected what it is"
            )
        yield Label(name.strip(), description.strip())


def _is_file(value: str) -> bool:
    """Whether a text names a file: it ends like one, or there is one of that name."""
    try:
        format_of(value)
    except TableError:
        return os.path.isfile(value)
    return value != "-"


def _of_toml(path: Path) -> Iterator[Label]:
    """`name = "description"`, at the top or under [labels]; or a list `labels = [...]`."""
    table = read_toml(path)
    given = table["labels"] if table.keys() == {"labels"} else table
    if isinstance(given, Mapping):
        yield from _named(given, str(path))
    else:
        yield from labels_of(given)


def _named(given: Mapping[Any, Any], where: str) -> Iterator[Label]:
    for name, description in given.items():
        if not isinstance(name, str) or not isinstance(description, str | None):
            got = f"{name!r:.60}: {description!r:.60}"
            raise ConfigError(f"{where} has {got}; expected the name of a label and a description")
        yield Label(name.strip(), (description or "").strip())


def _of_table(path: Path) -> Iterator[Label]:
    """The rows of a table; of a text file the lines."""
    table = open_table(path)
    column = matching("text" if table.columns == ("text",) else "label", table.columns)
    check_columns(table, [column])
    described = matching("description", table.columns)
    for item in table:
        if isinstance(item, Rejection):
            raise TableError(item.message, file=item.source, line=item.line)
        name, description = (text_of(item.values.get(x) or "") for x in (column, described))
        if name is None or description is None:
            message = "expected a label, and perhaps a description, each a text"
            raise TableError(message, file=item.source, line=item.line)
        yield Label(name.strip(), description.strip())
