"""A client of an endpoint, on the standard library alone."""

from __future__ import annotations

import http.client
import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from glossator.errors import ConfigError, EndpointError

__all__ = ["Answers", "Client", "Failure", "Model"]

_RETRIED = (429, 503)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_CHUNK = 65_536


@dataclass(frozen=True)
class Failure:
    """Why an input has no prediction.

    Attributes:
        input: its number in the request, from 0.
        kind: the reason in snake case.
        message: the reason in a sentence.
    """

    input: int
    kind: str
    message: str


@dataclass(frozen=True)
class Answers:
    """What a model answered.

    Attributes:
        model: its name.
        version: the SHA-256 of its manifest.
        request_id: by which the server's log knows the request.
        predictions: as `glossator predict` writes them, in the order of the inputs; None where
            `failures` says why there is none.
        failures: of single inputs.
    """

    model: str
    version: str
    request_id: str
    predictions: Sequence[dict[str, Any] | None]
    failures: Sequence[Failure]


@dataclass(frozen=True)
class Model:
    """A model of a server.

    Attributes:
        name: under which it is asked.
        task: what it does, such as `text-classification`.
        version: the SHA-256 of its manifest.
        does: the same in a sentence.
        example: an input that it reads.
    """

    name: str
    task: str
    version: str
    does: str
    example: Any


class Client:
    """Asks an endpoint; may be used by several threads, each of which keeps a connection.

    A server that is busy (429, 503) or that drops a connection is asked again, after the time that
    it names in Retry-After, else after pauses that grow and differ at random, as long as the
    deadline allows.

    Args:
        address: of the server, such as `https://models.example:8443`.
        key: that opens it.
        deadline: seconds that a call may take in all.
        attempts: how often a request is sent at most.
        tls: how certificates are checked; by default by those that the system trusts.
        clock: seconds that only grow.
        sleep: waits so many seconds.

    Raises:
        ConfigError: the address is none, or the key holds what a header cannot.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        deadline: float = 60.0,
        attempts: int = 6,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ConfigError(f"the address is '{address}'; expected http://HOST:PORT or https://")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError("the key holds a character that no key has")
        self._parts, self._tls, self._key = parts, tls, key
        self._deadline, self._attempts = deadline, max(1, attempts)
        self._clock, self._sleep = clock, sleep
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"Client({self._parts.scheme}://{self._parts.netloc})"

    def models(self) -> list[Model]:
        """The models that the key sees.

        Raises:
            EndpointError: see `predict`.
        """
        found = self._ask("GET", "/v1/models")["data"]
        return [Model(x["id"], x["task"], x["version"], x["does"], x["example"]) for x in found]

    def predict(
        self,
        model: str,
        inputs: Sequence[Any],
        *,
        top_k: int | None = None,
        max_windows: int | None = None,
        **options: Any,
    ) -> Answers:
        """What a model answers.

        Args:
            model: its name.
            inputs: one or more texts, or what else it reads: pairs, mappings by column.
            top_k: how many possibilities each answer lists.
            max_windows: a text of more windows is a failure.
            **options: of the task, such as `max_new_tokens=20`.

        Raises:
            EndpointError: the server refused, no input has a prediction, or the deadline passed.
        """
        body: dict[str, Any] = {"inputs": list(inputs)}
        given = {"top_k": top_k, "max_windows": max_windows, "options": options or None}
        body |= {name: value for name, value in given.items() if value is not None}
        found = self._ask("POST", f"/v1/models/{quote(model, safe='')}/predict", body)
        failures = [Failure(**each) for each in found.get("errors", ())]
        return Answers(
            found["model"], found["version"], found["request_id"], found["predictions"], failures
        )

    def ready(self) -> bool:
        """Whether the server answers now; asked once."""
        try:
            status, _, _ = self._send("GET", "/health/ready", b"", self._clock() + self._deadline)
        except (OSError, http.client.HTTPException):
            return False
        return status == 200

    def close(self) -> None:
        """End the connection of this thread."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of the answer; a request changes nothing and may be sent again."""
        data = b"" if body is None else json.dumps(body, allow_nan=False).encode()
        until = self._clock() + self._deadline
        for attempt in range(1, self._attempts + 1):
            pause: float | None
            try:
                status, headers, answer = self._send(method, path, data, until)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                why = str(error) or type(error).__name__
                found = EndpointError(f"no answer from {self!r}: {why}")
                pause = self._pause(attempt, {})
            else:
                if status == 200:
                    return _json(answer, status)
                found = _error(status, answer)
                pause = self._pause(attempt, headers) if status in _RETRIED else None
            left = until - self._clock()
            if pause is None or attempt == self._attempts or pause >= left:
                raise found
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, attempt: int, headers: Mapping[str, str]) -> float:
        """Seconds until the next attempt."""
        asked = headers.get("retry-after", "")
        if asked.isascii() and asked.isdigit():
            # All who were sent away at once shall not come back at once.
            return int(asked[:6]) + random.random() * _FIRST_PAUSE
        return float(random.random() * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))

    def _send(
        self, method: str, path: str, data: bytes, until: float
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer that is whole before `until`."""
        connection = self._connection()
        connection.timeout = self._left(until)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if data:
            headers["Content-Type"] = "application/json"
        connection.request(method, self._parts.path.rstrip("/") + path, data or None, headers)
        # It may close with the answer, and the answer keeps what it reads from.
        sock = connection.sock
        with connection.getresponse() as response:
            told = {name.lower(): value for name, value in response.getheaders()}
            parts = []
            # Not asked of the response as it goes: before 3.12 `read1` does not count it down.
            missing = response.length
            while missing != 0:
                sock.settimeout(self._left(until))
                part = response.read1(_CHUNK if missing is None else min(_CHUNK, missing))
                if not part:
                    break
                parts.append(part)
                missing = missing and missing - len(part)
            if missing:
                raise http.client.IncompleteRead(b"", missing)
            return response.status, told, b"".join(parts)

    def _left(self, until: float) -> float:
        left = until - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                tls = self._tls or ssl.create_default_context()
                found = http.client.HTTPSConnection(host, port, context=tls)
            else:
                found = http.client.HTTPConnection(host, port)
            self._local.connection = found
        return found


def _json(answer: bytes, status: int) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        raise EndpointError("the server's answer is no JSON", status=status) from None


def _error(status: int, answer: bytes) -> EndpointError:
    """What the server said, where it is one of ours; else its status."""
    try:
        told = json.loads(answer)
        error = told["error"]
        message, reason = str(error["message"]), str(error["kind"])
        return EndpointError(
            message, status=status, reason=reason, request_id=str(told.get("request_id", ""))
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return EndpointError(f"the server answered with status {status}", status=status)
