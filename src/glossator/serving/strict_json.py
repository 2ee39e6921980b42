"""JSON of a request, read so that nothing in it is guessed."""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = ["NotJson", "parse"]

MAX_DEPTH = 32
# A string that does not end goes on to the end of the body: where a quote could begin none, each of
# a million would be tried.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class NotJson(ValueError):
    """A body is no JSON, or none that says one thing; the message holds nothing of it."""


def parse(body: bytes) -> Any:
    """The value of a body.

    Raises:
        NotJson: it is no UTF-8, no JSON, nested deeper than `MAX_DEPTH`, holds NaN, an infinity, a
            number of thousands of digits, or a name twice in one object.
    """
    if _depth(body) > MAX_DEPTH:
        raise NotJson(f"the body is nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_object,
        )
    except NotJson:
        raise
    except UnicodeDecodeError:
        raise NotJson("the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        raise NotJson("the body holds a number of too many digits") from None


def _depth(body: bytes) -> int:
    deepest = depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        sign = match[0][:1]
        if sign != b'"':
            depth += 1 if sign in b"[{" else -1
            deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name: str) -> float:
    raise NotJson(f"the body holds {name}, which is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotJson("the body holds a number that is too large")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotJson("an object of the body has a name twice")
    return found
