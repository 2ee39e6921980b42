"""`glossator index` that stays where its first word says, says so, and waits.

It ends with its standard input, so that nothing is left where nobody kills it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from glossator.cli import main
from glossator.search import building, upkeep
from glossator.search.vector_file import Appender
from glossator.search.writing import Writer


def halt() -> None:
    os.write(1, b"halted\n")
    sys.stdin.read()


def halting_after(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: Any, **options: Any) -> Any:
        found = function(*words, **options)
        halt()
        return found

    return call


if __name__ == "__main__":
    place = sys.argv.pop(1)
    if place == "written":  # the first vectors, no row
        Appender.add = halting_after(Appender.add)
    elif place == "settled":  # all vectors are on the disk, and nothing says that they count
        Writer.settle = halting_after(Writer.settle)
    elif place == "acknowledged":  # the transaction is over, what follows is upkeep
        upkeep.keep_up = building.keep_up = lambda *_, **__: halt() or iter(())
    elif place == "compacted":  # vectors are written anew, and the old ones still hold
        upkeep.appending = halting_after(upkeep.appending)
    sys.exit(main())
