"""What goes wrong with a request, in the form in which it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from glossator.errors import GlossatorError, InputError

__all__ = ["CLIENT_LEFT", "Problem", "Refused"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text, or a request, has no answer.

    Attributes:
        kind: the reason in snake case, e.g. `unknown_model`.
        message: the reason in a sentence, without a secret, and without a text of anybody but
            whoever asked: what is wrong with an input may be quoted to its sender.
        status: of HTTP, where the whole request failed by it.
    """

    kind: str
    message: str
    status: int = 500

    @classmethod
    def of(cls, error: Exception) -> Self:
        """What may be told of an error: of ours its message, of others only that there was one."""
        if isinstance(error, InputError):
            return cls("bad_input", error.message, 422)
        if isinstance(error, GlossatorError):
            return cls("failed", error.message, 500)
        return cls("internal", "the model failed with this text", 500)

    def to_json(self) -> dict[str, Any]:
        """The object under `error`."""
        # Half of a surrogate pair, which a text may hold, has no UTF-8.
        message = self.message.encode("utf-8", "replace").decode("utf-8")
        return {"kind": self.kind, "message": message}


CLIENT_LEFT = Problem("client_left", "the client left", 499)


class Refused(Exception):
    """A request that is not answered.

    Args:
        problem: why.
        headers: of the response, such as Retry-After.
    """

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None):
        super().__init__(problem.message)
        self.problem, self.headers = problem, headers or {}
