"""Run one measurement: `python -m benchmarks NAME [options]`; without a name, list them."""

from __future__ import annotations

import importlib
import pathlib
import sys


def main() -> int:
    here = pathlib.Path(__file__).parent
    names = sorted(p.stem for p in here.glob("*.py") if not p.stem.startswith("_"))
    names.remove("common")
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        for name in names:
            module = importlib.import_module(f"benchmarks.{name}")
            print(f"{name:18} {(module.__doc__ or '').splitlines()[0]}")
        return 0 if len(sys.argv) < 2 else 2
    importlib.import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:])
    return 0


sys.exit(main())
