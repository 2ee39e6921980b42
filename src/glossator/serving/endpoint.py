"""Model folders behind an application."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glossator.artifact.opening import OpenedAs, load_sealed, located
from glossator.errors import InputError
from glossator.models.config import RuntimeConfig
from glossator.serving.access import Access, KeySource
from glossator.serving.app import App, Told
from glossator.serving.batcher import Measured
from glossator.serving.choosing import Chooser, defaults_of
from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.contract import contract_routes
from glossator.serving.desired_models import DesiredModels, Place
from glossator.serving.health import Health, health_routes
from glossator.serving.keys import Key, new_key
from glossator.serving.metrics import Metrics
from glossator.serving.model_admin import model_admin_routes
from glossator.serving.model_manager import ModelManager
from glossator.serving.models import Models, Served
from glossator.serving.names import checked_name
from glossator.serving.page import page_routes
from glossator.serving.predicting import Answering, model_routes
from glossator.serving.protocols.kserve import kserve_routes
from glossator.serving.protocols.openai import openai_routes
from glossator.serving.protocols.tei import tei_routes
from glossator.serving.shared import Shared
from glossator.serving.status import Status, status_routes
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
        manager: loads and unloads models; `manager.follow()` has it follow other workers.
    """

    app: App
    models: Models
    health: Health
    metrics: Metrics
    manager: ModelManager
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
            folders: by the names under which they are asked, where the wiring desires no models.
            keys: of those who may ask.
            config: how it is run.
            limits: of what is asked.
            runtime: where the models run.
            wiring: what it is joined to.

        Raises:
            ModelFolderError: one is missing, changed, or of a model that answers nothing.
        """
        wiring = wiring or Wiring()
        shared, metrics, status = wiring.shared or Shared(limits), Metrics(), Status()
        models = Models(metrics.watch, metrics.forget)
        health = Health(metrics.ready, lambda: shared.all_ready)
        root = None if config.models_root is None else Path(config.models_root).resolve()
        desired, own = _desired(wiring, folders)

        def observed(name: str, batch: Measured) -> None:
            metrics.observe(name, batch)
            status.batch(name, batch)
            wiring.observe(name, batch)

        def told(request: Told) -> None:
            metrics.tell(request)
            status.request(request)
            wiring.tell(request)

        manager = ModelManager(
            models, desired, _opener(root, config, runtime, observed, wiring.opened_as)
        )
        try:
            manager.start()
            chooser = Chooser(models, defaults_of(config.default, models))
        except BaseException:
            if own is not None:
                own.cleanup()
            raise
        answering = Answering(models, limits, wiring.masks)
        app = App(
            [
                *page_routes(),
                *health_routes(health),
                *metrics.routes(),
                *model_routes(answering),
                *model_admin_routes(manager, root),
                *status_routes(status, models),
                *openai_routes(answering, chooser),
                *tei_routes(answering, chooser),
                *kserve_routes(answering, health),
                *contract_routes(),
            ],
            Access.of(keys, config.allowed_hosts),
            tell=told,
            begin=metrics.begin,
            admit=shared.rates.admit if shared.rates else lambda _: None,
            max_requests=limits.max_requests,
        )
        return cls(
            app=app, models=models, health=health, metrics=metrics, manager=manager, state=own
        )

    def close(self) -> None:
        """Answer what waits, and end."""
        self.health.ready = False
        self.manager.close()
        if self.state is not None:
            self.state.cleanup()


def _desired(
    wiring: Wiring, folders: Mapping[str, Path]
) -> tuple[DesiredModels, tempfile.TemporaryDirectory[str] | None]:
    """What is to be served, and where that is written down if nobody else keeps it."""
    if wiring.desired is not None:
        return wiring.desired, None
    own = tempfile.TemporaryDirectory(prefix="glossator-state-")
    desired = DesiredModels(Path(own.name))
    desired.begin(folders)
    return desired, own


def _opener(
    root: Path | None,
    config: ServeConfig,
    runtime: RuntimeConfig,
    observe: Callable[[str, Measured], None],
    opened_as: OpenedAs,
) -> Callable[[str, Place], Served]:
    """Opens the folder of a place, under a name, and warms it up.

    One that an administrator names is opened as what it says itself.
    """

    def opened(name: str, place: Place) -> Served:
        below = root if place.under_root else None
        predictor, version = load_sealed(
            Path(below or "", place.folder),
            runtime=runtime,
            root=below,
            allow_unverified=config.allow_unverified,
            opened_as=None if place.under_root else opened_as,
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


def named_folders(given: Sequence[str]) -> dict[str, Path]:
    """Model folders by the names under which they are asked: `FOLDER`, or `NAME=FOLDER`.

    In the place of a folder there may be the name of a starter.

    Raises:
        ModelFolderError: a starter is not on this machine.
        InputError: two have one name, or a name cannot stand in a path.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        path = Path(folder if equals else text)
        name = name if equals else path.resolve().name
        if checked_name(name) in found:
            raise InputError(f"two models are called '{name}'; name one: other={path}")
        found[name] = located(path)
    return found
