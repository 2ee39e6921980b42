"""`glossator serve`: model folders as an endpoint."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from glossator.cli.failures import report
from glossator.cli.options import FLAT, MACHINE, Shown
from glossator.cli.screen import Screen
from glossator.cli.serve_on_ray import address_of, on_ray
from glossator.cli.task_options import KEPT, given
from glossator.errors import ConfigError, GlossatorError
from glossator.extras import require
from glossator.models.config import RuntimeConfig
from glossator.serving.config import LimitConfig, ObservabilityConfig, ReplicaConfig, ServeConfig

if TYPE_CHECKING:
    from glossator.artifact.opening import OpenedAs
    from glossator.serving.endpoint import Endpoint
    from glossator.serving.observability import Observability

__all__ = ["ServeOptions", "serve"]


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How an endpoint is run.

    Attributes:
        task: that the model folders are to answer, where it is not their own; of all models of the
            command.
        asks: what is wanted of all answers, of models that are opened so.
        endpoint: where it listens, and whom it answers.
        limits: what may be asked.
        observability: what is told of it.
        replicas: how many there are on a Ray cluster.
        runtime: where the models run.
        shown: how it is told.
    """

    task: str | None = None
    asks: Annotated[KEPT, Parameter(name="*", group="Answers")] = field(default_factory=KEPT)
    endpoint: Annotated[ServeConfig, FLAT] = field(default_factory=ServeConfig)
    limits: Annotated[LimitConfig, Parameter(name="*", group="Limits")] = field(
        default_factory=LimitConfig
    )
    observability: Annotated[ObservabilityConfig, Parameter(name="*", group="Observability")] = (
        field(default_factory=ObservabilityConfig)
    )
    replicas: Annotated[ReplicaConfig, Parameter(name="*", group="Cluster")] = field(
        default_factory=ReplicaConfig
    )
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


_DEFAULTS = ServeOptions()
_OF_SEVERAL = (
    "; --task is for all models of the command: one that is to answer another task than its own "
    "beside others can be saved as a folder first, glossator.load(FOLDER, task=TASK).save(NEW)"
)


def serve(models: list[str], /, *, options: Annotated[ServeOptions, FLAT] = _DEFAULTS) -> int:
    """Answer over HTTP with model folders.

    Args:
        models: model folders, or starters; NAME=FOLDER gives one another name than its folder's.
        options: how.
    """
    require("serve")
    if options.observability.otel is not None:
        require("otel")
    options.replicas.refuse_unfit(options.endpoint, options.limits)
    opened_as = _opened_as(options)
    if options.replicas.ray is not None:
        screen, limits = Screen(json=options.shown.json), options.limits
        runtime, replicas = options.runtime, options.replicas
        return on_ray(
            models,
            options.endpoint,
            limits,
            runtime,
            replicas,
            observability=options.observability,
            opened_as=opened_as,
            screen=screen,
        )
    with ExitStack() as stack:
        if options.endpoint.workers > 1:
            # How metrics are kept is decided once, when their library is imported.
            from glossator.serving.metric_files import shared_metrics

            stack.enter_context(shared_metrics())
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="glossator-state-"))
        return _Serving(models, options, opened_as, Path(state)).run()


def _opened_as(options: ServeOptions) -> OpenedAs:
    """As what the models are opened; files that are named are read now, and by nobody else.

    Raises:
        ConfigError: there is no such task, it knows no such wish, or it is not told.
    """
    from glossator.artifact.opening import OpenedAs, opened_asks
    from glossator.tasks.registry import asks_of, config_named

    asks = given(options.asks)
    if options.task is None:
        if asks:
            raise ConfigError(f"--{next(iter(asks)).replace('_', '-')} asks for --task")
        return OpenedAs()
    asks_of(config_named(options.task), asks)
    return OpenedAs(task=options.task, asks=opened_asks(options.task, asks))


class _Serving:
    """An endpoint of one or several processes, of which this one sees to the others.

    Args:
        models: as they were typed.
        options: how.
        opened_as: as what they are opened.
        state: folder of what the processes tell each other.
    """

    def __init__(
        self, models: Sequence[str], options: ServeOptions, opened_as: OpenedAs, state: Path
    ):
        from glossator.serving.desired_models import DesiredModels
        from glossator.serving.endpoint import OneKey, named_folders
        from glossator.serving.keys import KeyFile
        from glossator.serving.server import bound
        from glossator.serving.shared import Shared

        self._config, self._options, self._opened_as = options.endpoint, options, opened_as
        self._screen = Screen(json=options.shown.json)
        self._folders = named_folders(models)
        self._keys = OneKey() if self._config.keys is None else KeyFile(self._config.keys)
        self._keys.keys()
        self._listener = bound(self._config)
        self._shared, self._state = Shared(options.limits), state
        DesiredModels(state).begin(self._folders)

    def run(self) -> int:
        """Answer until it is told to end; the exit code."""
        from glossator.serving.workers import Workers

        self._screen.say(f"opening {', '.join(self._folders)}")
        return Workers(
            count=self._config.workers,
            work=self._work,
            stand_in=self._stand_in,
            shared=self._shared,
            drain=self._config.drain,
            close=self._closed,
            ready=self._ready,
            say=self._screen.say,
        ).run()

    def _work(self, ready: Callable[[], None]) -> int:
        """Be one of the processes."""
        from glossator.serving.observability import observing
        from glossator.serving.server import listen

        options, runtime = self._options, self._runtime()
        with ExitStack() as stack:
            try:
                observed = stack.enter_context(observing(options.observability, runtime))
                endpoint = self._endpoint(observed, runtime)
            except GlossatorError as error:
                if self._opened_as.task is not None and len(self._folders) > 1:
                    error.message += _OF_SEVERAL
                return report(error, json=options.shown.json, debug=options.shown.debug)
            stack.callback(endpoint.close)
            endpoint.manager.follow(observed.log.load_failed)

            def begin() -> None:
                endpoint.health.ready = True
                ready()

            def end() -> None:
                endpoint.health.ready = False

            listen(
                endpoint.app,
                self._listener,
                self._config,
                options.limits,
                ready=begin,
                ending=end,
            )
        return 0

    def _endpoint(self, observed: Observability, runtime: RuntimeConfig) -> Endpoint:
        from glossator.serving.desired_models import DesiredModels
        from glossator.serving.endpoint import Endpoint
        from glossator.serving.wiring import Wiring

        wiring = Wiring(
            tell=observed.tell,
            observe=observed.observe,
            masks=observed.masks,
            shared=self._shared,
            desired=DesiredModels(self._state),  # one of its own, by which the others know it
            opened_as=self._opened_as,
        )
        limits = self._options.limits
        return Endpoint.of(self._folders, self._keys, self._config, limits, runtime, wiring)

    def _runtime(self) -> RuntimeConfig:
        """Where one of several processes runs its models: on its share of the processors."""
        runtime, count = self._options.runtime, self._config.workers
        if runtime.threads is not None or count == 1:
            return runtime
        return replace(runtime, threads=max(1, (os.cpu_count() or 1) // count))

    def _stand_in(self, ready: Callable[[], None]) -> int:
        """Say that there is none of them."""
        from glossator.serving.logs import EventLog
        from glossator.serving.server import listen
        from glossator.serving.stand_in import stand_in

        told = self._options.observability
        log = EventLog(told.log, told.log_level)
        # What uvicorn has to say would quote what others have sent.
        with contextlib.closing(log), log.listening():
            listen(stand_in, self._listener, self._config, self._options.limits, ready=ready)
        return 0

    def _ready(self) -> None:
        from glossator.serving.endpoint import OneKey

        address = address_of(self._config, self._listener.getsockname()[1])
        self._screen.json({"address": address, "models": list(self._folders)})
        self._screen.line(f"listening at {address}")
        if isinstance(self._keys, OneKey):
            self._screen.say(f"key of this run: {self._keys.token}")
        sys.stdout.flush()

    def _closed(self) -> None:
        self._listener.close()
        self._screen.say("ending: what was asked is answered first; a second signal ends at once")
