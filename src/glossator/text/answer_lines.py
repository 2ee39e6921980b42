"""Answers as JSON Lines."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import IO, Any

from glossator.text.answer_layout import Answer

__all__ = ["Lines", "json_text"]


class Lines:
    """Writes each answer as one line of JSON."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, answer: Answer) -> None:
        self._stream.write(json_text(answer) + "\n")


def json_text(value: Any) -> str:
    """`value` as JSON on one line; what is no finite number becomes null, dates become text."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_plain)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
