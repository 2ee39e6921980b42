"""`glossator serve --ray`: model folders as an endpoint of several replicas."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from glossator.cli.screen import Screen
from glossator.extras import require
from glossator.models.config import RuntimeConfig
from glossator.serving.config import (
    LimitConfig,
    ObservabilityConfig,
    ReplicaConfig,
    ServeConfig,
)

if TYPE_CHECKING:
    from glossator.artifact.opening import OpenedAs

__all__ = ["address_of", "on_ray"]

_LEFT_AT_ONCE = 130


def on_ray(
    models: Sequence[str],
    config: ServeConfig,
    limits: LimitConfig,
    runtime: RuntimeConfig,
    replicas: ReplicaConfig,
    *,
    observability: ObservabilityConfig,
    opened_as: OpenedAs,
    screen: Screen,
) -> int:
    """Answer until SIGTERM or SIGINT comes.

    Args:
        models: model folders; NAME=FOLDER gives one another name than its folder's.
        config: where it listens, and whom it answers.
        limits: what may be asked.
        runtime: where the models run.
        replicas: on which cluster, and how many.
        observability: what each replica tells, and hides of texts.
        opened_as: as what the models are opened.
        screen: tells of it.
    """
    require("ray")
    from glossator.serving.desired_models import DesiredModels
    from glossator.serving.endpoint import OneKey, named_folders
    from glossator.serving.keys import KeyFile
    from glossator.serving.replicas import Digests, Replica, replicated
    from glossator.serving.server import bound

    folders = named_folders(models)
    own = OneKey() if config.keys is None else None
    keys = Digests(own.keys()) if own else KeyFile(Path(str(config.keys)).resolve())
    keys.keys()
    with bound(config) as listener:  # Ray says of a port in use no more than that it failed
        port = listener.getsockname()[1]
    config = _with_port(config, port)
    with _state(config) as state, _on_this_machine(replicas) as shared:
        DesiredModels(state).begin(folders)
        screen.say(f"opening {', '.join(folders)} on {replicas.ray}")
        told = _with_paths(observability)
        replica = Replica(state, keys, config, limits, runtime, shared, told, opened_as)
        # Ray takes the signals when it starts.
        with replicated(replica, config, replicas), _told_to_end() as end:
            address = address_of(config, port)
            screen.json({"address": address, "models": list(folders)})
            screen.line(f"listening at {address}")
            if own is not None:
                screen.say(f"key of this run: {own.token}")
            end.wait()
            screen.say("ending: what was asked is answered first; a second signal ends at once")
    return 0


def address_of(config: ServeConfig, port: int) -> str:
    """Where an endpoint is asked."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{'https' if config.tls_cert else 'http'}://{host}:{port}"


def _with_port(config: ServeConfig, port: int) -> ServeConfig:
    root = None if config.models_root is None else str(Path(config.models_root).resolve())
    return dataclasses.replace(config, port=port, models_root=root)


def _with_paths(config: ObservabilityConfig) -> ObservabilityConfig:
    """With paths that lead to the same place from wherever a replica runs."""
    given = (config.log, config.mask_names)
    log, names = (None if x is None else os.path.abspath(x) for x in given)
    return dataclasses.replace(config, log=log, mask_names=names)


@contextlib.contextmanager
def _state(config: ServeConfig) -> Iterator[Path]:
    if config.state is not None:
        yield Path(config.state).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="glossator-state-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _on_this_machine(replicas: ReplicaConfig) -> Iterator[Path | None]:
    """A folder for what the replicas of one machine have in common; None: they are on several."""
    if replicas.ray != "local":
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="glossator-shared-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Set by the first SIGTERM or SIGINT; the second ends this process at once."""
    told = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if told.is_set():
            os._exit(_LEFT_AT_ONCE)
        told.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, on_signal) for number in signals]
    try:
        yield told
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
