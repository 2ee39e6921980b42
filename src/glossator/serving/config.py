"""How an endpoint is run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from glossator.errors import ConfigError

__all__ = ["LimitConfig", "LogLevel", "ObservabilityConfig", "ReplicaConfig", "ServeConfig"]

LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class LimitConfig:
    """What a request may ask for, and how much may wait.

    Attributes:
        max_body: bytes of a body, also once it is unpacked; and characters that are read for a
            request, each as often as it is, such as a query with each of many texts.
        max_inputs: texts of a request.
        max_text: characters of a text.
        max_tokens: of a request, of all its windows.
        max_waiting: tokens that wait for a model at most; above them requests are refused for a
            moment.
        max_delay: seconds of work that wait for a model beyond a full batch, by its pace of late;
            above them requests are refused for a moment too.
        max_requests: requests that a process answers at once; more are refused for a moment.
        max_connections: connections that a process has at once; more are closed.
        deadline: seconds after which a request is given up.
        keep_alive: seconds for which a connection at rest is kept.
        header_timeout: seconds in which the headers of a request have to come.
        body_timeout: seconds in which its body has to come.
        rate: requests a second of each key, over all processes; None: as many as come.
        burst: requests that may come at once within that rate.
    """

    max_body: int = 2_000_000
    max_inputs: int = 1_000
    max_text: int = 1_000_000
    max_tokens: int = 200_000
    max_waiting: int = 16_384  # four full batches: what waits longer is better told so
    max_delay: float = 2.0
    max_requests: int = 256
    max_connections: int = 1_000
    deadline: float = 30.0
    keep_alive: int = 75  # longer than proxies keep theirs, which would ask a closed one
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    rate: float | None = None
    burst: int = 10

    def __post_init__(self) -> None:
        for field in fields(self):
            value, flag = getattr(self, field.name), field.name.replace("_", "-")
            if isinstance(field.default, int) and value < 1:
                raise ConfigError(f"--{flag} must be 1 or more, got {value}")
            if value is not None and not value > 0:
                raise ConfigError(f"--{flag} must be above 0, got {value}")


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """Where an endpoint listens, and whom it answers.

    Attributes:
        host: address to listen at; beyond this machine TLS and keys are asked for.
        port: to listen at; 0 takes a free one.
        keys: file of keys, see `glossator key`; without one a key is made and shown once.
        allowed_hosts: names by which the endpoint is called, beside those of this machine.
        tls_cert: file of the certificate, and
        tls_key: of its private key.
        tls_terminated_by_proxy: a proxy in front of it speaks TLS.
        models_root: folder whose models an administrator may load by name.
        state: folder through which the machines of a cluster agree on the models; all see it.
        allow_unverified: serve folders without a manifest, which nothing vouches for.
        max_wait: seconds that a text waits for others while its model is free.
        token_budget: tokens that go through a model at once.
        drain: seconds that requests have to be answered once the server is told to end.
        workers: processes that share the port.
        default: TASK=MODEL: the model that answers where a protocol names none.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    keys: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_terminated_by_proxy: bool = False
    models_root: str | None = None
    state: str | None = None
    allow_unverified: bool = False
    max_wait: float = 0.0
    token_budget: int = 4_096
    drain: float = 30.0
    workers: int = 1
    default: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"--port must be from 0 to 65535, got {self.port}")
        if self.workers < 1:
            raise ConfigError(f"--workers must be 1 or more, got {self.workers}")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("--tls-cert and --tls-key are given together")
        if not self.is_local and not (self.tls_cert or self.tls_terminated_by_proxy):
            raise ConfigError(
                f"--host {self.host} is reached from other machines, to which keys and texts "
                "would travel in the open: give --tls-cert and --tls-key, or "
                "--tls-terminated-by-proxy"
            )
        if not self.is_local and self.keys is None:
            raise ConfigError(f"--host {self.host} is reached from other machines: give --keys")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True)
class ObservabilityConfig:
    """What is told of what an endpoint does, and what of texts is hidden.

    Attributes:
        log: file of the log, one JSON record an event; by default standard error.
        log_level: events of less weight are left out; debug has each question for health too.
        log_texts: log the texts of requests, with personal data hidden; asks for --mask.
        mask: hide personal data (e-mail, telephone, card, IBAN, identity number, IP, address) in
            what is logged, and answer each text also as it is then, under `masked`.
        mask_names: model folder that finds names of persons, which are then hidden too.
        otel: address of an OpenTelemetry collector that is sent a trace of each request, such as
            http://localhost:4318; nothing is sent without it.
    """

    log: str | None = None
    log_level: LogLevel = "info"
    log_texts: bool = False
    mask: bool = False
    mask_names: str | None = None
    otel: str | None = None

    def __post_init__(self) -> None:
        if self.log_texts and not self.mask:
            raise ConfigError("--log-texts asks for --mask: texts are logged masked or not at all")
        if self.otel is not None and not self.otel.startswith(("http://", "https://")):
            raise ConfigError(f"--otel must be an http or https address, got {self.otel!r}")


@dataclass(frozen=True, kw_only=True)
class ReplicaConfig:
    """How many replicas of an endpoint run on a Ray cluster.

    Attributes:
        ray: address of a Ray cluster, or `local` for one on this machine that ends with the server.
        min_replicas: that run without load.
        max_replicas: that run at most; each has a processor.
        queue_depth: requests that wait or are answered for each replica; above it another is
            started, and one is ended where fewer replicas would stay below it.
        scale_up_after: seconds for which there was too much to do.
        scale_down_after: seconds for which there was too little.
    """

    ray: str | None = None
    min_replicas: int = 1
    max_replicas: int = 1
    queue_depth: int = 16
    scale_up_after: float = 5.0
    scale_down_after: float = 60.0

    def __post_init__(self) -> None:
        if self.ray is None:
            for name in ("min_replicas", "max_replicas", "queue_depth"):
                if getattr(self, name) != getattr(type(self), name):
                    raise ConfigError(f"--{name.replace('_', '-')} asks for --ray")
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise ConfigError(
                f"--min-replicas is {self.min_replicas} and --max-replicas {self.max_replicas}; "
                "expected 1 or more, and no more at least than at most"
            )
        if self.queue_depth < 1:
            raise ConfigError(f"--queue-depth must be 1 or more, got {self.queue_depth}")
        for name in ("scale_up_after", "scale_down_after"):
            if not getattr(self, name) > 0:
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} must be above 0, got {getattr(self, name)}")

    def refuse_unfit(self, config: ServeConfig, limits: LimitConfig) -> None:
        """Raise ConfigError where an endpoint is to be run otherwise than replicas can be."""
        if self.ray is None:
            if config.state is not None:
                raise ConfigError("--state asks for --ray")
            return
        if config.workers > 1:
            raise ConfigError("--workers and --ray exclude each other; see --max-replicas")
        if self.ray != "local" and limits.rate is not None:
            raise ConfigError(
                f"--rate asks for --ray local: replicas on several machines ({self.ray}) have no "
                "budgets in common; limit rates in front of them"
            )
        if self.ray != "local" and config.state is None:
            raise ConfigError(
                f"--ray {self.ray} asks for --state: a folder that all machines of the cluster "
                "see, like the model folders and the file of keys"
            )
