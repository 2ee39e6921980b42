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
            hardware computes it faster, and answers in float32, in which an answer does not
            depend on the texts beside it.
    """

    device: str = "auto"
    threads: int | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"--threads must be 1 or more, got {self.threads}")
