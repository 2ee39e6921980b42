"""A family's table of tensor names: ours on one side, Hugging Face's on the other.

The table is written as pairs of module paths; `{i}` stands for the number of a block. It is read
from our names to theirs, which serves both ways: saving renames, and loading looks up for each of
our parameters the tensor that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Join", "NameTable", "Part", "Rename"]


@dataclass(frozen=True)
class Rename:
    """One module of ours is one of theirs; where `transposed`, its matrix is (inputs, outputs)."""

    ours: str
    theirs: str
    transposed: bool = False


@dataclass(frozen=True)
class Join:
    """Several modules of ours are one of theirs: our tensors of like shape, one below another.

    Where `transposed`, the joint matrix then stands as (inputs, outputs).
    """

    ours: tuple[str, ...]
    theirs: str
    transposed: bool = False


@dataclass(frozen=True)
class Part:
    """Where a parameter of ours stands: in tensor `name`, the piece `index` of `count` pieces.

    Where `transposed`, of the tensor's transpose.
    """

    name: str
    index: int = 0
    count: int = 1
    transposed: bool = False

    def shape(self, ours: torch.Size) -> tuple[int, ...]:
        """Of the tensor, from the shape of the parameter."""
        whole = (ours[0] * self.count, *ours[1:])
        return whole[::-1] if self.transposed else whole

    def cut(self, tensor: Tensor) -> Tensor:
        """The parameter; it shares no memory with others of the tensor."""
        whole = tensor.T.contiguous() if self.transposed else tensor
        return whole if self.count == 1 else whole.chunk(self.count)[self.index].clone()


@dataclass(frozen=True, kw_only=True)
class NameTable:
    """The names of one family.

    Attributes:
        prefix: what a model with a head puts before the encoder's names (`bert.`).
        encoder: modules of the encoder; their names without `prefix`.
        head: modules of the classification head; their names whole.
        tagger: modules of the token classification head; their names whole.
        finder: modules of the question answering head; their names whole.
        chooser: modules of the head that scores a choice; their names whole.
        predictions: modules of the masked-language head; their names whole.
        detections: modules of the head that detects replaced tokens; their names whole.
        sentences: modules of the head over pairs of texts; their names whole.
        ignored: beginnings of names of tensors that no model of ours holds, whole, `{i}` for the
            number of a block.
    """

    prefix: str
    encoder: tuple[Rename | Join, ...]
    head: tuple[Rename, ...] = ()
    tagger: tuple[Rename, ...] = ()
    finder: tuple[Rename, ...] = ()
    chooser: tuple[Rename, ...] = ()
    predictions: tuple[Rename, ...] = ()
    detections: tuple[Rename, ...] = ()
    sentences: tuple[Rename, ...] = ()
    ignored: tuple[str, ...]

    def theirs(self, ours: str) -> Part:
        """Where the parameter `ours` (`encoder.blocks.0.norm.weight`) stands in their file.

        Raises:
            KeyError: the table has no such module.
        """
        module, _, kind = ours.rpartition(".")
        numbers = re.findall(r"\.(\d+)\.", module)
        part = self._modules[_general(module)]
        path = part.name.format(i=numbers[0]) if numbers else part.name
        transposed = part.transposed and kind == "weight"
        return Part(f"{path}.{kind}", part.index, part.count, transposed)

    def canonical(self, theirs: str) -> str:
        """The name with the prefix that some files leave out, and without old spellings."""
        name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", theirs))
        heads = (f"{module}." for module in self._heads)
        outside = (self.prefix, *self.ignored, *heads)
        return name if name.startswith(outside) else self.prefix + name

    def to_hf(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our parameters under their names, joined where theirs are joined."""
        pieces: dict[str, list[tuple[Part, Tensor]]] = {}
        for ours, tensor in parameters.items():
            part = self.theirs(ours)
            pieces.setdefault(part.name, []).append((part, tensor))
        return {name: _join(found) for name, found in pieces.items()}

    def skips(self, theirs: str) -> bool:
        """Whether a canonical name that no parameter of ours asks for may be left unread."""
        ignored = _general(theirs).startswith(self.ignored)
        return ignored or theirs.rpartition(".")[0] in self._heads

    @cached_property
    def _heads(self) -> frozenset[str]:
        """Their modules of the heads that a folder may be opened with or without."""
        heads = (*self.head, *self.tagger, *self.finder, *self.chooser, *self.predictions)
        return frozenset(x.theirs for x in heads)

    @cached_property
    def _modules(self) -> dict[str, Part]:
        """Our module, `{i}` for a number, to theirs."""
        modules = {f"head.{rename.ours}": Part(rename.theirs) for rename in self.head}
        modules |= {f"tagger.{x.ours}": Part(x.theirs) for x in self.tagger}
        modules |= {f"finder.{x.ours}": Part(x.theirs) for x in self.finder}
        modules |= {f"chooser.{x.ours}": Part(x.theirs) for x in self.chooser}
        modules |= {f"predictions.{x.ours}": Part(x.theirs) for x in self.predictions}
        modules |= {f"detections.{x.ours}": Part(x.theirs) for x in self.detections}
        modules |= {f"sentences.{x.ours}": Part(x.theirs) for x in self.sentences}
        for row in self.encoder:
            ours = (row.ours,) if isinstance(row, Rename) else row.ours
            for index, module in enumerate(ours):
                path = self.prefix + row.theirs
                modules[f"encoder.{module}"] = Part(path, index, len(ours), row.transposed)
        return modules


def _general(name: str) -> str:
    return re.sub(r"\.\d+\.", ".{i}.", name)


def _join(pieces: list[tuple[Part, Tensor]]) -> Tensor:
    tensors = [tensor for _, tensor in sorted(pieces, key=lambda piece: piece[0].index)]
    whole = tensors[0] if len(tensors) == 1 else torch.cat(tensors)
    return whole.T if pieces[0][0].transposed else whole
