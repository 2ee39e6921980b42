"""Where a model runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError

__all__ = ["RuntimeConfig"]


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """Where a model runs.

    Attributes:
        device: `auto` (a GPU where there is one), `cpu`, `cuda` or `cuda:N`.
        threads: of the processor; None leaves it to torch.
        precision: what training and answering compute in. `auto` trains in bfloat16 where the
            hardware computes it faster, and answers in float32, in which an answer depends on
            the texts beside it by no more than rounding. `exact` is float32, and an answer is
            the same to the bit alone and beside any texts: each goes through the model by
            itself, which is slower.
    """

    device: str = "auto"
    threads: int | None = None
    precision: Literal["auto", "float32", "bfloat16", "exact"] = "auto"

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"--threads must be 1 or more, got {self.threads}")
