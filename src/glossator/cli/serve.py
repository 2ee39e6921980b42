"""`glossator serve`: model folders as an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from cyclopts import Parameter

from glossator.cli.options import FLAT, MACHINE, Shown
from glossator.cli.screen import Screen
from glossator.extras import require
from glossator.models.config import RuntimeConfig
from glossator.serving.config import LimitConfig, ServeConfig

__all__ = ["ServeOptions", "serve"]


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How an endpoint is run.

    Attributes:
        endpoint: where it listens, and whom it answers.
        limits: what may be asked.
        runtime: where the models run.
        shown: how it is told.
    """

    endpoint: Annotated[ServeConfig, FLAT] = field(default_factory=ServeConfig)
    limits: Annotated[LimitConfig, Parameter(name="*", group="Limits")] = field(
        default_factory=LimitConfig
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
    from glossator.serving.endpoint import Endpoint, OneKey, named_folders
    from glossator.serving.keys import KeyFile
    from glossator.serving.server import bound, listen

    config = options.endpoint
    screen = Screen(json=options.shown.json)
    folders = named_folders(models)
    keys = OneKey() if config.keys is None else KeyFile(config.keys)
    keys.keys()
    listener = bound(config)
    screen.say(f"opening {', '.join(folders)}")
    endpoint = Endpoint.of(folders, keys, config, options.limits, options.runtime)

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
