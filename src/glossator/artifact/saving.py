"""Writing a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from glossator.artifact.folder import Details, write_details
from glossator.artifact.manifest import MANIFEST, write_manifest
from glossator.files import durable_write, new_folder
from glossator.models import checkpoint
from glossator.text.tokenizer import Tokenizer

__all__ = ["save_folder"]


def save_folder(
    model: nn.Module,
    tokenizer: Tokenizer,
    details: Details,
    folder: str | Path,
    *,
    opens_as: str,
    files: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a model folder, whole or not at all.

    Args:
        model: what `checkpoint.save` can write.
        tokenizer: of the model.
        details: what the folder says.
        folder: its place.
        opens_as: the class of transformers that opens it.
        files: texts of what else it holds, by their paths in it.
        overwrite: whether a model folder that is there may be replaced.

    Raises:
        OutputExistsError: `folder` exists and `overwrite` is false, or it is no model folder.
        OSError: the disk is full or read-only; `folder` is then as it was.
    """
    with new_folder(folder, overwrite=overwrite, marker=MANIFEST) as temporary:
        checkpoint.save(model, temporary)  # type: ignore[arg-type]
        tokenizer.save(temporary)
        write_details(details, temporary, opens_as=opens_as)
        for name, text in (files or {}).items():
            (temporary / name).parent.mkdir(exist_ok=True)
            durable_write(temporary / name, text)
        write_manifest(temporary)
