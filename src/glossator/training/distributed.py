"""Processes that train one model together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from glossator.errors import ConfigError
from glossator.training.workers import even_shares

__all__ = ["ALONE", "Ranks"]

_Item = TypeVar("_Item")


class Ranks:
    """This process among those that train one model together.

    Each has the whole model and takes the same steps; of every batch it computes a share, and the
    gradients are added up over all of them. With one process all is plain.

    Args:
        rank: number of this process, from 0.
        count: how many there are; above 1 `torch.distributed` is set up.
    """

    def __init__(self, rank: int = 0, count: int = 1):
        self.rank, self.count = rank, count

    @classmethod
    def here(cls) -> Ranks:
        """Those that `torch.distributed` knows of, or one alone."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return ALONE

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, items: Sequence[_Item], sizes: Sequence[int]) -> list[_Item]:
        """The items of this process; all processes together have each item once.

        Args:
            items: the same on all processes.
            sizes: how much work each is.
        """
        if self.count == 1:
            return list(items)
        shares = even_shares(sizes, self.count)
        return [items[i] for i in shares[self.rank]] if self.rank < len(shares) else []

    def deal(self, items: Sequence[_Item]) -> list[_Item]:
        """Every `count`-th item, from that of this rank on; `collect` joins the answers."""
        return list(items[self.rank :: self.count])

    def collect(self, answers: list[_Item]) -> list[_Item]:
        """The answers to all items, in their order, from each process's to its own."""
        if self.count == 1:
            return answers
        shares = self.gathered(answers)
        joined: list[Any] = [None] * sum(map(len, shares))
        for rank, share in enumerate(shares):
            joined[rank :: self.count] = share
        return joined

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes."""
        if self.count > 1:
            for tensor in tensors:
                dist.all_reduce(tensor)

    def totals(self, *values: float) -> list[float]:
        """The sum of each value over all processes."""
        if self.count == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=_device())
        dist.all_reduce(tensor)
        return [float(value) for value in tensor]

    def gathered(self, value: Any) -> list[Any]:
        """What each process gave, by rank."""
        if self.count == 1:
            return [value]
        values = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def agreed(self, value: Any) -> Any:
        """What the first process gave."""
        return self.gathered(value if self.first else None)[0]

    def check(self, rows: int, batch_size: int) -> None:
        """Refuse more processes than a batch has rows.

        Raises:
            ConfigError: some would have nothing to do in any step.
        """
        if self.count > min(rows, batch_size):
            raise ConfigError(
                f"--processes {self.count} is more than a step has rows "
                f"({min(rows, batch_size)}); a larger --batch-size gives each of them some"
            )


ALONE = Ranks()


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
