"""The same application on Ray Serve, which starts and ends replicas of it as the load asks."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from glossator.artifact.opening import OpenedAs
from glossator.clusters import connected
from glossator.errors import ConfigError
from glossator.extras import missing
from glossator.models.config import RuntimeConfig
from glossator.serving.access import KeySource
from glossator.serving.config import (
    LimitConfig,
    ObservabilityConfig,
    ReplicaConfig,
    ServeConfig,
)
from glossator.serving.desired_models import DesiredModels
from glossator.serving.endpoint import Endpoint
from glossator.serving.keys import Key
from glossator.serving.metric_files import VARIABLE
from glossator.serving.observability import observing
from glossator.serving.shared import Shared
from glossator.serving.wiring import Wiring

__all__ = ["Digests", "Replica", "Replicas", "replicated"]

_NAME = "glossator"
_AT_ONCE = 10_000  # requests that Ray hands to a replica, whose own limits come before
_LOOK = 1.0  # seconds between two looks at the load


@dataclass(frozen=True)
class Digests:
    """Keys as they are now, for replicas: what opens never leaves this process."""

    known: Mapping[str, Key]

    def keys(self) -> Mapping[str, Key]:
        """See `KeySource`."""
        return self.known


class Replica:
    """An ASGI application that is sent to where it runs, and opens its models there.

    Args:
        state: folder of the desired models, which all replicas follow.
        keys: of those who may ask.
        config: how it is run.
        limits: of what is asked.
        runtime: where the models run.
        shared: folder of this machine through which all replicas have budgets of keys and metrics
            in common; None: each has its own.
        observability: what is told of it, and what of texts is hidden.
        opened_as: as what the models with which it begins are opened.
    """

    def __init__(
        self,
        state: Path,
        keys: KeySource,
        config: ServeConfig,
        limits: LimitConfig,
        runtime: RuntimeConfig,
        shared: Path | None = None,
        observability: ObservabilityConfig | None = None,
        opened_as: OpenedAs | None = None,
    ):
        self._state, self._keys, self._config = state, keys, config
        self._limits, self._shared = limits, shared
        self._observability = observability or ObservabilityConfig()
        self._opened_as = opened_as or OpenedAs()
        # Each replica has one processor.
        self._runtime = dataclasses.replace(runtime, threads=runtime.threads or 1)
        self._endpoint: Endpoint | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; the models are opened when it is told to start up."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._endpoint is not None, "asked before it was started"
            await self._endpoint.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        with contextlib.ExitStack() as stack:
            try:
                self._endpoint = self._opened(stack)
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def actor_options(self) -> dict[str, Any]:
        """How Ray runs it: on one processor, and where its metrics are kept."""
        options: dict[str, Any] = {"num_cpus": 1}
        if self._shared is not None:
            # How metrics are kept is decided when their library is imported, where it is run.
            metrics = self._shared / "metrics"
            metrics.mkdir(exist_ok=True)
            options["runtime_env"] = {"env_vars": {VARIABLE: str(metrics)}}
        return options

    def _opened(self, stack: contextlib.ExitStack) -> Endpoint:
        """The endpoint, until the stack is unwound."""
        observed = stack.enter_context(observing(self._observability, self._runtime))
        budgets = None if self._shared is None else self._shared / "budgets"
        wiring = Wiring(
            tell=observed.tell,
            observe=observed.observe,
            masks=observed.masks,
            shared=Shared(self._limits, budgets),
            desired=DesiredModels(self._state),
            opened_as=self._opened_as,
        )
        endpoint = Endpoint.of({}, self._keys, self._config, self._limits, self._runtime, wiring)
        stack.callback(endpoint.close)
        endpoint.manager.follow(observed.log.load_failed)
        endpoint.health.ready = True
        return endpoint


@dataclass(frozen=True)
class Replicas:
    """Replicas that run.

    Attributes:
        serve: the package `ray.serve`.
    """

    serve: Any

    def running(self) -> int:
        """How many can be asked."""
        deployment = self.serve.status().applications[_NAME].deployments[_NAME]
        states = {str(getattr(x, "value", x)): n for x, n in deployment.replica_states.items()}
        return int(states.get("RUNNING", 0))


@contextlib.contextmanager
def replicated(
    replica: Replica, config: ServeConfig, replicas: ReplicaConfig
) -> Iterator[Replicas]:
    """Replicas behind a port for the length of a block; what was asked by its end is answered.

    Args:
        replica: the application.
        config: where it is asked.
        replicas: where, and how many.

    Raises:
        MissingPackageError: Ray Serve is not installed.
        ConfigError: no cluster answers at the address, it is too small, or serves already.
    """
    assert replicas.ray is not None
    with connected(replicas.ray, replicas.max_replicas):
        try:
            from ray import serve
        except ImportError:
            raise missing("ray-serve") from None
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        if serve.status().proxies:
            raise ConfigError(
                f"Ray Serve runs on {replicas.ray} already, and its port stays as it is; end that "
                "first: serve shutdown"
            )
        _start(serve, config)
        try:
            ingress = serve.deployment(
                name=_NAME,
                ray_actor_options=replica.actor_options(),
                max_ongoing_requests=_AT_ONCE,
                graceful_shutdown_timeout_s=config.drain,
                autoscaling_config=_scaling(replicas),
                # A folder that cannot be opened is no better the next time.
                max_constructor_retry_count=1,
            )(serve.ingress(replica)())
            serve.run(ingress.bind(), name=_NAME, logging_config=_quiet())
            yield Replicas(serve)
            serve.delete(_NAME)
        finally:
            if replicas.ray != "local":  # which ends as a whole
                serve.shutdown()


def _start(serve: Any, config: ServeConfig) -> None:
    options: dict[str, Any] = {"host": config.host, "port": config.port}
    if config.tls_cert:
        options |= {"ssl_certfile": config.tls_cert, "ssl_keyfile": config.tls_key}
    serve.start(proxy_location="HeadOnly", http_options=options, logging_config=_quiet())


def _quiet() -> dict[str, Any]:
    """Ray's own log of requests would hold their paths."""
    return {"log_level": logging.getLevelName(logging.WARNING), "enable_access_log": False}


def _scaling(replicas: ReplicaConfig) -> dict[str, Any]:
    """What waits at a replica and at the proxy before it decides how many there are."""
    return {
        "min_replicas": replicas.min_replicas,
        "initial_replicas": replicas.min_replicas,
        "max_replicas": replicas.max_replicas,
        "target_ongoing_requests": replicas.queue_depth,
        "upscale_delay_s": replicas.scale_up_after,
        "downscale_delay_s": replicas.scale_down_after,
        "metrics_interval_s": _LOOK,
        "look_back_period_s": min(replicas.scale_up_after, replicas.scale_down_after),
    }
