"""Several processes of one machine as the ranks of a group."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from glossator.errors import GlossatorError
from glossator.models.hardware import using_threads

__all__ = ["device_of", "together"]

# A process that fails says so within this time of another's noticing that it is gone.
_LAST_WORDS = 5.0
# An evaluation, say, may keep one process busy while the others wait for it.
_PATIENCE = timedelta(hours=2)


@contextlib.contextmanager
def together(count: int, function: Callable[..., Any], *arguments: Any) -> Iterator[None]:
    """This process as rank 0 of a group, and `count - 1` more that call `function`.

    The processor's threads are dealt out among them. With a count of 1 nothing is set up.

    Args:
        count: of processes.
        function: called as `function(rank, *arguments)` in each of the others; it can be imported.
        arguments: can be pickled.

    Raises:
        GlossatorError: one of the others failed or was killed; its message says which and why.
    """
    if count == 1:
        yield
        return
    threads = max(1, torch.get_num_threads() // count)
    with tempfile.TemporaryDirectory(prefix="glossator-") as folder, using_threads(threads):
        store = str(Path(folder, "store"))
        others = _Others(count, store, threads, function, arguments)
        try:
            others.wait_until_begun()
            _join(0, count, store)
            yield
        except Exception as error:
            raise others.failure(error) from error
        finally:
            # What waits for this process, which may have been interrupted, then waits no longer.
            if dist.is_initialized():
                dist.destroy_process_group()
            others.end()


def device_of(rank: int, device: torch.device) -> torch.device:
    """The device of a rank: a GPU of its own where GPUs are used."""
    return torch.device("cuda", rank) if device.type == "cuda" else device


class _Others:
    """The processes beside this one."""

    def __init__(
        self,
        count: int,
        store: str,
        threads: int,
        function: Callable[..., Any],
        arguments: Sequence[Any],
    ):
        context = multiprocessing.get_context("spawn")
        self._count = count
        self._processes: list[BaseProcess] = []
        self._words: list[Connection] = []
        for rank in range(1, count):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=_rank,
                args=(rank, count, store, threads, theirs, function, arguments),
                daemon=True,
            )
            process.start()
            theirs.close()
            self._processes.append(process)
            self._words.append(ours)

    def wait_until_begun(self) -> None:
        """Raise GlossatorError if one of them ends before it can join the group."""
        for rank, words in enumerate(self._words, start=1):
            try:
                words.recv()
            except EOFError:
                message = f"process {rank} of {self._count} ended before it began"
                raise GlossatorError(message) from None

    def failure(self, error: Exception) -> Exception:
        """What to raise: the error of the process that failed first, else `error` itself."""
        if not _is_lost_connection(error):
            return error
        for rank, (process, words) in enumerate(
            zip(self._processes, self._words, strict=True), start=1
        ):
            process.join(_LAST_WORDS)
            why = _last_words(words)
            if why or (process.exitcode or 0) < 0:
                died = f"killed by signal {-(process.exitcode or 0)}"
                return GlossatorError(f"process {rank} of {self._count} failed: {why or died}")
        return error

    def end(self) -> None:
        """End those that are still there."""
        for process, words in zip(self._processes, self._words, strict=True):
            process.join(_LAST_WORDS)
            process.terminate()
            process.join()
            words.close()


def _last_words(words: Connection) -> str:
    try:
        return str(words.recv()) if words.poll() else ""
    except EOFError:
        return ""


def _rank(
    rank: int,
    count: int,
    store: str,
    threads: int,
    words: Connection,
    function: Callable[..., Any],
    arguments: Sequence[Any],
) -> None:
    """What a process beside the first does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    torch.set_num_threads(threads)
    words.send("begun")
    try:
        _join(rank, count, store)
        function(rank, *arguments)
    except Exception as error:
        # That another process went first is not the cause.
        if not _is_lost_connection(error):
            words.send(f"{type(error).__name__}: {error}")
        os._exit(1)
    finally:
        words.close()


def _is_lost_connection(error: Exception) -> bool:
    if isinstance(error, GlossatorError):
        return False
    text = str(error)
    return "onnection" in text or "gloo" in text.lower() or "nccl" in text.lower()


def _join(rank: int, count: int, store: str) -> None:
    backend = "gloo"
    if torch.cuda.device_count() >= count:
        backend = "nccl"
        torch.cuda.set_device(rank)
    dist.init_process_group(
        backend, init_method=f"file://{store}", rank=rank, world_size=count, timeout=_PATIENCE
    )
