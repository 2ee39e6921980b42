"""Which models are served under which names: one file that all workers of an endpoint follow."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from glossator.artifact.manifest import MANIFEST
from glossator.files import durable_write
from glossator.serving.problems import Problem, Refused

__all__ = ["DesiredModels", "Place", "Wanted"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a model lies.

    Attributes:
        folder: its path, or
        under_root: its name in the folder of all models.
        version: that it must have; empty: any.
        change: number of the change that put it up.
    """

    folder: str
    under_root: bool = False
    version: str = ""
    change: int = 0


@dataclass(frozen=True)
class Wanted:
    """What is to be served, and how many changes led there."""

    changes: int
    models: Mapping[str, Place]


class DesiredModels:
    """A folder through which the workers of an endpoint agree on its models.

    Each worker opens one of its own on the same folder: `models.json` says what is to be served;
    `members` has for each worker how far it followed, and a lock that ends with its process.

    Args:
        folder: only its owner may write to it; on several machines one that all of them see.
    """

    def __init__(self, folder: Path):
        self._file, self._members = folder / "models.json", folder / "members"
        self._loading = folder / "loading.lock"
        self._members.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._id, self._lock = secrets.token_hex(8), -1

    def begin(self, folders: Mapping[str, Path]) -> None:
        """Serve these; for the process that starts the workers, before there are any."""
        places = {name: _place(path.resolve()) for name, path in folders.items()}
        self._write(Wanted(0, places))

    def join(self) -> None:
        """Be one of those that follow, until `leave` or the end of this process."""
        # Under its name it is held already: the others take one that is not for a dead one's.
        unnamed = self._members / f"{self._id}.new"
        self._lock = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        os.rename(unnamed, self._lock_of(self._id))

    def leave(self) -> None:
        """Follow no longer."""
        if self._lock >= 0:
            self._forget(self._id)
            os.close(self._lock)
            self._lock = -1

    def read(self) -> Wanted:
        """What is to be served now."""
        raw = json.loads(self._file.read_text(encoding="utf-8"))
        return Wanted(raw["changes"], {name: Place(**x) for name, x in raw["models"].items()})

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """The right to change what is served, for the length of a block; one worker has it.

        Raises:
            Refused: a model is being loaded.
        """
        handle = os.open(self._loading, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = "a model is being loaded or unloaded; ask again once that is done"
                raise Refused(Problem("loading", message, 409), {"Retry-After": "5"}) from None
            yield
        finally:
            os.close(handle)

    def put(self, name: str, place: Place) -> Place:
        """Serve a model from now on, and give its place with the number of the change."""
        now = self.read()
        numbered = dataclasses.replace(place, change=now.changes + 1)
        self._write(Wanted(numbered.change, {**now.models, name: numbered}))
        return numbered

    def remove(self, name: str) -> int:
        """Serve it no longer, and give the number of the change."""
        now = self.read()
        rest = {other: place for other, place in now.models.items() if other != name}
        self._write(Wanted(now.changes + 1, rest))
        return now.changes + 1

    def saw(self, changes: int, failed: Iterable[str] = ()) -> None:
        """Tell the others how far this worker followed, and which models it could not load."""
        durable_write(self._told(self._id), json.dumps({"saw": changes, "failed": list(failed)}))

    def behind(self, changes: int) -> int:
        """How many of the others have not followed so far."""
        return sum(self._seen(other)[0] < changes for other in self._others())

    def failed(self) -> list[str]:
        """Models that others could not load, by the last change that each of them saw."""
        return sorted({name for other in self._others() for name in self._seen(other)[1]})

    def _others(self) -> Iterator[str]:
        """Those that live; what the dead left goes."""
        for lock in self._members.glob("*.lock"):
            other = lock.stem
            if other == self._id:
                continue
            if _is_held(lock):
                yield other
            else:
                self._forget(other)

    def _seen(self, other: str) -> tuple[int, list[str]]:
        try:
            raw = json.loads(self._told(other).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return -1, []  # it is starting
        return raw["saw"], raw["failed"]

    def _write(self, wanted: Wanted) -> None:
        models = {name: dataclasses.asdict(place) for name, place in wanted.models.items()}
        durable_write(self._file, json.dumps({"changes": wanted.changes, "models": models}))

    def _forget(self, member: str) -> None:
        self._lock_of(member).unlink(missing_ok=True)
        self._told(member).unlink(missing_ok=True)

    def _lock_of(self, member: str) -> Path:
        return self._members / f"{member}.lock"

    def _told(self, member: str) -> Path:
        return self._members / f"{member}.json"


def _is_held(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _place(folder: Path) -> Place:
    """A folder as it is now: workers that start later serve the same bytes or none."""
    manifest = folder / MANIFEST
    version = hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else ""
    return Place(folder=str(folder), version=version)
