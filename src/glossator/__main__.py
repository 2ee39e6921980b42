"""`python -m glossator` is `glossator`."""

from __future__ import annotations

import sys

from glossator.cli import main

if __name__ == "__main__":
    sys.exit(main())
