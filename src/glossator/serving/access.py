"""Who may ask what: every route but a literal few wants a key with the right role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from starlette.requests import Request

from glossator.serving.keys import Key, Role, of_token
from glossator.serving.problems import Problem, Refused

__all__ = ["OPEN", "Access", "KeySource"]

OPEN = frozenset(
    {
        "/",
        "/static/icon.svg",
        "/static/page.css",
        "/static/page.js",
        "/health",
        "/health/live",
        "/health/ready",
    }
)
"""What is answered without a key: nothing in it hangs on a model or a user."""

_LOCAL = ("localhost", "127.0.0.1", "[::1]")
# A role opens what these open too.
_COVERS: Mapping[Role, tuple[Role, ...]] = {
    "predict": ("predict",),
    "metrics": ("metrics",),
    "admin": ("predict", "metrics", "admin"),
}


class KeySource(Protocol):
    """Where keys are."""

    def keys(self) -> Mapping[str, Key]:
        """By their ids, as they are now."""


@dataclass(frozen=True)
class Access:
    """The rules of an endpoint.

    Attributes:
        keys: of those who may ask.
        hosts: names by which it may be called, without a port.
    """

    keys: KeySource
    hosts: frozenset[str] = frozenset(_LOCAL)

    @classmethod
    def of(cls, keys: KeySource, hosts: tuple[str, ...]) -> Access:
        """With further names of hosts."""
        return cls(keys, frozenset({*_LOCAL, *(host.lower() for host in hosts)}))

    def refuse_stranger(self, request: Request) -> None:
        """Raise Refused where a page of another site asks, or this machine is called otherwise.

        A page that a browser was lured to could reach a server on this machine, by its own name
        for it.
        """
        host = request.headers.get("host", "").lower()
        if _without_port(host) not in self.hosts:
            message = "the Host is not one that this server answers for; see --allowed-hosts"
            raise Refused(Problem("unknown_host", message, 421))
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise Refused(Problem("foreign_origin", "pages of other sites are not answered", 403))

    def caller(self, request: Request, role: Role) -> Key:
        """The key of a request.

        Raises:
            Refused: it has none, a wrong one, or one that does not open this.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        key = None
        if scheme.lower() == "bearer":
            key = of_token(self.keys.keys(), token.strip(), datetime.now(UTC))
        if key is None:
            message = "a valid key is needed: Authorization: Bearer glo_..."
            raise Refused(Problem("no_key", message, 401), {"WWW-Authenticate": "Bearer"})
        if role not in _COVERS[key.role]:
            message = f"the key has the role {key.role}; this needs {role}"
            raise Refused(Problem("wrong_role", message, 403))
        return key


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
