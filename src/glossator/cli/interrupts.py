"""Ctrl-C, and SIGTERM as if it were Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["interruptible", "was_interrupted"]

_count = 0


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt inside the block, and count them.

    Outside the main thread, where Python allows no handlers, nothing is changed. A SIGINT that is
    ignored, as that of a job in the background is, stays ignored.
    """
    global _count
    _count = 0
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def was_interrupted() -> bool:
    """Whether a signal came since the command began."""
    return _count > 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _count
    _count += 1
    raise KeyboardInterrupt
