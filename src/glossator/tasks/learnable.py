"""What everything that learns is to the loop: examples, batches, and a loss over them."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, overload, runtime_checkable

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor, nn

from glossator.text.packing import PackedBatch, pack
from glossator.text.tokenizer import Ids

__all__ = [
    "ArraySpec",
    "Batch",
    "Comparing",
    "Coupling",
    "Encoded",
    "Example",
    "Learnable",
    "Ordering",
    "collate",
    "filler",
    "first_of_rows",
    "key_of",
    "segments_of",
    "units",
]

Coupling: TypeAlias = Literal["example", "row", "step"]
"""Which examples a loss must see together: none, those of a row, or all of a step."""


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """An array that stands beside the tokens of each example: a target, or an input.

    Attributes:
        name: under which a batch has it.
        axis: what its first axis is: the example itself (`text`: no axis), its tokens (`token`),
            or something of its own (`own`), of which there may be none.
        dtype: of its values.
        fill: what it holds where a batch is filled up.
    """

    name: str
    axis: Literal["text", "token", "own"]
    dtype: DTypeLike = np.int64
    fill: float = 0


@dataclass(frozen=True, slots=True)
class Example:
    """One window of a row.

    Attributes:
        tokens: (n,) ids, special tokens among them.
        span: half-open place of the window in the tokens of its text, special tokens left out.
        arrays: those that the specs of its task name, in their order.
        segments: (n,) 0 in the first text of a pair and 1 in the second; None: all 0.
        weight: its share of the row's loss; the windows of a row add up to 1.
        row: number of its row among those that were encoded together.
    """

    tokens: Ids
    span: tuple[int, int]
    arrays: tuple[NDArray[Any], ...] = ()
    segments: Ids | None = None
    weight: float = 1.0
    row: int = -1


@dataclass(frozen=True, slots=True)
class Encoded(Sequence[Example]):
    """A row as the examples that a model reads, at least one.

    Attributes:
        examples: the examples.
        n_tokens: tokens of its texts, special tokens and overlaps left out.
        windows: in how many windows they are read.
        offsets: (U, 2) for each unit that is answered its half-open characters of the text; None
            where the row is answered as a whole.
    """

    examples: tuple[Example, ...]
    n_tokens: int
    windows: int
    offsets: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, number: int) -> Example: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Example]: ...

    def __getitem__(self, number: int | slice) -> Example | Sequence[Example]:
        return self.examples[number]

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)


@dataclass(frozen=True)
class Batch:
    """Examples as tensors.

    Attributes:
        inputs: the B texts.
        arrays: by the names of their specs: (B, ...) of an axis `text`, (T, ...) of `token`, else
            the values of all examples one after another.
        counts: (B,) how many values each example has, of each array with an axis of its own.
        weights: (B,) float32.
        rows: (B,) number of each example's row in the batch, rising from 0.
    """

    inputs: PackedBatch
    arrays: Mapping[str, Tensor]
    counts: Mapping[str, Tensor]
    weights: Tensor
    rows: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(
            self.inputs.to(device),
            {name: x.to(device) for name, x in self.arrays.items()},
            {name: x.to(device) for name, x in self.counts.items()},
            self.weights.to(device),
            self.rows.to(device),
        )


def collate(examples: Sequence[Example], specs: Sequence[ArraySpec]) -> Batch:
    """Lay examples out as one packed batch."""
    arrays, counts = {}, {}
    for number, spec in enumerate(specs):
        values = [example.arrays[number] for example in examples]
        join = np.stack if spec.axis == "text" else np.concatenate
        arrays[spec.name] = torch.from_numpy(join(values).astype(spec.dtype, copy=False))
        if spec.axis == "own":
            counts[spec.name] = torch.tensor([len(value) for value in values])
    numbers = [example.row for example in examples]
    starts = [False, *(a != b for a, b in itertools.pairwise(numbers))]
    return Batch(
        inputs=pack([example.tokens for example in examples], segments_of(examples)),
        arrays=arrays,
        counts=counts,
        weights=torch.tensor([example.weight for example in examples]),
        rows=torch.tensor(starts).cumsum(0),
    )


def segments_of(examples: Sequence[Example]) -> list[Ids] | None:
    """Segment ids of each example, as many as tokens; None where all are 0."""
    if all(example.segments is None for example in examples):
        return None
    return [np.zeros_like(e.tokens) if e.segments is None else e.segments for e in examples]


def first_of_rows(rows: Tensor) -> Tensor:
    """(B,) whether each example is the first of its row; (B,) `rows` as a batch has them."""
    return torch.cat([rows.new_ones(1), rows.diff()]).bool()


def key_of(text: str) -> int:
    """63 bits of a text, by which examples know that theirs are the same."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def filler(like: Example, tokens: int, specs: Sequence[ArraySpec]) -> Example:
    """An example of so many tokens that has no part in a loss, made of another."""
    arrays = []
    for spec, array in zip(specs, like.arrays, strict=True):
        length = {"text": array.shape, "token": (tokens, *array.shape[1:])}
        shape = length.get(spec.axis, (0, *array.shape[1:]))
        arrays.append(np.full(shape, spec.fill, dtype=spec.dtype))
    return dataclasses.replace(
        like,
        tokens=like.tokens[:1].repeat(tokens),
        arrays=tuple(arrays),
        segments=None,
        weight=0.0,
        row=-1,
    )


def units(examples: Sequence[Example], coupling: Coupling) -> list[list[Example]]:
    """The examples in groups that a loss must see whole, in their order."""
    if coupling == "example":
        return [[example] for example in examples]
    if coupling == "step":
        return [list(examples)]
    return [list(group) for _, group in itertools.groupby(examples, lambda e: e.row)]


class _Movable(Protocol):
    def to(self, device: torch.device) -> Any:
        """The same on another device."""


BatchT = TypeVar("BatchT", bound=_Movable)


class Learnable(Protocol[BatchT]):
    """What a model can be trained on: a task, or an objective on raw text."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it was told and has learned; a run goes on with the same alone."""

    @property
    def specs(self) -> Sequence[ArraySpec]:
        """The arrays that its examples have."""

    @property
    def coupling(self) -> Coupling:
        """Which examples its loss must see together."""

    def collate(self, examples: Sequence[Example], seed: int) -> BatchT:
        """Examples as one batch; what is random in it hangs on the seed alone.

        An example of weight 0 fills the batch up, and has no part in the loss.
        """

    def loss(self, model: nn.Module, batch: BatchT) -> tuple[Tensor, Tensor]:
        """Sum of the losses of a batch and the count that they are to be divided by."""


@runtime_checkable
class Ordering(Protocol):
    """Something learnable that says which rows an epoch has, and in which order."""

    def order(
        self, rows: Sequence[Sequence[Example]], seed: int, epoch: int
    ) -> NDArray[np.int64] | None:
        """(N,) the numbers of the rows of an epoch, by its arguments alone; None: each once.

        Args:
            rows: the N rows with their examples.
            seed: of the run.
            epoch: from 0.
        """


@runtime_checkable
class Comparing(Protocol):
    """Something learnable of whole steps, whose loss is one over vectors of their examples.

    So the examples can go through a model in parts, though all are held against each other.
    """

    def embed(self, model: nn.Module, batch: Any) -> Tensor:
        """(B, D) a vector of each example of a batch."""

    def compare(self, vectors: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
        """The loss as `Learnable.loss` gives it, of (B, D) vectors of a batch; rows are whole."""
