"""The predictor by itself: `python -m benchmarks._bare MODEL < GROUPS`, each a list of texts."""

from __future__ import annotations

import json
import sys
import time

import glossator
from glossator.models.config import RuntimeConfig


def main() -> None:
    groups, seconds = json.loads(sys.stdin.read())
    predictor = glossator.load(sys.argv[1], runtime=RuntimeConfig(threads=1))
    for group in groups[:20]:
        predictor.predict(group)
    times, texts, began = [], 0, time.perf_counter()
    turn = 0
    while time.perf_counter() - began < seconds:
        group = groups[turn % len(groups)]
        turn += 1
        start = time.perf_counter()
        for one in predictor.predict(group):
            one.to_json()
        times.append(time.perf_counter() - start)
        texts += len(group)
    json.dump({"seconds": times, "texts": texts, "took": sum(times)}, sys.stdout)


if __name__ == "__main__":
    main()
