"""A connection to a Ray cluster, where Ray is installed."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from glossator.errors import ConfigError
from glossator.extras import missing

__all__ = ["connected"]

_CONNECT = 10.0
_TRIES = 3


@contextlib.contextmanager
def connected(address: str, workers: int) -> Iterator[Any]:
    """The `ray` package, connected to a cluster for the length of a block.

    Args:
        address: of a cluster, or `local` for one on this machine that ends with the block.
        workers: how many there will be.

    Raises:
        MissingPackageError: Ray is not installed.
        ConfigError: no cluster answers at the address, or it has too few processors.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # What still asks for it after the block would begin another cluster.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    try:
        import ray
    except ImportError:
        raise missing("ray") from None
    _check_reachable(address)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address == "local":
            cores = max(workers + 1, os.cpu_count() or 1)  # one more reads
            _begin(ray, cores, quiet)
        else:
            ray.init(address=address, **quiet)
    except Exception as error:  # of a machine that is too busy Ray says it with a plain one
        raise ConfigError(f"no Ray cluster answers at {address}: {error}") from error
    try:
        has = int(ray.cluster_resources().get("CPU", 0))
        if has < workers:
            raise ConfigError(f"--workers {workers} is more than the cluster has processors: {has}")
        yield ray
    finally:
        ray.shutdown()


def _begin(ray: Any, cores: int, quiet: dict[str, Any]) -> None:
    """A cluster on this machine; a busy one may need more than the 30 seconds that Ray waits."""
    for left in reversed(range(_TRIES)):
        try:
            # Without an address Ray would join one that runs here already.
            ray.init("local", num_cpus=cores, include_dashboard=False, **quiet)
            return
        except Exception as error:
            if not left or "timed out during startup" not in str(error):
                raise
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray itself tries for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT).close()
    except OSError as error:
        raise ConfigError(f"no Ray cluster answers at {address}: {error}") from error
