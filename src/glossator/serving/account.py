"""What answering one request took, in numbers that logs, metrics and traces are told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

__all__ = ["Account", "accounting", "current_account"]


@dataclass(kw_only=True)
class Account:
    """What a request was about, without a text of it.

    Attributes:
        model: name of the model that was asked; empty where there is none of the name asked for.
        texts: inputs of the request.
        tokens: of all windows of its texts.
        failed: how many inputs had no answer, by the kind of problem.
        started: when the texts were read, by `time.perf_counter`.
        tokenize: seconds in which texts became tokens, the wait for a reader among them.
        queue: seconds that texts waited for the model.
        inference: seconds in which the model had texts of this request.
        masked: texts as they may be logged, without personal data; empty unless that was asked.
    """

    model: str = ""
    texts: int = 0
    tokens: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    started: float = 0.0
    tokenize: float = 0.0
    queue: float = 0.0
    inference: float = 0.0
    masked: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def tokenizing(self) -> Iterator[None]:
        """Count the seconds of a block as those of reading texts."""
        began = time.perf_counter()
        self.started = self.started or began
        try:
            yield
        finally:
            self.tokenize += time.perf_counter() - began

    def fail(self, kind: str) -> None:
        """Count an input without an answer."""
        self.failed[kind] = self.failed.get(kind, 0) + 1


_CURRENT: ContextVar[Account | None] = ContextVar("glossator_account", default=None)


@contextlib.contextmanager
def accounting() -> Iterator[Account]:
    """An account for a request; what it calls finds it as the current one."""
    account = Account()
    token = _CURRENT.set(account)
    try:
        yield account
    finally:
        _CURRENT.reset(token)


def current_account() -> Account:
    """The account of the request at hand; outside of one an account that nobody reads."""
    return _CURRENT.get() or Account()
