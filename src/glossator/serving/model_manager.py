"""Models put up and taken down while an endpoint runs, in step with its other workers."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from glossator.errors import ChangedFileError
from glossator.serving.desired_models import DesiredModels, Place
from glossator.serving.models import Models, Served
from glossator.serving.problems import Problem, Refused

__all__ = ["Changed", "ModelManager"]

_LOOK = 0.2


@dataclass(frozen=True)
class Changed:
    """A change of what is served.

    Attributes:
        number: of the change.
        served: the model that was put up; None where one was taken down.
        swapped: whether it took the place of another.
    """

    number: int
    served: Served | None = None
    swapped: bool = False


class ModelManager:
    """The models of one worker, which follow the desired models of all.

    Args:
        models: that answer.
        desired: what is to be served.
        opened: opens the folder of a place, under a name, warmed up.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        models: Models,
        desired: DesiredModels,
        opened: Callable[[str, Place], Served],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ):
        self._models, self._desired, self._opened, self._pause = models, desired, opened, pause
        self._have: dict[str, int] = {}
        self._seen = -1
        self._lock = threading.RLock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Open what is to be served.

        Raises:
            ModelFolderError: a folder cannot be opened, or changed since the endpoint began.
        """
        self._desired.join()
        if failed := self.look():
            self.close()
            raise next(iter(failed.values()))

    def look(self) -> dict[str, Exception]:
        """Follow what another worker changed, and give the errors of models that stay as they were.

        They are also told to the worker that asked for the change, which tells its client.
        """
        failed: dict[str, Exception] = {}
        with self._lock:
            wanted = self._desired.read()
            if wanted.changes == self._seen:
                return failed
            for name in self._have.keys() - wanted.models.keys():
                self._models.remove(name)
                del self._have[name]
            for name, place in wanted.models.items():
                if self._have.get(name) == place.change:
                    continue
                try:
                    self._models.put(self._open(name, place))
                    self._have[name] = place.change
                except Exception as error:  # whatever it is, the others are to be told
                    failed[name] = error
            self._saw(wanted.changes, failed)
        return failed

    def follow(self, failed: Callable[[str, Exception], None]) -> None:
        """Look now and then, on a thread of its own, until `close`.

        Args:
            failed: is told of each model that could not be opened, and why; without a name, that
                it cannot be seen what is to be served, once for as long as that is so.
        """

        def run() -> None:
            sees = True
            while not self._ended.wait(_LOOK):
                try:
                    for name, error in self.look().items():
                        failed(name, error)
                    sees = True
                except OSError as error:  # of a shared disk, for a moment
                    if sees:
                        failed("", error)
                    sees = False

        threading.Thread(target=run, name="glossator-models", daemon=True).start()

    def close(self) -> None:
        """Follow no longer; what was asked of the models is answered first."""
        self._ended.set()
        self._desired.leave()
        for served in self._models.all():
            served.batcher.close()

    def load(self, name: str, place: Place, *, new: bool) -> Changed:
        """Serve a folder under a name; takes a while, in which the model before it answers.

        Args:
            name: of the model.
            place: where it lies.
            new: refuse to take the place of another.

        Raises:
            Refused: a model is being loaded, or it is not new.
            ModelFolderError: the folder cannot be opened, or is of another version.
        """
        with self._desired.changing():
            self.look()
            swapped = self._models.get(name) is not None
            if swapped and new:
                raise Refused(Problem("exists", "there is a model of this name; PUT swaps it", 409))
            served = self._open(name, place)
            kept = dataclasses.replace(place, version=served.version)
            with self._lock:
                try:
                    number = self._desired.put(name, kept).change
                except OSError:
                    served.batcher.close(0)
                    raise
                self._models.put(served)
                self._have[name] = number
                self._saw(number)
        return Changed(number, served, swapped)

    def unload(self, name: str) -> Changed:
        """Serve a model no longer.

        Raises:
            Refused: a model is being loaded, or there is none of this name.
        """
        with self._desired.changing(), self._lock:
            self.look()
            if name not in self._desired.read().models:
                raise Refused(Problem("unknown_model", "there is no such model", 404))
            number = self._desired.remove(name)
            self._models.remove(name)
            self._have.pop(name, None)
            self._saw(number)
        return Changed(number)

    async def settled(self, number: int, tries: int) -> tuple[int, list[str]]:
        """Wait until all workers have followed a change.

        Args:
            number: of the change.
            tries: how often to look.

        Returns:
            How many are behind still, and the models that some could not load.
        """
        for _ in range(tries):
            if not self._desired.behind(number):
                break
            await self._pause(_LOOK)
        return self._desired.behind(number), self._desired.failed()

    def _saw(self, changes: int, failed: Iterable[str] = ()) -> None:
        self._seen = changes
        self._desired.saw(changes, failed)

    def _open(self, name: str, place: Place) -> Served:
        served = self._opened(name, place)
        if place.version and served.version != place.version:
            served.batcher.close(0)
            raise ChangedFileError(
                f"the folder is of version {served.version}; expected {place.version}",
                file=Path(place.folder),
            )
        return served
