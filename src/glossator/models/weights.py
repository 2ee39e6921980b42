"""The tensors of a model folder: safetensors, in one file or in shards."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from glossator.errors import InputError, ModelFolderError
from glossator.files import replaced_file, safe_join, sha256_file
from glossator.models.conversion import refuse_other_weights
from glossator.models.json_file import read_json

__all__ = ["Weights", "read_tensor", "tensor_names", "write_weights"]

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_FLOATS = ("F32", "F16", "BF16", "F64")


class Weights:
    """The tensors of a folder by name, read when they are asked for.

    Float32 tensors stay mapped from their file: a word table costs memory only where it is read,
    and writing to a tensor never reaches the file.

    Args:
        folder: a folder with `model.safetensors`, or with its index and shards.
        raw: the fields of the folder's `config.json`.

    Raises:
        ModelFolderError: there are no safetensors, or a file is cut, malformed or missing.
    """

    def __init__(self, folder: Path, raw: Mapping[str, Any]):
        if (folder / _SINGLE).is_file():
            self.file = folder / _SINGLE
            self._files = dict.fromkeys(tensor_names(self.file), self.file)
        elif (folder / _INDEX).is_file():
            self.file = folder / _INDEX
            self._files = _files_of_shards(self.file)
        else:
            refuse_other_weights(folder, raw)
            raise ModelFolderError(f"{folder} has no {_SINGLE} and no {_INDEX}", file=folder)

    def names(self) -> list[str]:
        """The names of all tensors."""
        return list(self._files)

    def digest(self) -> str:
        """SHA-256 of the files, one after the other."""
        digests = [sha256_file(file) for file in dict.fromkeys(self._files.values())]
        return hashlib.sha256("".join(digests).encode()).hexdigest()

    def read(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """The tensor `name` as float32.

        Raises:
            ModelFolderError: it is not of the shape expected, or does not hold floats.
        """
        return read_tensor(self._files[name], name, shape)


def read_tensor(file: Path, name: str, shape: tuple[int, ...]) -> Tensor:
    """The tensor `name` of a safetensors file as float32.

    Raises:
        ModelFolderError: it is not of the shape expected, or does not hold floats.
    """
    with _opened(file) as handle:
        header = handle.get_slice(name)
        got, dtype = tuple(header.get_shape()), header.get_dtype()
        if got != shape:
            raise ModelFolderError(f"{name} has shape {got}; expected {shape}", file=file)
        if dtype not in _FLOATS:
            choices = ", ".join(_FLOATS)
            raise ModelFolderError(
                f"{name} has dtype {dtype}; expected one of {choices}", file=file
            )
        tensor: Tensor = handle.get_tensor(name)
    return tensor.to(torch.float32)


def tensor_names(file: Path) -> list[str]:
    """The names in a safetensors file.

    Raises:
        ModelFolderError: it cannot be read, or is no such file.
    """
    with _opened(file) as handle:
        return list(handle.keys())


def write_weights(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write `tensors` as float32 safetensors, whole or not at all."""
    plain = {
        name: tensor.detach().to("cpu", torch.float32).contiguous()
        for name, tensor in tensors.items()
    }
    with replaced_file(file) as temporary:
        save_file(plain, temporary, metadata={"format": "pt"})


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        with safe_open(file, framework="pt") as handle:
            yield handle
    except SafetensorError as error:
        raise ModelFolderError(f"not a whole safetensors file: {error}", file=file) from error
    except OSError as error:
        raise ModelFolderError(f"cannot be read: {error}", file=file) from error


def _files_of_shards(index: Path) -> dict[str, Path]:
    """Tensor name to shard, every shard opened and looked into."""
    table = read_json(index).get("weight_map")
    if not isinstance(table, dict) or not all(isinstance(shard, str) for shard in table.values()):
        raise ModelFolderError("weight_map is not an object of tensor and file names", file=index)
    held = {shard: set(tensor_names(_shard(index, shard))) for shard in sorted(set(table.values()))}
    for name, shard in table.items():
        if name not in held[shard]:
            raise ModelFolderError(f"{shard} does not hold {name}, which it should", file=index)
    return {name: _shard(index, shard) for name, shard in table.items()}


def _shard(index: Path, name: str) -> Path:
    try:
        return safe_join(index.parent, name)
    except InputError as error:
        raise ModelFolderError(error.message, file=index) from error
