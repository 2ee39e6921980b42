"""Tensors of the Open Inference Protocol, as JSON and as its binary extension has them."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from glossator.serving.problems import Problem, Refused

__all__ = ["Output", "texts_of"]

_BYTES_SIZE = "binary_data_size"


@dataclass(frozen=True)
class Output:
    """A tensor that is answered.

    Attributes:
        name: of it.
        datatype: texts, or numbers of 32 bits.
        shape: of it.
        data: its elements, row by row.
    """

    name: str
    datatype: Literal["BYTES", "FP32"]
    shape: Sequence[int]
    data: Sequence[Any]

    def to_json(self) -> dict[str, Any]:
        """With its elements."""
        return {**self._told(), "data": list(self.data)}

    def to_binary(self) -> tuple[dict[str, Any], bytes]:
        """Without its elements, and these."""
        if self.datatype == "FP32":
            data = struct.pack(f"<{len(self.data)}f", *self.data)
        else:
            texts = [text.encode() for text in self.data]
            data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        return {**self._told(), "parameters": {_BYTES_SIZE: len(data)}}, data

    def _told(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


def texts_of(tensors: Any, binary: bytes) -> dict[str, list[str | list[str]]]:
    """The texts of BYTES tensors by name: N each, or N lists of them.

    Args:
        tensors: `inputs` of a request.
        binary: what follows its JSON.

    Raises:
        Refused: one is no such tensor, they are of different lengths, or binary data is left.
    """
    if not isinstance(tensors, list) or not tensors:
        raise _bad("'inputs' must be a list of tensors")
    found: dict[str, list[str | list[str]]] = {}
    place = 0
    for tensor in tensors:
        name, shape = _shape(tensor)
        size = _size(tensor)
        if size is None:
            texts = _flat(name, tensor.get("data"))
        else:
            texts = list(_elements(name, binary[place : place + size], size))
            place += size
        if name in found or len(texts) != math.prod(shape):
            raise _bad(f"tensor {name} is there twice, or has other elements than its shape says")
        found[name] = _rows(texts, shape)
    if place != len(binary):
        raise _bad("the binary data is longer or shorter than the tensors say")
    if len({len(texts) for texts in found.values()}) != 1:
        raise _bad("the tensors have different numbers of rows")
    return found


def _shape(tensor: Any) -> tuple[str, list[int]]:
    name = tensor.get("name") if isinstance(tensor, dict) else None
    if not isinstance(name, str) or not name.isidentifier() or len(name) > 80:
        raise _bad("a tensor has no name, or one that is no name")
    if tensor.get("datatype") != "BYTES":
        raise _bad(f"tensor {name} must have the datatype BYTES: texts are read")
    shape = tensor.get("shape")
    counts = isinstance(shape, list) and all(type(x) is int and 1 <= x < 2**31 for x in shape)
    if not counts or len(shape) not in (1, 2):
        raise _bad(f"tensor {name} must have the shape [N] or [N, K]")
    return name, shape


def _size(tensor: Mapping[str, Any]) -> int | None:
    """Bytes of its binary data; None where its elements stand in JSON."""
    parameters = tensor.get("parameters", {})
    size = parameters.get(_BYTES_SIZE) if isinstance(parameters, dict) else -1
    if size is not None and (type(size) is not int or size < 0):
        raise _bad(f"'{_BYTES_SIZE}' must be a whole number, 0 or more")
    return size


def _flat(name: str, data: Any) -> list[str]:
    """Elements, which may be nested as the shape is."""
    if not isinstance(data, list):
        raise _bad(f"tensor {name} has no list of 'data'")
    found = [x for each in data for x in (each if isinstance(each, list) else [each])]
    if not all(isinstance(each, str) for each in found):
        raise _bad(f"tensor {name} must hold texts")
    return found


def _elements(name: str, data: bytes, size: int) -> Iterator[str]:
    """Texts, each behind its length in four bytes, the lowest first."""
    if len(data) != size:
        raise _bad(f"the binary data of tensor {name} is cut off")
    place = 0
    while place < size:
        end = place + 4 + int.from_bytes(data[place : place + 4], "little")
        if place + 4 > size or end > size:
            raise _bad(f"the binary data of tensor {name} is cut off")
        try:
            yield data[place + 4 : end].decode()
        except UnicodeDecodeError:
            raise _bad(f"a text of tensor {name} is not UTF-8") from None
        place = end


def _rows(texts: list[str], shape: Sequence[int]) -> list[str | list[str]]:
    wide = shape[1] if len(shape) == 2 else 1
    if wide == 1:
        return list(texts)
    return [texts[i : i + wide] for i in range(0, len(texts), wide)]


def _bad(message: str) -> Refused:
    return Refused(Problem("bad_request", message, 400))
