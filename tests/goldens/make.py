"""Make the golden folder of a release: `python tests/goldens/make.py 0.1.0`.

A golden folder is never made again once its release is out: it stands for the folders that users
have, which every later version must open with the same answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

import glossator

HERE = Path(__file__).parent.resolve()
TEXTS = ["good film", "bad film", "\ufffd", "the card is not bad", "where is my good card " * 9]
WIDTH, INNER, POSITIONS = 8, 12, 24


def tokenizer(folder: Path) -> int:
    words = ["good", "bad", "film", "card", "the", "a", "is", "not", "my", "where", "story", "week"]
    letters = [c for x in "abcdefghijklmnopqrstuvwxyz" for c in (x, f"##{x}")]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.add_special_tokens(pieces[:5])
    made.save(str(folder / "tokenizer.json"))
    settings = json.dumps({"tokenizer_class": "BertTokenizer", "model_max_length": POSITIONS})
    (folder / "tokenizer_config.json").write_text(settings + "\n")
    return len(vocabulary)


def encoder(folder: Path, size: int) -> None:
    random = np.random.default_rng(0)
    layer = "encoder.layer.0"
    linears = {
        f"{layer}.attention.self.query": (WIDTH, WIDTH),
        f"{layer}.attention.self.key": (WIDTH, WIDTH),
        f"{layer}.attention.self.value": (WIDTH, WIDTH),
        f"{layer}.attention.output.dense": (WIDTH, WIDTH),
        f"{layer}.intermediate.dense": (INNER, WIDTH),
        f"{layer}.output.dense": (WIDTH, INNER),
        "pooler.dense": (WIDTH, WIDTH),
    }
    norms = ["embeddings", f"{layer}.attention.output", f"{layer}.output"]
    shapes = {f"{name}.weight": shape for name, shape in linears.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in linears.items()}
    parts = ("weight", "bias")
    shapes |= {f"{name}.LayerNorm.{part}": (WIDTH,) for name in norms for part in parts}
    tables = {"word": size, "position": POSITIONS, "token_type": 2}
    shapes |= {f"embeddings.{name}_embeddings.weight": (n, WIDTH) for name, n in tables.items()}
    weights = {
        name: random.normal(float(name.endswith("Norm.weight")), 0.3, shape).astype(np.float32)
        for name, shape in sorted(shapes.items())
    }
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": size,
        "hidden_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))


def main(version: str) -> None:
    rows = [
        {"text": f"{word} {rest} {number}", "label": label}
        for number in range(20)
        for word, label in (("good", "praise"), ("bad", "blame"))
        for rest in ("film", "the card")
    ]
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        base = Path("tiny-bert")
        base.mkdir()
        encoder(base, tokenizer(base))
        how = {"epochs": 20, "patience": 20, "learning_rate": 2e-2, "precision": "float32"}
        model = glossator.fit(rows, model=str(base), device="cpu", **how)
        model.save("model")
        target = HERE / version
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree("model", target / "model")
    answers = model.answers(TEXTS)
    expected = {
        "texts": TEXTS,
        "logits": [[round(float(x), 6) for x in row] for row in answers.raw],
        "predictions": [answer.to_json() for answer in answers],
    }
    (target / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1])
