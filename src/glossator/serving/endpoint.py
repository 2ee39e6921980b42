"""Model folders behind an application."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.artifact.opening import load_sealed
from glossator.errors import InputError
from glossator.models.config import RuntimeConfig
from glossator.serving.access import Access, KeySource
from glossator.serving.app import App
from glossator.serving.batcher import Measured
from glossator.serving.changing import changing_routes
from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.health import Health, health_routes
from glossator.serving.keys import Key, new_key
from glossator.serving.lineup import Lineup, Place
from glossator.serving.metrics import Metrics
from glossator.serving.models import Models, Served
from glossator.serving.names import checked_name
from glossator.serving.predicting import Answering, model_routes
from glossator.serving.shared import Shared
from glossator.serving.shelf import Shelf
from glossator.serving.wiring import Wiring

__all__ = ["Endpoint", "OneKey", "named_folders"]


class OneKey:
    """A key that is made for one run, and shown once.

    Attributes:
        token: the key itself.
    """

    def __init__(self) -> None:
        self.token, key = new_key("admin", name="of this run")
        self._keys = {key.id: key}

    def keys(self) -> Mapping[str, Key]:
        """See `KeySource`."""
        return self._keys


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An application with its models.

    Attributes:
        app: to be asked.
        models: that answer.
        health: whether they can be asked.
        metrics: of what they answered.
        shelf: puts models up and takes them down; `shelf.follow()` has it follow other workers.
    """

    app: App
    models: Models
    health: Health
    metrics: Metrics
    shelf: Shelf
    state: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def of(
        cls,
        folders: Mapping[str, Path],
        keys: KeySource,
        config: ServeConfig,
        limits: LimitConfig,
        runtime: RuntimeConfig,
        wiring: Wiring | None = None,
    ) -> Endpoint:
        """Open model folders, warm them up, and put an application before them.

        Args:
            folders: by the names under which they are asked; left alone where the wiring has a
                lineup, which says what is served.
            keys: of those who may ask.
            config: how it is run.
            limits: of what is asked.
            runtime: where the models run.
            wiring: what it is joined to.

        Raises:
            ModelFolderError: one is missing, changed, or of a model that answers nothing.
        """
        wiring = wiring or Wiring()
        shared, metrics = wiring.shared or Shared(limits), Metrics()
        models = Models(metrics.watch, metrics.forget)
        health = Health(metrics.ready, lambda: shared.all_ready)
        root = None if config.models_root is None else Path(config.models_root).resolve()
        own = None
        if (lineup := wiring.lineup) is None:
            own = tempfile.TemporaryDirectory(prefix="glossator-state-")
            lineup = Lineup(Path(own.name))
            lineup.begin(folders)
        observe = _both(metrics.observe, wiring.observe)
        shelf = Shelf(models, lineup, _opener(root, config, runtime, observe))
        try:
            shelf.start()
        except BaseException:
            if own is not None:
                own.cleanup()
            raise
        app = App(
            [
                *health_routes(health),
                *metrics.routes(),
                *model_routes(Answering(models, limits, wiring.masks)),
                *changing_routes(shelf, root),
            ],
            Access.of(keys, config.allowed_hosts),
            tell=_both(metrics.tell, wiring.tell),
            begin=metrics.begin,
            admit=shared.rates.admit if shared.rates else lambda _: None,
            max_requests=limits.max_requests,
        )
        return cls(app=app, models=models, health=health, metrics=metrics, shelf=shelf, state=own)

    def close(self) -> None:
        """Answer what waits, and end."""
        self.health.ready = False
        self.shelf.close()
        if self.state is not None:
            self.state.cleanup()


def _opener(
    root: Path | None,
    config: ServeConfig,
    runtime: RuntimeConfig,
    observe: Callable[[str, Measured], None],
) -> Callable[[str, Place], Served]:
    """Opens the folder of a place, under a name, and warms it up."""

    def opened(name: str, place: Place) -> Served:
        below = root if place.under_root else None
        predictor, version = load_sealed(
            Path(below or "", place.folder),
            runtime=runtime,
            root=below,
            allow_unverified=config.allow_unverified,
        )
        served = Served(
            name,
            predictor,
            version,
            budget=config.token_budget,
            max_wait=config.max_wait,
            observe=observe,
        )
        try:
            served.warm_up()
        except BaseException:
            served.batcher.close(timeout=0)
            raise
        return served

    return opened


def _both(first: Callable[..., None], second: Callable[..., None]) -> Callable[..., None]:
    def call(*told: Any) -> None:
        first(*told)
        second(*told)

    return call


def named_folders(given: Sequence[str]) -> dict[str, Path]:
    """Model folders by the names under which they are asked: `FOLDER`, or `NAME=FOLDER`.

    Raises:
        InputError: two have one name, or a name cannot stand in a path.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        path = Path(folder if equals else text)
        name = name if equals else path.resolve().name
        if checked_name(name) in found:
            raise InputError(f"two models are called '{name}'; name one: other={path}")
        found[name] = path
    return found
