"""The C library is asked to keep memory; that changes nothing but time."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest

PROBE = """
import resource, sys, torch
from glossator.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for turn in range(30):
    x = torch.ones(6_000_000)  # 24 MB, which glibc would give back each time
    del x
    if turn == 9:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    command = [sys.executable, "-c", PROBE, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_memory_is_taken_from_the_system_once() -> None:
    assert faults("kept") < 500


def test_twice_is_once() -> None:
    from glossator.memory import keep_freed_memory

    keep_freed_memory()
    keep_freed_memory()


def test_the_collector_passes_over_what_there_was_and_takes_it_back() -> None:
    from glossator.memory import collector_spared

    gc.unfreeze()
    with collector_spared():
        assert gc.get_freeze_count() > 1000
    assert gc.get_freeze_count() == 0


HOLES = """
import ctypes, sys
from glossator.memory import give_back_freed_memory

def resident():
    with open("/proc/self/status") as file:  # of files, the system may take back what it likes
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
# Of many blocks the last stays: the heap cannot shrink past it.
blocks = [libc.malloc(ctypes.c_size_t(100_000)) for _ in range(640)]
for block in blocks:
    ctypes.memset(ctypes.c_void_p(block), 1, 100_000)
for block in blocks[:-1]:
    libc.free(ctypes.c_void_p(block))
before = resident()
if sys.argv[1] == "given back":
    give_back_freed_memory()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this call")
def test_freed_memory_goes_back_although_something_lies_behind_it() -> None:
    def given(how: str) -> int:
        command = [sys.executable, "-c", HOLES, how]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert given("given back") > 50_000_000
    assert given("kept") < 4_000_000
