"""Numbers by name in memory that processes of one machine share."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
import os
import struct
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Ledger"]

_DIGEST = 24
_SLOT = struct.Struct(f"={_DIGEST}sd")
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_EMPTY = b"\0" * _SLOT.size


class Ledger:
    """A number for each name, the same in this process and in those that are forked from it.

    With a file it is the same in all processes that open it, of which each opens it once. The
    system lets go of the lock of a process that dies, which a semaphore would keep for ever.

    Args:
        slots: names at most.
        path: of the file, on a disk of this machine; None: one that has no name.
    """

    def __init__(self, slots: int = 16_384, path: Path | None = None):
        self._file = _unnamed() if path is None else os.open(path, _OPEN, 0o600)
        weakref.finalize(self, os.close, self._file)
        os.truncate(self._file, slots * _SLOT.size)
        self._memory = mmap.mmap(self._file, slots * _SLOT.size)
        self._threads = threading.Lock()
        self._places: dict[str, tuple[bytes, int]] = {}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep all other threads and processes out for the length of a block."""
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def get(self, name: str) -> float | None:
        """The number of a name, if it has one; asked while it is held."""
        place = self._place(name)
        return None if place is None else self._number(place)

    def put(self, name: str, number: float, past: float) -> bool:
        """Give a name a number; asked while it is held.

        Args:
            name: of any length.
            number: its number.
            past: numbers up to this one may be forgotten.

        Returns:
            Whether there was a place left.
        """
        place = self._place(name)
        if place is None:
            place = self._vacant(past)
            if place is None:
                return False
            self._places[name] = (_digest(name), place)
        _SLOT.pack_into(self._memory, place, _digest(name), number)
        return True

    def _number(self, place: int) -> float:
        found: float = _SLOT.unpack_from(self._memory, place)[1]
        return found

    def _place(self, name: str) -> int | None:
        """Where a name stands."""
        digest, place = self._places.get(name) or (_digest(name), 0)
        if self._memory[place : place + _DIGEST] == digest:
            return place
        found = self._find(digest)
        if found is not None:
            self._places[name] = (digest, found)
        return found

    def _find(self, wanted: bytes) -> int | None:
        place = self._memory.find(wanted)
        while place % _SLOT.size and place >= 0:  # it may also be found across two slots
            place = self._memory.find(wanted, place + 1)
        return None if place < 0 else place

    def _vacant(self, past: float) -> int | None:
        """A place that is empty, or else one whose number is past."""
        empty = self._find(_EMPTY)
        if empty is not None:
            return empty
        places = range(0, len(self._memory), _SLOT.size)
        return next((place for place in places if self._number(place) <= past), None)


def _unnamed() -> int:
    """A file that lasts as long as somebody has it open."""
    handle, path = tempfile.mkstemp(prefix="glossator-")
    os.unlink(path)
    return handle


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:_DIGEST]
