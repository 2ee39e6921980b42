"""Model folders behind an application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glossator.errors import InputError
from glossator.models.config import RuntimeConfig
from glossator.serving.access import Access, KeySource
from glossator.serving.app import App, Told
from glossator.serving.batcher import Measured
from glossator.serving.choosing import Chooser, defaults_of
from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.contract import contract_routes
from glossator.serving.health import Health, health_routes
from glossator.serving.keys import Key, new_key
from glossator.serving.models import Models, Served, open_model
from glossator.serving.page import page_routes
from glossator.serving.predicting import Answering, model_routes
from glossator.serving.protocols.kserve import kserve_routes
from glossator.serving.protocols.openai import openai_routes
from glossator.serving.protocols.tei import tei_routes
from glossator.serving.status import Status, status_routes

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
    """

    app: App
    models: Models
    health: Health

    @classmethod
    def of(
        cls,
        folders: Mapping[str, Path],
        keys: KeySource,
        config: ServeConfig,
        limits: LimitConfig,
        runtime: RuntimeConfig,
        *,
        tell: Callable[[Told], None] = lambda _: None,
        observe: Callable[[str, Measured], None] = lambda *_: None,
    ) -> Endpoint:
        """Open model folders, warm them up, and put an application before them.

        Raises:
            ModelFolderError: one is missing, changed, or of a model that answers nothing.
        """
        models, health, status = Models(), Health(), Status()

        def observed(name: str, measured: Measured) -> None:
            status.batch(measured)
            observe(name, measured)

        def told(request: Told) -> None:
            status.request(request)
            tell(request)

        for name, folder in folders.items():
            predictor, version = open_model(
                name, folder, runtime, allow_unverified=config.allow_unverified
            )
            served = Served(
                name,
                predictor,
                version,
                budget=config.token_budget,
                max_wait=config.max_wait,
                observe=observed,
            )
            served.warm_up()
            models.put(served)
        answering = Answering(models, limits)
        chooser = Chooser(models, defaults_of(config.default, models))
        routes = [
            *page_routes(),
            *health_routes(health),
            *model_routes(answering),
            *status_routes(status, models),
            *openai_routes(answering, chooser),
            *tei_routes(answering, chooser),
            *kserve_routes(answering, health),
            *contract_routes(),
        ]
        app = App(routes, Access.of(keys, config.allowed_hosts), tell=told)
        return cls(app=app, models=models, health=health)

    def close(self) -> None:
        """Answer what waits, and end."""
        self.health.ready = False
        for served in self.models.all():
            served.batcher.close()


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
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise InputError(f"model name '{name}' may have letters, digits, '-', '_' and '.'")
        if name in found:
            raise InputError(f"two models are called '{name}'; name one: other={path}")
        found[name] = path
    return found
