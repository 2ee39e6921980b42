"""How long a new process takes until it answers from an index: INDEX VECTOR."""

from __future__ import annotations

import json
import sys
import time

if __name__ == "__main__":
    folder, vector = sys.argv[1:]
    began = time.perf_counter()
    from glossator.search import SearchConfig, open_index

    imported = time.perf_counter()
    import numpy as np

    query = np.load(vector, allow_pickle=False)
    loaded = time.perf_counter()
    with open_index(folder) as index:
        opened = time.perf_counter()
        hits = index.search_vectors(["x"], query, SearchConfig(by="vectors"))[0]
        answered = time.perf_counter()
    print(json.dumps({
        "importing": imported - began,
        "opening": opened - loaded,
        "first answer": answered - opened,
        "hits": len(hits),
    }))  # fmt: skip
