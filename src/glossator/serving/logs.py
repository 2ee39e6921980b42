"""What happened, as one JSON record an event: no text, no secret, nothing that forges a record."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from glossator.errors import GlossatorError, InputError
from glossator.serving.access import OPEN
from glossator.serving.app import Told
from glossator.serving.batcher import Measured
from glossator.serving.config import LogLevel
from glossator.serving.failures import frames

__all__ = ["EventLog"]

_LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_STDERR = 2
# Whose messages are fixed sentences. Those of others may quote what they were given.
_PLAIN_SPOKEN = ("uvicorn",)
_ExcInfo: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None]"


class EventLog:
    """Writes events, each as a line of JSON in ASCII.

    Args:
        path: a file, which is appended to, and made again where it was moved away; None is
            standard error.
        level: what is less important is left out.
        now: the time.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        level: LogLevel = "info",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        self._path = None if path is None else Path(path)
        self._level, self._now, self._lost = _LEVELS[level], now, 0
        self._lock = threading.Lock()
        self._file = _STDERR
        if self._path is not None:
            try:
                self._file = _opened(self._path)
            except OSError as error:
                raise InputError(f"cannot be written: {error.strerror}", file=path) from None

    def close(self) -> None:
        """Let go of the file."""
        if self._file != _STDERR:
            os.close(self._file)
            self._file = _STDERR

    def write(self, level: LogLevel, event: str, **fields: Any) -> None:
        """One record.

        Args:
            level: how important it is.
            event: what happened, in snake case.
            fields: about it; those that say nothing are left out.
        """
        if _LEVELS[level] < self._level:
            return
        time = self._now().isoformat(timespec="milliseconds")
        told = {name: value for name, value in fields.items() if value not in ("", None, (), {})}
        with self._lock:
            lost = {"lost": self._lost} if self._lost else {}
            record = {"time": time, "level": level, "event": event, **told, **lost}
            # ASCII alone: an escape, a line end or a mark that turns the direction is spelled out.
            line = json.dumps(record, ensure_ascii=True, allow_nan=False, default=_named)
            self._put(line.replace("\x7f", "\\u007f").encode() + b"\n")

    def _put(self, line: bytes) -> None:
        """Write a line in one go, so that those of several processes do not mix."""
        try:
            self._follow()
            written = os.write(self._file, line)
        except OSError:
            self._lost += 1  # a full disk is no reason to leave a client without an answer
            return
        self._lost = 0 if written == len(line) else 1

    def _follow(self) -> None:
        """Open the file again where it was moved away, as whoever rotates logs does."""
        if self._path is None:
            return
        try:
            there = os.stat(self._path)
            here = os.fstat(self._file)
            if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                return
        except FileNotFoundError:
            pass
        before, self._file = self._file, _opened(self._path)
        os.close(before)

    def tell(self, told: Told) -> None:
        """A request was answered."""
        account = told.account
        self.write(
            _level_of(told),
            "request",
            request_id=told.request_id,
            key=told.key,
            method=told.method,
            route=told.route,
            status=told.status,
            problem=told.problem,
            model=account.model,
            texts=account.texts or None,
            tokens=account.tokens or None,
            failed=account.failed,
            seconds=round(told.seconds, 6),
            tokenize=round(account.tokenize, 6) or None,
            queue=round(account.queue, 6) or None,
            inference=round(account.inference, 6) or None,
            span=told.parent,
            masked=tuple(account.masked),
            trace=told.trace,
        )

    def observe(self, model: str, batch: Measured) -> None:
        """A model answered a batch; what it failed with is an event."""
        for trace in batch.failures:
            self.write("error", "model_failed", model=model, trace=trace)

    def load_failed(self, model: str, error: Exception) -> None:
        """A model that is to be served could not be opened here, which answers as before."""
        kind = error.kind if isinstance(error, GlossatorError) else ""
        self.write("error", "load_failed", model=model, problem=kind, trace=frames(error))

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take in what libraries log, and errors that nobody caught, without what they quote."""
        root = logging.getLogger()
        before = root.handlers[:], root.level, threading.excepthook, sys.unraisablehook
        root.handlers[:] = [_Foreign(self)]
        root.setLevel(self._level)
        threading.excepthook = lambda x: self._uncaught("thread", x.exc_value)
        sys.unraisablehook = lambda x: self._uncaught("finalizer", x.exc_value)
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.handlers[:], level, threading.excepthook, sys.unraisablehook = before
            root.setLevel(level)

    def _uncaught(self, where: str, error: BaseException | None) -> None:
        self.write("error", "uncaught", where=where, trace=frames(error))


class _Foreign(logging.Handler):
    """Records of libraries: who says something, and where; what it says where that is safe."""

    def __init__(self, log: EventLog):
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = next(x for x in ("error", "warning", "info", "debug") if _covers(x, record))
        plain = record.name.split(".")[0] in _PLAIN_SPOKEN and isinstance(record.msg, str)
        error = record.exc_info[1] if record.exc_info else None
        self._log.write(
            level,  # type: ignore[arg-type]
            "library",
            logger=record.name,
            where=f"{record.filename}:{record.lineno} {record.funcName}",
            # The sentence before what is put into it.
            message=record.msg.strip() if plain else "",
            trace=frames(error),
        )


def _covers(level: str, record: logging.LogRecord) -> bool:
    return record.levelno >= _LEVELS[level] or level == "debug"


def _level_of(told: Told) -> LogLevel:
    if told.status >= 500:
        return "error" if told.trace else "warning"
    # Whoever asks every second whether the endpoint lives is no event.
    return "debug" if told.route in OPEN and told.status < 400 else "info"


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _named(value: object) -> str:
    return type(value).__name__
