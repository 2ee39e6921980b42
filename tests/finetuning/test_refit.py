"""`fit --refit`: learned once more, from all rows, after the scores are known."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.finetuning.run import run_fit
