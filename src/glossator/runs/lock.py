"""One name, one run: who writes a run holds a lock that the system frees when it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from glossator.errors import OutputBusyError

__all__ = ["locked"]


@contextlib.contextmanager
def locked(path: Path, advice: str = "wait for its end, or end it and --resume") -> Iterator[None]:
    """Hold the lock of `path` inside the block, and say in it who does.

    The lock is an advisory one (`flock`) on `.NAME.lock` beside `path`, so that it also holds where
    `path` does not exist yet, and goes when the process does, however that ends.

    Args:
        path: what is written.
        advice: what whoever is kept out can do.

    Raises:
        OutputBusyError: it is held already; the message says by which process.
        OSError: the folder is read-only.
    """
    file = path.resolve().with_name(f".{path.name}.lock")
    handle = _held(file, path, advice)
    try:
        with contextlib.suppress(OSError):  # the lock holds on a full disk too
            os.truncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        # Before it is free: whoever opened it meanwhile sees that it has no name any more.
        file.unlink(missing_ok=True)
        os.close(handle)


def _held(file: Path, path: Path, advice: str) -> int:
    """A handle on the locked file."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.read(handle, 200).decode(errors="replace") or "another process"
            os.close(handle)
            raise OutputBusyError(f"{path} is being written by {who}; {advice}") from None
        except BaseException:
            os.close(handle)
            raise
        if _names(file, handle):
            return handle
        os.close(handle)


def _names(file: Path, handle: int) -> bool:
    """Whether a path still leads to the open file, which its last holder may have deleted."""
    try:
        return os.path.samestat(os.stat(file), os.fstat(handle))
    except FileNotFoundError:
        return False
