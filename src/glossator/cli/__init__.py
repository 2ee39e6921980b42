"""The command line: the composition root, one file a verb."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from glossator.cli.failures import report
from glossator.cli.interrupts import interruptible

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `glossator` with the words of `argv`, by default those it was called with.

    Returns:
        0 done, 1 failed, 2 wrong usage or wrong input, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # where the locale lacks a character
    try:
        with interruptible():
            from glossator.cli.app import run

            code = run(words)
            sys.stdout.flush()  # a full disk behind it must be told here, not at exit
            return code
    except (Exception, KeyboardInterrupt) as error:
        return report(error, json="--json" in words, debug="--debug" in words)
