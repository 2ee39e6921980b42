"""The rows on which the best step is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.training.rows import Row, Rows

__all__ = ["Dev"]


@dataclass(frozen=True)
class Dev:
    """The rows on which the best step is chosen.

    Attributes:
        rows: their examples.
        score: scores them with the model as it is, by name; on all processes alike.
        better: of two scores, whether the first, which is later, is better than the second.
    """

    rows: Rows | Sequence[Row]
    score: Callable[[], Mapping[str, Any]]
    better: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]

    def plain_scores(self) -> dict[str, Any]:
        """The scores as JSON can hold them."""
        return {name: _plain(value) for name, value in self.score().items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | str) or value is None:
        return value
    return [_plain(x) for x in value] if isinstance(value, list | tuple) else float(value)
