"""The command that turns a folder we do not read into one that we do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glossator.errors import ModelFolderError

__all__ = ["refuse_other_weights"]

_OLD = "pip install 'transformers<5' {package} && "
# Pattern of a file -> what it is, what to install first, further arguments of from_pretrained.
_OTHERS: dict[str, tuple[str, str, str]] = {
    "pytorch_model*.bin*": ("pickled PyTorch weights", "", ""),
    "*.h5": ("TensorFlow weights", _OLD.format(package="tensorflow"), ", from_tf=True"),
    "*.msgpack": ("Flax weights", _OLD.format(package="flax"), ", from_flax=True"),
    "*.ckpt.index": (
        "a TensorFlow checkpoint",
        _OLD.format(package="tensorflow"),
        ", from_tf=True, config={config!r}",
    ),
}


def refuse_other_weights(folder: Path, raw: Mapping[str, Any]) -> None:
    """Raise ModelFolderError if weights of another kind lie in `folder`, with the command to run.

    Args:
        folder: a model folder without safetensors.
        raw: the fields of its `config.json`, which name the class to convert with.
    """
    for pattern, (kind, install, arguments) in _OTHERS.items():
        for file in sorted(folder.glob(pattern)):
            source = str(file if pattern == "*.ckpt.index" else folder)
            options = arguments.format(config=str(folder / "config.json"))
            code = (
                f"from transformers import {_class_name(raw)} as Model; "
                f"Model.from_pretrained({source!r}{options}).save_pretrained({str(folder)!r})"
            )
            _refuse(file, kind, f"{install}python -c {shlex.quote(code)}")
    for file in sorted([*folder.glob("*.pt"), *folder.glob("*.pth"), *folder.glob("*.bin")]):
        target = str(folder / "model.safetensors")
        code = (
            "import torch; from safetensors.torch import save_file; "
            f"save_file(torch.load({str(file)!r}, weights_only=True), {target!r})"
        )
        _refuse(file, "pickled PyTorch weights", f"python -c {shlex.quote(code)}")


def _refuse(file: Path, kind: str, command: str) -> None:
    raise ModelFolderError(
        f"{file.name} holds {kind}, which can run code or need another library; only safetensors "
        f"are read. To convert it, if you trust it: {command}",
        file=file,
    )


def _class_name(raw: Mapping[str, Any]) -> str:
    """The class that saved the folder, so that its head is converted too."""
    names = raw.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    # It becomes part of a command that a user will paste.
    return name if isinstance(name, str) and name.isascii() and name.isidentifier() else "AutoModel"
