"""Metrics of several processes: each writes files of its own, whoever is asked adds them up."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["VARIABLE", "MetricFiles", "shared_folder", "shared_metrics"]

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Has the folder; the name is the library's, which reads it when it is imported."""
_ENDED = "ended"  # stands where the files of a process have its id


@contextlib.contextmanager
def shared_metrics() -> Iterator[Path]:
    """A folder for the metrics of the processes that are started in this block.

    Each of them must be a new interpreter: how metrics are kept is decided at an import.
    """
    folder = Path(tempfile.mkdtemp(prefix="glossator-metrics-"))
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        shutil.rmtree(folder, ignore_errors=True)


def shared_folder() -> Path | None:
    """The folder of the metrics of several processes, where this is one of them."""
    found = os.environ.get(VARIABLE)
    return Path(found) if found else None


@dataclass(frozen=True)
class MetricFiles:
    """The files of metrics in a folder.

    What a process that has ended counted is added to one file that stands for all of them, so
    that a total never falls and files do not heap up; what it measured of itself is gone.

    Attributes:
        folder: where they are.
    """

    folder: Path

    @contextlib.contextmanager
    def summed(self) -> Iterator[CollectorRegistry]:
        """The sum over all processes; while it is read no file is taken away."""
        with self._locked():
            self._add_up_ended()
            registry = CollectorRegistry()
            registry.register(_Sum(self._files()))
            yield registry

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self.folder / "lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _files(self) -> list[str]:
        # One that a process has just made is empty for a moment.
        return [x for x in sorted(glob.glob(f"{self.folder}/*.db")) if os.path.getsize(x)]

    def _add_up_ended(self) -> None:
        for name in self._files():
            path = Path(name)
            number = path.stem.rpartition("_")[2]
            if not number.isdigit() or _lives(int(number)):
                continue
            if not path.name.startswith("gauge"):
                self._add(path)
            path.unlink()

    def _add(self, path: Path) -> None:
        """Add a file to that of the ended, which is the old or the new one, never half of it."""
        kind = path.stem.partition("_")[0]
        total, new = self.folder / f"{kind}_{_ENDED}.db", self.folder / f"{kind}_{_ENDED}.new"
        if total.exists():
            shutil.copyfile(total, new)
        sums = MmapedDict(str(new))
        try:
            for key, value, stamp, _ in MmapedDict.read_all_values_from_file(str(path)):
                sums.write_value(key, sums.read_value(key)[0] + value, stamp)
        finally:
            sums.close()
        os.replace(new, total)


class _Sum:
    def __init__(self, files: Sequence[str]):
        self._files = files

    def collect(self) -> Iterable[Metric]:
        found: Iterable[Metric] = MultiProcessCollector.merge(self._files, accumulate=True)
        return found


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
