"""Long texts as overlapping windows."""

from __future__ import annotations

__all__ = ["windows"]


def windows(length: int, limit: int, overlap: int) -> list[tuple[int, int]]:
    """Half-open spans that cover `length` tokens, each of at most `limit`.

    The spans are as few as the overlap allows and of like size, so that the last one is no stump.

    Args:
        length: number of tokens, 0 or more.
        limit: tokens of a span at most, 1 or more.
        overlap: tokens that neighbours share at least, from 0 to `limit` - 1.

    Returns:
        at least one (start, stop); a text that fits is one span.
    """
    if length <= limit:
        return [(0, length)]
    count = -(-(length - overlap) // (limit - overlap))
    starts = [round(number * (length - limit) / (count - 1)) for number in range(count)]
    return [(start, start + limit) for start in starts]
