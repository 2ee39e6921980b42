"""`glossator serve`: model folders as an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from cyclopts import Parameter

from glossator.cli.options import FLAT, MACHINE, Shown
from glossator.cli.screen import Screen
from glossator.extras import require
from glossator.models.config import RuntimeConfig
from glossator.serving.config import LimitConfig, ServeConfig, SightConfig

__all__ = ["ServeOptions", "serve"]


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How an endpoint is run.

    Attributes:
        endpoint: where it listens, and whom it answers.
        limits: what may be asked.
        sight: what is told of it.
        runtime: where the models run.
        shown: how it is told.
    """

    endpoint: Annotated[ServeConfig, FLAT] = field(default_factory=ServeConfig)
    limits: Annotated[LimitConfig, Parameter(name="*", group="Limits")] = field(
        default_factory=LimitConfig
    )
    sight: Annotated[SightConfig, Parameter(name="*", group="Sight")] = field(
        default_factory=SightConfig
    )
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


_DEFAULTS = ServeOptions()


def serve(models: list[str], /, *, options: Annotated[ServeOptions, FLAT] = _DEFAULTS) -> int:
    """Answer over HTTP with model folders.

    Args:
        models: model folders; NAME=FOLDER gives one another name than its folder's.
        options: how.
    """
    require("serve")
    if options.sight.otel is not None:
        require("otel")
    from glossator.serving.endpoint import Endpoint, OneKey, named_folders
    from glossator.serving.keys import KeyFile
    from glossator.serving.server import bound, listen
    from glossator.serving.sight import opened_sight

    config = options.endpoint
    screen = Screen(json=options.shown.json)
    folders = named_folders(models)
    keys = OneKey() if config.keys is None else KeyFile(config.keys)
    keys.keys()
    listener = bound(config)
    with opened_sight(options.sight, options.runtime) as sight:
        screen.say(f"opening {', '.join(folders)}")
        endpoint = Endpoint.of(
            folders,
            keys,
            config,
            options.limits,
            options.runtime,
            tell=sight.tell,
            observe=sight.observe,
            masks=sight.masks,
        )

        def ready() -> None:
            endpoint.health.ready = True
            address = _address(config, listener.getsockname()[1])
            screen.json({"address": address, "models": list(folders)})
            screen.line(f"listening at {address}")
            if isinstance(keys, OneKey):
                screen.say(f"key of this run: {keys.token}")

        def ending() -> None:
            endpoint.health.ready = False
            screen.say("ending: what was asked is answered first; a second signal ends at once")

        listen(endpoint.app, listener, config, ready=ready, ending=ending)
    return 0


def _address(config: ServeConfig, port: int) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{'https' if config.tls_cert else 'http'}://{host}:{port}"
