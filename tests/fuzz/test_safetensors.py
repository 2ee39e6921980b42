"""Mutations of a weights file: a model, or our error that names the file; nothing else."""

from __future__ import annotations

import json
import os
import random
import resource
import struct
from pathlib import Path

import pytest
import torch

from glossator.errors import ModelFolderError
from glossator.models import checkpoint

# GLOSSATOR_FUZZ=10000 runs the full count.
MUTATIONS = int(os.environ.get("GLOSSATOR_FUZZ", "600"))


def flip(data: bytearray, rng: random.Random) -> None:
    """Flip bits, mostly in the header, where they mean something."""
    header = struct.unpack("<Q", data[:8])[0]
    for _ in range(rng.choice([1, 1, 2, 8])):
        end = rng.choice([8, 8 + header, 8 + header, len(data)])
        data[rng.randrange(end)] ^= 1 << rng.randrange(8)


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.choice([rng.randrange(16), rng.randrange(len(data))]) :]


def lengthen(data: bytearray, rng: random.Random) -> None:
    data += rng.randbytes(rng.choice([1, 8, 4096]))


def header_length(data: bytearray, rng: random.Random) -> None:
    values = [0, 1, 2**31, 2**40, 2**63, 2**64 - 1, rng.randrange(len(data))]
    data[:8] = struct.pack("<Q", rng.choice(values))


def header_value(data: bytearray, rng: random.Random) -> None:
    """Rewrite one entry of the header, keeping the rest of the file in step."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    name = rng.choice([key for key in header if key != "__metadata__"])
    entry = header[name]
    number = rng.choice([-1, 0, 1, 7, 2**31, 2**62, 2**64, 1.5, "1", None, [1]])
    change = rng.randrange(6)
    if change == 0:
        entry["dtype"] = rng.choice(["F16", "F64", "I64", "BOOL", "F8_E4M3", "F4", "X", 3, None])
    elif change == 1:
        entry["shape"] = [*entry["shape"], number]
    elif change == 2:
        entry["shape"][0] = number
    elif change == 3:
        entry["data_offsets"][rng.randrange(2)] = number
    elif change == 4:
        header[rng.choice(["", "a\0b", name.upper(), name + "x", "bert." + name])] = header.pop(
            name
        )
    else:
        header[name] = number
    text = json.dumps(header).encode()
    data[: 8 + size] = struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize("mutate", [flip, cut, lengthen, header_length, header_value])
def test_mutated_weights(mutate, tiny_model_folder: Path, tmp_path: Path):
    whole = (tiny_model_folder / "model.safetensors").read_bytes()
    (tmp_path / "config.json").write_bytes((tiny_model_folder / "config.json").read_bytes())
    rng = random.Random(mutate.__name__)
    refusals = []
    checkpoint.load_encoder(tiny_model_folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    for _ in range(MUTATIONS // 5):
        data = bytearray(whole)
        mutate(data, rng)
        (tmp_path / "model.safetensors").write_bytes(data)
        try:
            checkpoint.load_encoder(tmp_path)
        except ModelFolderError as error:
            refusals.append(str(error))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    assert all("model.safetensors: " in refusal for refusal in refusals)
    assert len(refusals) > MUTATIONS // 5 * (0.3 if mutate is flip else 0.7)


@pytest.mark.parametrize("field", ["vocab_size", "hidden_size", "num_hidden_layers", "model_type"])
def test_mutated_config(field, tiny_model_folder: Path, tmp_path: Path):
    weights = (tiny_model_folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    config = json.loads((tiny_model_folder / "config.json").read_text("utf-8"))
    for value in (None, -1, 0, 2**24, 2**70, 0.5, "", "x", [], {}, True, "\ud800"):
        (tmp_path / "config.json").write_text(json.dumps(config | {field: value}))
        with pytest.raises(ModelFolderError):
            checkpoint.load_encoder(tmp_path)


def test_the_unchanged_file_loads(tiny_model_folder: Path):
    """Positive control: it is the mutations that are refused."""
    encoder = checkpoint.load_encoder(tiny_model_folder)
    assert all(torch.isfinite(x).all() for x in encoder.parameters())
