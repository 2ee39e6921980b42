"""Texts become vectors, and how many a second: TEXTS MODEL PRECISION VECTORS."""

from __future__ import annotations

import json
import pathlib
import sys
import time

import numpy as np

from glossator import load
from glossator.models.config import RuntimeConfig

if __name__ == "__main__":
    texts, model, precision, made = sys.argv[1:]
    read = json.loads(pathlib.Path(texts).read_text(encoding="utf-8"))
    predictor = load(model, runtime=RuntimeConfig(precision=precision))
    predictor.embed(read[:64])  # what is done once
    began = time.perf_counter()
    vectors = predictor.embed(read)
    seconds = time.perf_counter() - began
    np.save(made, vectors)
    print(json.dumps({"texts_per_second": round(len(read) / seconds, 1)}))
