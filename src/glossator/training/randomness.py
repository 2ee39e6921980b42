"""Random numbers that a run can be taken up with: by place in the run, or by a saved state."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["place_seed", "random_state", "restore_random_state", "shuffled", "user_random_kept"]


def place_seed(*place: int) -> int:
    """A seed for a place in a run (its seed, a step, a part ...); other places, other numbers.

    What is drawn under it hangs on nothing that was drawn before, so that a run can be taken up
    anywhere, and processes draw apart from each other.

    Args:
        place: each 0 or more.
    """
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> np.uint64(1))


def shuffled(count: int, *place: int) -> Tensor:
    """(count,) the numbers from 0 on, in the random order of a place."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(place_seed(*place)))


def random_state() -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The state of Python's, NumPy's and torch's generators: plain values, and tensors."""
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    values = {
        "python": [version, list(numbers), gauss],
        "numpy": [str(name), np.asarray(keys).tolist(), int(position), int(has_gauss), cached],
    }
    return values, {"random/torch": torch.get_rng_state()}


def restore_random_state(values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Set the three generators to what `random_state` gave."""
    version, numbers, gauss = values["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = values["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(tensors["random/torch"])


@contextmanager
def user_random_kept(seed: int) -> Iterator[None]:
    """Seed the three generators for a block, and give the user theirs back at its end."""
    values, tensors = random_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        restore_random_state(json.loads(json.dumps(values)), tensors)
