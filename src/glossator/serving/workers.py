"""Processes that share a port, and one beside them that sees to it that they live."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn, TypeAlias

from glossator.serving.shared import Shared

__all__ = ["Work", "Workers"]

Work: TypeAlias = "Callable[[Callable[[], None]], int]"
"""What a process does until SIGTERM; it calls what it is given once it can be asked."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LEFT_AT_ONCE = 130
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LIVED_WELL = 10.0  # a process that was ready for so long starts again at once
_MARGIN = 2.0


@dataclass(eq=False)
class _Worker:
    """A process, and a line to it on which it says that it is ready; it ends with the process."""

    number: int
    pid: int
    line: socket.socket
    ready_since: float | None = None


@dataclass
class _Place:
    """Where one worker belongs: when the next may start, and the pause after that one."""

    due: float = 0.0
    pause: float = 0.0
    worker: _Worker | None = None


@dataclass(kw_only=True)
class Workers:
    """Processes that do the same work until they are told to end.

    One that ends is started again, at first at once, then after longer and longer pauses. While
    none is ready another process stands in for them. This process opens no model and computes
    nothing, so that it can be forked at any time.

    Attributes:
        count: how many.
        work: what each does; what it returns is its exit code.
        stand_in: what is done while none of them is ready.
        shared: is told whether all are ready.
        drain: seconds that they have to end.
        close: is called in this process once no more is to be accepted.
        ready: is told once all are ready for the first time.
        ended: is told the process id of each that has ended.
        say: is told what happens, for people.
        clock: seconds that only grow.
    """

    count: int
    work: Work
    stand_in: Work
    shared: Shared
    drain: float
    close: Callable[[], None] = lambda: None
    ready: Callable[[], None] = lambda: None
    ended: Callable[[int], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    _places: list[_Place] = field(default_factory=list)
    _substitute: _Worker | None = None
    _signals: int = 0
    _one_was_ready: bool = False
    _was_ready: bool = False
    _end_by: float | None = None
    _code: int = 0

    def run(self) -> int:
        """Keep them alive until SIGTERM or SIGINT, then let them end; the exit code."""
        gc.freeze()  # so that what they share stays shared
        self._places = [_Place() for _ in range(self.count)]
        self.shared.all_ready = False
        with self._listening() as wake:
            while self._end_by is None or self._alive():
                self._start_what_is_due()
                self._wait(wake)
        return self._code

    def _alive(self) -> list[_Worker]:
        found = [place.worker for place in self._places if place.worker]
        return [*found, self._substitute] if self._substitute else found

    def _ready_count(self) -> int:
        return sum(bool(p.worker and p.worker.ready_since is not None) for p in self._places)

    def _start_what_is_due(self) -> None:
        if self._end_by is not None:
            return
        for number, place in enumerate(self._open_places()):
            if place.worker is None and place.due <= self.clock():
                place.worker = self._start(number, self.work)
        if self._was_ready and not self._ready_count() and self._substitute is None:
            self._substitute = self._start(-1, self.stand_in)

    def _open_places(self) -> list[_Place]:
        """At first one alone, which tells what is wrong with a folder once and not many times."""
        return self._places if self._one_was_ready else self._places[:1]

    def _start(self, number: int, work: Work) -> _Worker:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal that came before the new process heeds any would be lost.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if not pid:
            for each in [*(worker.line for worker in self._alive()), ours]:
                each.close()
            _run(work, theirs, held)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        theirs.close()
        return _Worker(number, pid, ours)

    def _wait(self, wake: socket.socket) -> None:
        """Until something happens, and do what it asks for."""
        workers = {each.line: each for each in self._alive()}
        found, _, _ = select.select([wake, *workers], [], [], self._patience())
        for line in found:
            if line is wake:
                wake.recv(64)
                self._heed()
            elif line.recv(1):
                self._is_ready(workers[line])
            else:
                self._has_ended(workers[line])
        if self._end_by is not None and self.clock() >= self._end_by:
            self.say("time is up: what is left is not answered")
            self._code = self._code or 1
            self._end_by = float("inf")
            self._signal_all(signal.SIGKILL)

    def _patience(self) -> float | None:
        """Seconds until something is due."""
        if self._end_by is not None:
            return max(0.0, self._end_by - self.clock()) if self._end_by < float("inf") else None
        waiting = [place.due for place in self._open_places() if place.worker is None]
        return max(0.0, min(waiting) - self.clock()) if waiting else None

    def _heed(self) -> None:
        """Do as the signals say that have come."""
        if self._signals > 1:
            self._signal_all(signal.SIGKILL)
            os._exit(_LEFT_AT_ONCE)
        if self._signals:
            self._end(0)

    def _end(self, code: int) -> None:
        if self._end_by is None:
            self._code, self._end_by = code, self.clock() + self.drain + _MARGIN
            self.shared.all_ready = False
            self.close()
            self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for each in self._alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, number)

    def _is_ready(self, worker: _Worker) -> None:
        if worker is self._substitute or self._end_by is not None:
            return
        worker.ready_since, self._one_was_ready = self.clock(), True
        if self._substitute:
            os.kill(self._substitute.pid, signal.SIGTERM)
        if self._ready_count() == self.count:
            self.shared.all_ready = True
            if not self._was_ready:
                self._was_ready = True
                self.ready()

    def _has_ended(self, worker: _Worker) -> None:
        worker.line.close()
        code = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        self.ended(worker.pid)
        if worker is self._substitute:
            self._substitute = None
            return
        place = self._places[worker.number]
        place.worker = None
        if self._end_by is not None:
            untouched = worker.ready_since is None and code == -signal.SIGTERM
            if code and not untouched:
                self._code = self._code or 1
            return
        self.shared.all_ready = False
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        if not self._was_ready:
            self.say(f"worker {worker.number} {how} before it was ready")
            self._end(code if code > 0 else 1)
            return
        self._put_off(place, worker)
        pause = max(0.0, place.due - self.clock())
        when = f"in {pause:g} seconds" if pause else "now"
        self.say(f"worker {worker.number} {how}; it is started again {when}")

    def _put_off(self, place: _Place, worker: _Worker) -> None:
        now = self.clock()
        if worker.ready_since is not None and now - worker.ready_since >= _LIVED_WELL:
            place.pause = 0.0
        place.due = now + place.pause
        place.pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, 2 * place.pause))

    @contextlib.contextmanager
    def _listening(self) -> Iterator[socket.socket]:
        """Count the signals that tell this process to end; what can be read tells of each."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        before = {number: signal.signal(number, self._count) for number in _SIGNALS}
        wakes = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            with ours, theirs:
                yield ours
        finally:
            signal.set_wakeup_fd(wakes)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1


def _run(work: Work, line: socket.socket, signals: Iterable[int]) -> NoReturn:
    """Be a worker: nothing of the process that it was forked from goes on here."""

    def ready() -> None:
        line.send(b"r")

    code = 1
    try:
        signal.set_wakeup_fd(-1)
        # Ctrl-C is sent to all processes of a terminal; the first of them tells the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        threading.Thread(target=_end_with_parent, args=(line,), daemon=True).start()
        code = work(ready)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _end_with_parent(line: socket.socket) -> None:
    """End this process as SIGTERM does once there is nobody at the other end."""
    with contextlib.suppress(OSError):
        line.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)
