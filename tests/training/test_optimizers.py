"""Each optimizer does what its namesake in torch does."""

from __future__ import annotations

import pytest
import torch

from glossator.training.optimizers import OPTIMIZERS, SGD, Adafactor, AdamW

SHAPES = [(0, (4, 6)), (32, (5,))]  # a matrix, and a vector on the next cache line
THEIRS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "adafactor": lambda p: torch.optim.Adafactor(p, lr=0.01, weight_decay=0.1),
}
OURS = {"adamw": AdamW, "adafactor": Adafactor, "sgd": SGD}


def flat(matrix: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    joined = torch.zeros(64)
    joined[:24], joined[32:37] = matrix.detach().flatten(), vector.detach()
    return joined


def slopes(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    return torch.randn(4, 6, generator=generator), torch.randn(5, generator=generator)


@pytest.mark.parametrize("name", THEIRS)
def test_it_is_that_of_torch(name: str) -> None:
    torch.manual_seed(0)
    theirs = [torch.nn.Parameter(torch.randn(4, 6)), torch.nn.Parameter(torch.randn(5))]
    vector = flat(theirs[0], theirs[1])
    ours, plain = OURS[name](vector, SHAPES), THEIRS[name](theirs)
    for step in range(8):
        for parameter, slope in zip(theirs, slopes(step), strict=True):
            parameter.grad = slope.clone()
        plain.step()
        ours.update(vector, flat(*slopes(step)), step=step + 1, rate=0.01, weight_decay=0.1)
    torch.testing.assert_close(vector, flat(theirs[0], theirs[1]), rtol=1e-4, atol=1e-6)


def test_sgd_is_that_of_torch_with_the_decay_apart() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.Parameter(torch.randn(4, 6))
    vector = theirs.detach().flatten().clone()
    ours, plain = SGD(vector), torch.optim.SGD([theirs], lr=0.01, momentum=0.9)
    for step in range(8):
        theirs.grad = slopes(step)[0]
        theirs.data.mul_(1 - 0.01 * 0.1)
        plain.step()
        slope = slopes(step)[0].flatten()
        ours.update(vector, slope, step=step + 1, rate=0.01, weight_decay=0.1)
    torch.testing.assert_close(vector, theirs.detach().flatten())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_goes_downhill(name) -> None:
    weights = torch.full((24,), 3.0)
    optimizer = OPTIMIZERS[name](weights, [(0, (4, 6))])
    for step in range(200):
        optimizer.update(weights, 2 * weights, step=step + 1, rate=0.02, weight_decay=0.0)
    assert float(weights.abs().max()) < 1.0


def test_adafactor_remembers_rows_and_columns() -> None:
    (moments,) = Adafactor(torch.zeros(64), SHAPES).moments
    assert len(moments) == 4 + 6 + 5
