"""One encoder with the heads of several tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from glossator.models.encoder import Encoder
from glossator.models.headless import EncoderModel

__all__ = ["MultiTaskModel", "head_name"]

_PREFIX = "task:"  # a task may be called as a head of another, or as a method of nn.ModuleDict


class MultiTaskModel(EncoderModel):
    """One encoder, and models that share it.

    Each model is asked as it would be by itself. The parameters of the encoder are this model's
    own; those of a task stand under `extra.task:NAME`, and so in `heads.safetensors`.

    Args:
        encoder: is put in the place of the models' own.
        models: of each task, by its name; they are changed.

    Source: Caruana 1997, "Multitask learning" (hard parameter sharing).
    """

    def __init__(self, encoder: Encoder, models: Mapping[str, nn.Module]):
        heads = {head_name(name): _sharing(model, encoder) for name, model in models.items()}
        super().__init__(encoder, nn.ModuleDict(heads))
        told = [f"{name}: {note}" for name, model in models.items() for note in _notes(model)]
        self.notes = tuple(told)

    def of(self, task: str) -> nn.Module:
        """The model of a task."""
        return self.extra[head_name(task)]


def head_name(task: str) -> str:
    """Under which the heads of a task stand."""
    return f"{_PREFIX}{task}"


def _sharing(model: nn.Module, encoder: Encoder) -> nn.Module:
    """A model that asks an encoder which is none of its own modules.

    Were it one, each of its parameters would stand in a state dict once more for each task.
    """
    del model.encoder
    model.__dict__["encoder"] = encoder
    return model


def _notes(model: nn.Module) -> Any:
    return model.notes
