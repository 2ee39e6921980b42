from __future__ import annotations

from functools import partial

import pytest
import torch
from training_runs import make_model, make_rows, make_task

from glossator.training.workers import Workers


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


@pytest.fixture
def two_workers():
    """Two threads side by side, whatever the other tests have."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    workers = Workers(torch.device("cpu"))
    yield workers
    workers.close()
    torch.set_num_threads(before)
