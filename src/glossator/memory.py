"""Memory that the C library keeps or gives back, and what Python's collector passes over."""

from __future__ import annotations

import ctypes
import functools
import gc
import mmap
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["collector_spared", "give_back_freed_memory", "keep_freed_memory"]

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_LARGEST = 1 << 30  # bytes that malloc takes from the heap at once; more is mapped apart
_LARGE_PAGE = 2 << 20


@functools.cache
def keep_freed_memory() -> None:
    """Have the C library keep memory that was freed, in large pages, for the rest of the process.

    A training step frees and takes the same tens of megabytes again and again; given back to the
    system in between, every page of them costs a fault. And products read matrices across their
    rows, a new page at almost every step: with pages of 2 MiB the processor finds them in its
    table. Together they make a step half as long again without (measured: benchmarks/notes.md).
    Does nothing where the library is not glibc or the system not Linux.
    """
    libc = _glibc()
    if libc is None:
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST)
    libc.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
    libc.mallopt(_M_TOP_PAD, 64 << 20)
    libc.mallopt(_M_ARENA_MAX, 1)  # threads to come take from this heap too
    _grow_heap(libc)
    for start, stop in _heap():
        first = -(-start // _LARGE_PAGE) * _LARGE_PAGE
        # A system without large pages refuses, and all goes on with small ones.
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(stop - first), mmap.MADV_HUGEPAGE)


def give_back_freed_memory() -> None:
    """Have the C library give the system what was freed.

    A stream of rows is answered in activations of ever other sizes. Small things that outlive one
    of them part the room it leaves, so that the next takes new room: the heap grows for as long as
    the stream lasts, nearly all of it free (measured: benchmarks/notes.md). Does nothing where the
    library is not glibc.
    """
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(ctypes.c_size_t(0))


@contextmanager
def collector_spared() -> Iterator[None]:
    """Inside the block, Python's collector passes over the objects that there were before it.

    A step makes some thousand objects, which sets the collector off again and again; going through
    all modules and examples each time took 3 to 8% of a step (measured: benchmarks/notes.md).
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def _grow_heap(libc: ctypes.CDLL) -> None:
    """Take one large block and free it: the heap keeps the addresses, which cost no memory yet."""
    libc.malloc.restype = ctypes.c_void_p
    libc.free(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(_LARGEST - mmap.PAGESIZE))))


def _heap() -> list[tuple[int, int]]:
    """First and last address of each part of the heap."""
    parts = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        if line.endswith("[heap]"):
            start, stop = line.split(maxsplit=1)[0].split("-")
            parts.append((int(start, 16), int(stop, 16)))
    return parts
