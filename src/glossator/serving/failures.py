"""Errors as a log may have them: where they were raised, not what they say."""

from __future__ import annotations

import traceback
from pathlib import PurePath

__all__ = ["frames"]

_DEPTH = 12


def frames(error: BaseException | None) -> tuple[str, ...]:
    """The type of an error, and the last places it came through.

    Its message is left out: what others raise may quote the text that they stumbled over.
    """
    if error is None:
        return ()
    found = traceback.extract_tb(error.__traceback__)[-_DEPTH:]
    places = [f"{PurePath(x.filename).name}:{x.lineno} {x.name}" for x in found]
    return (type(error).__name__, *places)
