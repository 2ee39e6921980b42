"""How an endpoint is run."""

from __future__ import annotations

from dataclasses import dataclass

from glossator.errors import ConfigError

__all__ = ["LimitConfig", "ServeConfig"]


@dataclass(frozen=True, kw_only=True)
class LimitConfig:
    """What a request may ask for, and how much may wait.

    Attributes:
        max_body: bytes of a body, also once it is unpacked.
        max_inputs: texts of a request.
        max_text: characters of a text.
        max_tokens: of a request, of all its windows.
        max_waiting: tokens that wait for a model at most; above them requests are refused for a
            moment.
        deadline: seconds after which a request is given up.
        rate: requests a second of each key; None: as many as come.
        burst: requests that may come at once within that rate.
    """

    max_body: int = 2_000_000
    max_inputs: int = 1_000
    max_text: int = 1_000_000
    max_tokens: int = 200_000
    max_waiting: int = 200_000
    deadline: float = 30.0
    rate: float | None = None
    burst: int = 10

    def __post_init__(self) -> None:
        for name in ("max_body", "max_inputs", "max_text", "max_tokens", "max_waiting", "burst"):
            if getattr(self, name) < 1:
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} must be 1 or more, got {getattr(self, name)}")
        if not self.deadline > 0:
            raise ConfigError(f"--deadline must be above 0, got {self.deadline}")
        if self.rate is not None and not self.rate > 0:
            raise ConfigError(f"--rate must be above 0, got {self.rate}")


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
