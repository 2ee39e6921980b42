"""`glossator serve`: model folders as an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from cyclopts import Parameter

from glossator.cli.options import FLAT, MACHINE, Shown
from glossator.cli.screen import Screen
from glossator.cli.serve_on_ray import address_of, on_ray
from glossator.extras import require
from glossator.models.config import RuntimeConfig
from glossator.serving.config import LimitConfig, ReplicaConfig, ServeConfig

__all__ = ["ServeOptions", "serve"]


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How an endpoint is run.

    Attributes:
        endpoint: where it listens, and whom it answers.
        limits: what may be asked.
        replicas: how many there are on a Ray cluster.
        runtime: where the models run.
        shown: how it is told.
    """

    endpoint: Annotated[ServeConfig, FLAT] = field(default_factory=ServeConfig)
    limits: Annotated[LimitConfig, Parameter(name="*", group="Limits")] = field(
        default_factory=LimitConfig
    )
    replicas: Annotated[ReplicaConfig, Parameter(name="*", group="Cluster")] = field(
        default_factory=ReplicaConfig
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
    options.replicas.refuse_unfit(config)
    screen = Screen(json=options.shown.json)
    if options.replicas.ray is not None:
        limits, runtime = options.limits, options.runtime
        return on_ray(models, config, limits, runtime, options.replicas, screen=screen)
    folders = named_folders(models)
    keys = OneKey() if config.keys is None else KeyFile(config.keys)
    keys.keys()
    listener = bound(config)
    screen.say(f"opening {', '.join(folders)}")
    endpoint = Endpoint.of(folders, keys, config, options.limits, options.runtime)

    def ready() -> None:
        endpoint.health.ready = True
        address = address_of(config, listener.getsockname()[1])
        screen.json({"address": address, "models": list(folders)})
        screen.line(f"listening at {address}")
        if isinstance(keys, OneKey):
            screen.say(f"key of this run: {keys.token}")

    def ending() -> None:
        endpoint.health.ready = False
        screen.say("ending: what was asked is answered first; a second signal ends at once")

    try:
        listen(endpoint.app, listener, config, ready=ready, ending=ending)
    finally:
        endpoint.close()
    return 0
