"""All that a fine-tuning run is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from glossator.errors import ConfigError
from glossator.models.config import RuntimeConfig
from glossator.text.config import TableConfig
from glossator.training.config import SpreadConfig, TrainingConfig

__all__ = ["DataConfig", "FitConfig", "ModelConfig"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which rows.

    Attributes:
        dev: table of the rows to choose by; None takes a share of the training rows.
        test: table of the rows to score on; None takes a share of the training rows.
        dev_fraction: that share; 0 for none, and then the last weights are kept, uncalibrated.
        test_fraction: that share; 0 for none.
        group: column whose equal values must not be split, a customer's for example.
    """

    dev: str | None = None
    test: str | None = None
    dev_fraction: float = 0.1
    test_fraction: float = 0.1
    group: str | None = None

    def __post_init__(self) -> None:
        for name in ("dev_fraction", "test_fraction"):
            if not 0 <= getattr(self, name) < 0.9:
                flag = name.replace("_", "-")
                raise ConfigError(
                    f"--{flag} must be from 0 to below 0.9, got {getattr(self, name)}"
                )
        if self.dev_fraction + self.test_fraction >= 0.95:
            both = self.dev_fraction + self.test_fraction
            raise ConfigError(
                "--dev-fraction and --test-fraction leave too little to learn from; "
                f"together they must be below 0.95, got {both:.6g}"
            )


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What is fine-tuned.

    Attributes:
        model: a starter name, a model folder, or with `hub` a hub id.
        hub: whether a hub may be asked for it.
        max_length: tokens of a window at most; None is what the model can read.
    """

    model: str = "minilm"
    hub: bool = False
    max_length: int | None = None

    def __post_init__(self) -> None:
        if self.max_length is not None and self.max_length < 8:
            raise ConfigError(f"--max-length must be 8 or more, got {self.max_length}")


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """All that a fine-tuning run is told; `NAME.run/config.toml` holds it.

    Attributes:
        task: what to learn; empty reads it off the columns.
        columns: of the tables, by role: `{"text": ("title", "body")}`; the usual names are found.
        options: of the task, by name; those left out have their defaults.
        refit: whether the model is learned once more, from all rows, after it was scored.
        recipe: how it is learned; `auto` measures that where classes have few rows.
        data: which rows.
        table: how the tables are read; in `config.toml` with what was found from them.
        model: what is fine-tuned.
        training: how.
        runtime: where.
        spread: over how many processes.
        track: where the curves go besides TensorBoard.
    """

    task: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    refit: bool = False
    recipe: Literal["auto", "plain", "contrastive"] = "auto"
    data: DataConfig = field(default_factory=DataConfig)
    table: TableConfig = field(default_factory=TableConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    spread: SpreadConfig = field(default_factory=SpreadConfig)
    track: Literal["none", "wandb"] = "none"
