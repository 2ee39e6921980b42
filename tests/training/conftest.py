from __future__ import annotations

from functools import partial

import pytest
from training_runs import make_model, make_rows, make_task


@pytest.fixture
def task(tiny_model_folder):
    return make_task(tiny_model_folder)


@pytest.fixture
def rows(task):
    """40 rows of mixed lengths, some of several windows; the first word gives the label away."""
    return make_rows(task)


@pytest.fixture
def model_of(tiny_model_folder):
    """Makes a model, always the same; without dropout unless asked for."""
    return partial(make_model, tiny_model_folder)
