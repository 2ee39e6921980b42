"""Texts a second that become vectors, ours against sentence-transformers, on the same weights.

CLINC150's test texts, and a mix of lengths, in float32 and in bfloat16; the two take turns and a
ratio is taken within each turn. Also how far the vectors lie from those of sentence-transformers in
float32. Texts are short enough that neither cuts nor windows them.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import sys
import tempfile
from typing import Any

import numpy as np

from benchmarks.beside_trainer import read_rows
from benchmarks.common import (
    HERE,
    data_folder,
    median,
    parser,
    run_json,
    starter_folder,
    write_result,
)

# Words at most; a text of the mix is of one of these with equal chance.
LENGTHS = (5, 10, 20, 40, 80, 150)


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--texts", type=int, default=2000, help="of each kind")
    p.add_argument("--precisions", nargs="*", default=["float32", "bfloat16"])
    a = p.parse_args(arguments)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name, texts in {"clinc150": short(a), "mixed": mixed(a)}.items():
            (folder / name).write_text(json.dumps(texts), encoding="utf-8")
            result[name] = beside(a, folder, name)
    write_result("embedding_speed", arguments, result)


def beside(a: argparse.Namespace, folder: pathlib.Path, name: str) -> dict[str, Any]:
    """Speeds and vectors of both, by precision."""
    found: dict[str, Any] = {}
    exact = vectors(a, folder, name, "peer", "float32")[1]
    for precision in a.precisions:
        turns, apart = [], 0.0
        for _ in range(a.turns):
            ours, ours_made = vectors(a, folder, name, "ours", precision)
            theirs = 0.0 if a.no_peer else vectors(a, folder, name, "peer", precision)[0]
            turns.append((ours, theirs))
            apart = float(np.abs(ours_made - exact).max())
        found[precision] = {
            "ours": median([turn[0] for turn in turns]),
            "sentence_transformers": median([turn[1] for turn in turns]),
            "ratio": round(median([x / max(y, 1e-9) for x, y in turns]), 2),
            "furthest_from_float32": apart,
            "lowest_cosine_to_float32": round(float((ours_made * exact).sum(1).min()), 6),
        }
        print(name, precision, json.dumps(found[precision]), file=sys.stderr)
    return found


def vectors(
    a: argparse.Namespace, folder: pathlib.Path, name: str, who: str, precision: str
) -> tuple[float, Any]:
    """Texts a second, and the (N, D) vectors."""
    script = HERE / "peers" / "embedding_speed.py" if who == "peer" else HERE / "_embedding.py"
    python = a.peer_python if who == "peer" else sys.executable
    made = folder / f"{who}.npy"
    words = [str(folder / name), starter_folder("minilm"), precision, str(made)]
    return run_json([python, str(script), *words])["texts_per_second"], np.load(made)


def short(a: argparse.Namespace) -> list[str]:
    return [row["text"] for row in read_rows(data_folder(a) / "clinc150" / "test.csv")][: a.texts]


def mixed(a: argparse.Namespace) -> list[str]:
    """Beginnings of film reviews and of sentences on finance, of very different lengths."""
    draw = random.Random(0)
    rows = read_rows(data_folder(a) / "phrasebank" / "train.csv")
    words = [word for row in rows for word in row["text"].split()]
    texts = []
    for _ in range(a.texts):
        start = draw.randrange(len(words) - max(LENGTHS))
        texts.append(" ".join(words[start : start + draw.choice(LENGTHS)]))
    return texts
