"""sentence-transformers: texts become vectors, and how many a second."""

from __future__ import annotations

import json
import pathlib
import sys
import time

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

if __name__ == "__main__":
    texts, model, precision, made = sys.argv[1:]
    read = json.loads(pathlib.Path(texts).read_text(encoding="utf-8"))
    kind = {"dtype": torch.bfloat16} if precision == "bfloat16" else {}
    encoder = SentenceTransformer(model, device="cpu", model_kwargs=kind)
    encoder.encode(read[:64])
    began = time.perf_counter()
    vectors = encoder.encode(read, batch_size=32)
    seconds = time.perf_counter() - began
    np.save(made, np.asarray(vectors, np.float32))
    print(json.dumps({"texts_per_second": round(len(read) / seconds, 1)}))
