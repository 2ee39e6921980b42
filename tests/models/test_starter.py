"""Starters: what a name means, the 4-bit file, and that both folders open in transformers."""

from __future__ import annotations

import builtins
import struct
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from glossator import bundles
from glossator.errors import InputError, MissingPackageError, ModelFolderError
from glossator.models import starter
from glossator.models.starter_q4 import HEADER, read, unpack_blocks

WIDTH, INNER, VOCABULARY = 32, 64, 5


def quantized(weights: np.ndarray) -> tuple[bytes, np.ndarray]:
    """One block at a time, the slow way: the bytes and the weights that they stand for."""
    out, meant = b"", []
    for block in weights.reshape(-1, 32):
        scale = np.float16(max(abs(block)) / 7)
        levels = [round(float(w) / float(scale)) + 8 for w in block]
        out += struct.pack("<e", scale)
        out += bytes(levels[i] | levels[i + 16] << 4 for i in range(16))
        meant += [(level - 8) * float(scale) for level in levels]
    return out, np.array(meant, np.float32)


@pytest.fixture
def packed(tmp_path) -> tuple[Path, dict[str, np.ndarray]]:
    """A file of one layer written from the description, and what each tensor should read as."""
    random = np.random.default_rng(0)
    linear = {"q": (WIDTH, WIDTH), "fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
    shapes = {"emb.word": (VOCABULARY, WIDTH), "emb.ln.w": (WIDTH,)}
    shapes |= {f"l0.{k}.w": shape for k, shape in linear.items()}
    shapes |= {f"l0.{k}.b": shape[:1] for k, shape in linear.items()}
    bodies, expected = {}, {}
    for name, shape in shapes.items():
        values = random.normal(size=shape).astype(np.float32)
        if len(shape) == 2:
            bodies[name], flat = quantized(values)
            expected[name] = flat.reshape(shape)
        else:
            bodies[name], expected[name] = values.tobytes(), values
    path = tmp_path / "q4.bin"
    path.write_bytes(file_of(bodies, expected))
    return path, expected


def file_of(bodies: dict[str, bytes], values: dict[str, np.ndarray]) -> bytes:
    blob = b"piece"
    sizes = (WIDTH, 1, 4, INNER, VOCABULARY, 16, 2)
    head = HEADER.pack(b"E5S1", 1, *sizes, 1e-12, 32, 1, 0, 2, 1, 3, len(blob))
    head += struct.pack("<2if", 0, 5, -1.0) + blob + struct.pack("<iI", 1, 3) + b"abc"
    head += struct.pack("<i", len(bodies))
    at = len(head) + sum(2 + len(name) + 21 for name in bodies)
    lines = body = b""
    for name, data in bodies.items():
        kind = int(len(data) != 4 * values[name].size)
        lines += struct.pack("<H", len(name)) + name.encode()
        lines += struct.pack("<BIQQ", kind, values[name].size, at + len(body), len(data))
        body += data
    return head + lines + body


def test_the_4_bit_file_reads_as_it_was_written(packed):
    path, expected = packed
    config, weights = read(path)
    assert config["hidden_size"] == WIDTH
    assert config["intermediate_size"] == INNER
    assert config["layer_norm_eps"] == 1e-12
    assert config["pad_token_id"] == 1
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "l0.q.w": "encoder.layer.0.attention.self.query.weight",
        "l0.fi.b": "encoder.layer.0.intermediate.dense.bias",
        "l0.fo.w": "encoder.layer.0.output.dense.weight",
    }
    assert len(weights) == len(expected)
    for short, name in names.items():
        np.testing.assert_array_equal(weights[name], expected[short], err_msg=name)


def test_the_low_nibbles_come_first():
    block = struct.pack("<e", 0.5) + bytes([0x0F] + [0x88] * 15)
    expected = np.zeros(32, np.float32)
    expected[0], expected[16] = 3.5, -4.0
    np.testing.assert_array_equal(unpack_blocks(block, 32), expected)


def test_the_pins_are_whole():
    for name, known in starter.STARTERS.items():
        assert known.bundle.name == name
        assert len(known.hub_revision) == 40
        for wheel in known.bundle.wheels:
            digests = [wheel.sha256, *(member.sha256 for member in wheel.members)]
            assert all(len(d) == 64 and int(d, 16) for d in digests)


def test_an_unknown_starter_lists_the_choices():
    with pytest.raises(InputError, match=r"minilm, multilingual; did you mean 'minilm'"):
        starter.add("minilms")


def test_locate(tmp_path, monkeypatch):
    monkeypatch.setenv("GLOSSATOR_CACHE", str(tmp_path))
    with pytest.raises(ModelFolderError, match=r"run: glossator starter add minilm$"):
        starter.locate("minilm")
    folder = tmp_path / "starters" / "minilm"
    folder.mkdir(parents=True)
    assert starter.locate("minilm") == folder
    assert starter.locate(folder) == folder
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelFolderError, match="is a file, not a model folder"):
        starter.locate(tmp_path / "file")
    with pytest.raises(ModelFolderError, match=r"is not there; .*with --hub a hub id"):
        starter.locate("someone/some-model")


def test_hub_ids_are_downloaded_without_code_or_pickles(tmp_path, monkeypatch):
    asked = {}

    def snapshot_download(repo_id: str, **options) -> str:
        asked[repo_id] = options
        return str(tmp_path)

    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    with pytest.raises(ModelFolderError, match="holds no safetensors"):
        starter.locate("someone/some-model", hub=True)
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert starter.locate("minilm", hub=True) == tmp_path
    known = starter.STARTERS["minilm"]
    assert asked["someone/some-model"]["revision"] == "main"
    assert asked[known.hub_id]["revision"] == known.hub_revision
    assert asked[known.hub_id]["allow_patterns"] == ["*.json", "*.safetensors"]


def test_the_hub_offline_is_one_clear_error(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelFolderError, match="the hub did not give 'someone/some-model'"):
        starter.locate("someone/some-model", hub=True)


def test_the_hub_package_is_optional(monkeypatch):
    real = builtins.__import__

    def without_hub(name: str, *rest, **options) -> types.ModuleType:
        if name == "huggingface_hub":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.delitem(sys.modules, "huggingface_hub", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_hub)
    with pytest.raises(MissingPackageError, match=r"pip install 'glossator\[hub\]'"):
        starter.locate("someone/some-model", hub=True)


def embed(folder: Path, texts: list[str]) -> np.ndarray:
    """Unit vectors (texts, width): the mean of the last hidden states, in transformers."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = (states * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(mean, dim=-1).numpy()


def test_minilm_knows_what_is_alike(minilm_folder):
    assert bundles.changed_files(minilm_folder) == []
    texts = ["Where is my card?", "My card has not arrived.", "The film was very boring."]
    alike, other = embed(minilm_folder, texts)[0] @ embed(minilm_folder, texts)[1:].T
    assert alike > other + 0.3


def test_multilingual_knows_what_is_alike(multilingual_folder):
    texts = [
        "query: 我的银行卡在哪里？",
        "query: 我还没有收到信用卡。",
        "query: 这部电影非常无聊。",
    ]
    texts.append("query: Where is my bank card?")
    first, *rest = embed(multilingual_folder, texts)
    alike, other, english = np.stack(rest) @ first
    assert alike > other + 0.03
    assert english > other + 0.05
