"""Seconds of `glossator --help` and of `import glossator`, and whether the latter loads torch."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.common import GLOSSATOR, median, parser, write_result

IMPORT = "import glossator, sys; sys.exit('torch' in sys.modules)"


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--turns", type=int, default=9)
    a = p.parse_args(arguments)
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import glossator": [sys.executable, "-c", IMPORT],
        "glossator --help": [*GLOSSATOR, "--help"],
    }
    seconds = {
        name: [_seconds(command) for _ in range(a.turns)] for name, command in commands.items()
    }
    write_result("startup", arguments, {k: round(median(v), 3) for k, v in seconds.items()})


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
