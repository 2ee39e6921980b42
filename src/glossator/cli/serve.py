"""`glossator serve`: model folders as an endpoint."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Annotated

from cyclopts import Parameter

from glossator.cli.failures import report
from glossator.cli.options import FLAT, MACHINE, Shown
from glossator.cli.screen import Screen
from glossator.errors import GlossatorError
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
    with ExitStack() as stack:
        if options.endpoint.workers > 1:
            # How metrics are kept is decided once, when their library is imported.
            from glossator.serving.metric_files import shared_metrics

            stack.enter_context(shared_metrics())
        return _serve(models, options)


def _serve(models: list[str], options: ServeOptions) -> int:
    from glossator.serving.absent import absent
    from glossator.serving.endpoint import Endpoint, OneKey, named_folders
    from glossator.serving.keys import KeyFile
    from glossator.serving.server import bound, listen
    from glossator.serving.shared import Shared
    from glossator.serving.sight import opened_sight
    from glossator.serving.workers import Workers

    config, limits = options.endpoint, options.limits
    screen = Screen(json=options.shown.json)
    folders = named_folders(models)
    keys = OneKey() if config.keys is None else KeyFile(config.keys)
    keys.keys()
    listener = bound(config)
    address = _address(config, listener.getsockname()[1])
    shared = Shared(limits)
    screen.say(f"opening {', '.join(folders)}")

    def work(ready: Callable[[], None]) -> int:
        runtime = _of_one(options.runtime, config)
        with ExitStack() as stack:
            try:
                sight = stack.enter_context(opened_sight(options.sight, runtime))
                endpoint = Endpoint.of(
                    folders,
                    keys,
                    config,
                    limits,
                    runtime,
                    tell=sight.tell,
                    observe=sight.observe,
                    masks=sight.masks,
                    shared=shared,
                )
            except GlossatorError as error:
                return report(error, json=options.shown.json, debug=options.shown.debug)

            def begin() -> None:
                endpoint.health.ready = True
                ready()

            def end() -> None:
                endpoint.health.ready = False

            listen(endpoint.app, listener, config, limits, ready=begin, ending=end)
        return 0

    def stand_in(ready: Callable[[], None]) -> int:
        listen(absent, listener, config, limits, ready=ready)
        return 0

    def told() -> None:
        screen.json({"address": address, "models": list(folders)})
        screen.line(f"listening at {address}")
        if isinstance(keys, OneKey):
            screen.say(f"key of this run: {keys.token}")
        sys.stdout.flush()

    def closed() -> None:
        listener.close()
        screen.say("ending: what was asked is answered first; a second signal ends at once")

    return Workers(
        count=config.workers,
        work=work,
        stand_in=stand_in,
        shared=shared,
        drain=config.drain,
        close=closed,
        ready=told,
        say=screen.say,
    ).run()


def _of_one(runtime: RuntimeConfig, config: ServeConfig) -> RuntimeConfig:
    """Where one of several processes runs its models: on its share of the processors."""
    if runtime.threads is not None or config.workers == 1:
        return runtime
    return replace(runtime, threads=max(1, (os.cpu_count() or 1) // config.workers))


def _address(config: ServeConfig, port: int) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{'https' if config.tls_cert else 'http'}://{host}:{port}"
