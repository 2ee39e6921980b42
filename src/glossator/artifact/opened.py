"""A model that was opened: what every kind of answer needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch

from glossator.artifact.folder import Details, write_details
from glossator.artifact.manifest import MANIFEST, write_manifest
from glossator.files import new_folder
from glossator.models import checkpoint
from glossator.models.config import RuntimeConfig
from glossator.models.hardware import choose_device, using_threads
from glossator.text.tokenizer import Tokenizer

__all__ = ["TOKEN_BUDGET", "Opened"]

# Tokens that go through the model at once. More is no faster on a CPU, whose caches hold no more.
TOKEN_BUDGET = 4096


class _Task(Protocol):
    @property
    def opens_as(self) -> str:
        """The class of `transformers` that opens the folder."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the model."""


class Opened:
    """A model with its task, on the device that it answers on.

    Args:
        model: in float32, on the CPU; has an encoder and notes.
        task: its task.
        details: what the model folder says.
        runtime: where to run it.

    Attributes:
        notes: what a user of the model should know.
    """

    def __init__(self, model: Any, task: _Task, details: Details, runtime: RuntimeConfig | None):
        self.runtime = runtime or RuntimeConfig()
        self.device = choose_device(self.runtime.device)
        self.details = details
        self._model, self._task = model.to(self.device).eval(), task
        self.notes: tuple[str, ...] = model.notes

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the model folder, whole or not at all.

        Raises:
            OutputExistsError: `folder` exists and `overwrite` is false, or it is no model folder.
            OSError: the disk is full or read-only; `folder` is then as it was.
        """
        with new_folder(folder, overwrite=overwrite, marker=MANIFEST) as temporary:
            checkpoint.save(self._model, temporary)
            self._task.tokenizer.save(temporary)
            write_details(self.details, temporary, opens_as=self._task.opens_as)
            write_manifest(temporary)

    @contextlib.contextmanager
    def _ready(self) -> Iterator[None]:
        """The threads and the precision asked for, for the length of a block."""
        encoder = self._model.encoder
        before = encoder.compute_dtype
        low = self.runtime.precision == "bfloat16"
        encoder.compute_dtype = torch.bfloat16 if low else torch.float32
        try:
            with using_threads(self.runtime.threads):
                yield
        finally:
            encoder.compute_dtype = before
