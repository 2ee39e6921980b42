"""Where a model runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError

__all__ = ["GenerationConfig", "RuntimeConfig"]


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


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """How the next token is chosen, and when it ends.

    Attributes:
        max_new_tokens: tokens that are added at most.
        temperature: 0 takes the most probable token each time; else tokens are drawn, from
            probabilities that are flatter above 1 and sharper below; 0.01 is as good as 0.
        top_k: draw from so many most probable tokens alone; 0: from all.
        top_p: draw from the most probable tokens that have this probability together alone.
        beams: search for the most probable text with so many beginnings at once; not drawn.
        seed: of the drawing; a text comes out the same alone or beside others.
    """

    max_new_tokens: int = 50
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    beams: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        checks = {
            "--max-new-tokens must be 1 or more": self.max_new_tokens >= 1,
            "--temperature must be 0, or 0.01 or more": (
                self.temperature == 0 or 0.01 <= self.temperature < float("inf")
            ),
            "--top-k must be 0 or more": self.top_k >= 0,
            "--top-p must be above 0 and at most 1": 0 < self.top_p <= 1,
            "--seed must be from 0 to 9,223,372,036,854,775,807": 0 <= self.seed < 2**63,
            "--beams must be 1 or more": self.beams >= 1,
            "--beams searches, --temperature draws: one of the two": (
                self.beams == 1 or self.temperature == 0
            ),
        }
        for message, holds in checks.items():
            if not holds:
                raise ConfigError(message)
