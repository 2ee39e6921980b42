"""Heads that no class of Hugging Face reads (a CRF, spans), in a file beside the model's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import torch
from torch import nn

from glossator.errors import ModelFolderError
from glossator.models.encoder import EncoderConfig
from glossator.models.initialization import new_parameters
from glossator.models.weights import read_tensor, tensor_names, write_weights

__all__ = ["HeadBuilder", "HeadBuilders", "load_extra", "read_extra", "save_extra"]

HeadBuilder = Callable[[EncoderConfig], nn.Module]
HeadBuilders = Mapping[str, HeadBuilder]

_FILE, _PREFIX = "heads.safetensors", "heads."


def load_extra(
    folder: Path,
    config: EncoderConfig,
    builders: HeadBuilders,
    *,
    seed: int,
    kept: bool = True,
) -> tuple[nn.ModuleDict, list[str]]:
    """The heads of some names, in evaluation mode, and the names of those that are new.

    A new head is as its own `reset_parameters` makes it, or else as any new weights.

    Args:
        folder: may hold `heads.safetensors`; heads there that are not asked for are left out.
        config: of the encoder below them.
        builders: makes each head.
        seed: of the new ones; torch's own generator is left as it was.
        kept: whether those of the folder are wanted.

    Raises:
        ModelFolderError: the file is malformed, or a head in it is of another make.
    """
    file = folder / _FILE
    held = tensor_names(file) if kept and builders and file.is_file() else []
    heads, new = nn.ModuleDict(), []
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for name, build in builders.items():
            head = heads[name] = build(config)
            found = [x for x in held if x.startswith(f"{_PREFIX}{name}.")]
            if found:
                _read(head, f"{_PREFIX}{name}.", found, file)
            elif next(head.parameters(), None) is not None:
                _begin(head, config.initializer_range, generator)
                new.append(name)
    return heads.eval(), new


def read_extra(folder: Path, name: str, head: nn.Module) -> None:
    """Give a head of some name the parameters that a folder holds of it.

    Raises:
        ModelFolderError: the file is missing or malformed, or the head in it is of another make.
    """
    file = folder / _FILE
    if not file.is_file():
        raise ModelFolderError("no such file; the heads of the model are in it", file=file)
    held = [x for x in tensor_names(file) if x.startswith(f"{_PREFIX}{name}.")]
    _read(head, f"{_PREFIX}{name}.", held, file)


def save_extra(heads: nn.ModuleDict, folder: Path) -> None:
    """Write `heads.safetensors`; a folder whose model has no such parameters has none."""
    tensors = {_PREFIX + name: tensor for name, tensor in heads.named_parameters()}
    if tensors:
        write_weights(folder / _FILE, tensors)
    else:
        (folder / _FILE).unlink(missing_ok=True)


def _begin(head: nn.Module, std: float, generator: torch.Generator) -> None:
    reset = getattr(head, "reset_parameters", None)
    if reset is not None:
        reset()
        return
    shapes = {name: parameter.shape for name, parameter in head.named_parameters()}
    values = new_parameters(shapes, std=std, generator=generator)
    head.load_state_dict(values, strict=False)  # what is no parameter stays as it was built


def _read(head: nn.Module, prefix: str, found: Collection[str], file: Path) -> None:
    shapes = {prefix + name: tuple(x.shape) for name, x in head.named_parameters()}
    if missing := sorted(shapes.keys() - set(found)):
        raise ModelFolderError(f"has no tensor {missing[0]} ({len(missing)} in all)", file=file)
    if strange := sorted(set(found) - shapes.keys()):
        raise ModelFolderError(
            f"holds the unexpected tensor {strange[0]} ({len(strange)} in all), "
            f"which {prefix.removesuffix('.')} does not have",
            file=file,
        )
    values = {x.removeprefix(prefix): read_tensor(file, x, shape) for x, shape in shapes.items()}
    head.load_state_dict(values, strict=False)
