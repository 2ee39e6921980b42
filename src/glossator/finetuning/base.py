"""What a run fine-tunes."""

from __future__ import annotations

from glossator.finetuning.config import FitConfig, ModelConfig
from glossator.finetuning.defaults import resolved
from glossator.models import starter
from glossator.models.hardware import choose_device
from glossator.tasks.task import Base

__all__ = ["base_of", "notes_on", "resolve"]


def base_of(config: ModelConfig) -> Base:
    """A model folder to begin with; its weights are not read yet.

    Raises:
        ModelFolderError: there is no such folder, or it holds no model that can be fine-tuned.
    """
    base = Base.of(starter.locate(config.model, hub=config.hub), config.max_length)
    base.source.refuse_decoder()
    return base


def notes_on(base: Base, config: ModelConfig) -> tuple[str, ...]:
    """What of the config has no effect on it."""
    longest = base.source.config.max_length
    if config.max_length is None or config.max_length <= longest:
        return ()
    name = base.folder.name
    return (f"{name} reads {longest} tokens at most; --max-length {config.max_length} is too long",)


def resolve(base: Base, config: FitConfig) -> FitConfig:
    """The config with what was left to be chosen by the model."""
    encoder = base.source.config
    device = choose_device(config.runtime.device).type
    width, longest = encoder.hidden_size, encoder.max_length
    return resolved(config, width=width, longest=longest, device=device)
