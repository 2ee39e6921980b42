"""Every error that Glossator raises on purpose.

GlossatorError                  something failed                                     exit code 1
|-- MissingPackageError         an optional package is missing (an ImportError)      exit code 2
|-- UnfinishedError             the run was interrupted; what it had is written      exit code 130
|-- EndpointError               a server refused a request, or did not answer        exit code 1
`-- InputError                  what the user gave is wrong (a ValueError)           exit code 2
    |-- ConfigError             an option or a TOML file
    |-- TableError              a table cannot be read, or not as asked
    |   `-- ColumnError         a column is missing, doubled or of the wrong kind
    |-- CheckpointError         a run cannot be taken up from what it left
    |-- TextError               one text cannot be read (a lone surrogate)
    |-- ModelFolderError        a model folder is missing, incomplete or of another kind
    |   `-- ChangedFileError    a file of a model folder is not the one its manifest names
    |-- SearchIndexError        a search index is missing, damaged, or of another model
    |-- OutputBusyError         another process is writing the output
    `-- OutputExistsError       the output is there already and --overwrite was not given
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = [
    "ChangedFileError",
    "CheckpointError",
    "ColumnError",
    "ConfigError",
    "EndpointError",
    "GlossatorError",
    "InputError",
    "MissingPackageError",
    "ModelFolderError",
    "OutputBusyError",
    "OutputExistsError",
    "SearchIndexError",
    "TableError",
    "TextError",
    "UnfinishedError",
    "did_you_mean",
]


class GlossatorError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: what was wrong, what was got and what was expected, in one line.
        file: the file it was found in, if there is one.
        line: the line of that file, counted from 1.
    """

    exit_code = 1

    def __init__(self, message: str, *, file: str | Path | None = None, line: int | None = None):
        super().__init__(message)
        self.message = message
        self.file = None if file is None else str(file)
        self.line = line

    @property
    def kind(self) -> str:
        """The class name in snake case without "Error": `ColumnError` is `column`."""
        name = type(self).__name__.removesuffix("Error")
        return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()

    def __str__(self) -> str:
        if self.file is None:
            return self.message
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """The error as the command line prints it with `--json`."""
        return {"kind": self.kind, "message": self.message, "file": self.file, "line": self.line}


class MissingPackageError(GlossatorError, ImportError):
    """An optional package is not installed; the message prints the `pip install` line."""

    exit_code = 2


class UnfinishedError(GlossatorError):
    """The run was interrupted; the message says what was written and where."""

    exit_code = 130


class EndpointError(GlossatorError):
    """A server refused a request, or did not answer it in time.

    Args:
        message: what it said.
        status: of HTTP; None where there was no answer.
        reason: what went wrong, in snake case, such as `unknown_model`.
        request_id: by which the server's log knows it; empty where it told none.
    """

    def __init__(
        self, message: str, *, status: int | None = None, reason: str = "", request_id: str = ""
    ):
        super().__init__(message)
        self.status, self.reason, self.request_id = status, reason, request_id


class InputError(GlossatorError, ValueError):
    """What the user gave is wrong."""

    exit_code = 2


class ConfigError(InputError):
    """An option or a TOML file is wrong."""


class TableError(InputError):
    """A table cannot be read, or not as it was asked for."""


class ColumnError(TableError):
    """A column is missing, doubled or of the wrong kind."""


class CheckpointError(InputError):
    """A run cannot be taken up from the checkpoint it left."""


class TextError(InputError):
    """One text cannot be read."""


class ModelFolderError(InputError):
    """A model folder is missing, incomplete or of another kind than asked for."""


class ChangedFileError(ModelFolderError):
    """A file of a model folder is not the one that its manifest names."""


class SearchIndexError(InputError):
    """A search index is missing, damaged, or of another model than the one it is asked with."""


class OutputBusyError(InputError):
    """Another process is writing the output."""


class OutputExistsError(InputError):
    """The output is there already and `--overwrite` was not given."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """`; did you mean 'text'?` for the choice nearest to `name`, or an empty string."""
    near = difflib.get_close_matches(name, list(choices), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
