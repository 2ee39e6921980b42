"""Errors as one clear line, and the exit code of each."""

from __future__ import annotations

import json as json_format
import os
import re
import sys
import traceback
from typing import Any

from glossator.cli.plain import one_line
from glossator.errors import GlossatorError

__all__ = ["STDIN", "report"]

# Stands for `-` while the words are parsed: the parser takes a lone dash for an unknown option.
# No word of a command line can hold a NUL, so nothing else is taken for it.
STDIN = "\0"

_OURS = "an error of glossator's own, please report it (--debug shows where)"


def report(error: BaseException, *, json: bool, debug: bool) -> int:
    """Tell `error` on standard error in one line, with `json` as one object; its exit code.

    Args:
        error: what ended the command.
        json: as `{"error": {"kind", "message", "file", "line"}}`.
        debug: with the traceback before it.
    """
    if isinstance(error, BrokenPipeError):
        _give_up_output()
        return 1
    code, found = _explained(error)
    if debug:
        traceback.print_exception(error)
    line = json_format.dumps({"error": found}) if json else f"error: {_sentence(found)}"
    sys.stderr.write(f"{line}\n")
    if isinstance(error, OSError):
        _give_up_output()
    return code


def _explained(error: BaseException) -> tuple[int, dict[str, Any]]:
    """The exit code, and the error as an object."""
    if isinstance(error, GlossatorError):
        return error.exit_code, error.to_json()
    if isinstance(error, KeyboardInterrupt):
        return 130, _object("interrupted", "interrupted")
    if isinstance(error, OSError):
        return 1, _object("os", error.strerror or str(error), error.filename)
    if type(error).__module__.startswith("cyclopts"):
        return 2, _object("usage", _types_in_words(str(error).replace(STDIN, "-")))
    text = str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in text or "out of memory" in text:
        return 1, _object("memory", "not enough memory")
    return 1, _object("internal", f"{type(error).__name__}: {text}; {_OURS}")


def _types_in_words(text: str) -> str:
    """`into float|Literal[auto]|None` as `into float or auto`; nobody types a None."""
    head, into, types = text.rpartition(" into ")
    types = re.sub(r"Literal\[(.*?)\]", r"\1", types.replace("|None", "")).replace("|", " or ")
    return head + into + types


def _object(kind: str, message: str, file: Any = None) -> dict[str, Any]:
    name = None if file is None else os.fsdecode(file) if not isinstance(file, int) else str(file)
    return {"kind": kind, "message": message, "file": name, "line": None}


def _sentence(found: dict[str, Any]) -> str:
    place = ":".join(str(found[part]) for part in ("file", "line") if found[part] is not None)
    return one_line(f"{place}: {found['message']}" if place else found["message"])


def _give_up_output() -> None:
    """Let what is still to be written go nowhere, so that closing at exit cannot fail again."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
