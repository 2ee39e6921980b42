"""How far a training step is from the processor's measured bfloat16 product rate, and why.

The floor of a step is the arithmetic of its matrix products at the rate that one large product
reaches here. A profile of the same steps says where the rest of the time goes.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from typing import Any

import torch

from benchmarks.common import data_folder, median, parser, starter_folder, write_result
from glossator.tasks.registry import kind_named
from glossator.tasks.task import Base
from glossator.text.records import Record
from glossator.text.rows import Row
from glossator.text.tables import read_tables
from glossator.training.config import TrainingConfig
from glossator.training.events import Stepped
from glossator.training.loop import train

GROUPS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"),
    "copies and gathers": ("aten::copy_", "aten::index_select", "aten::cat", "aten::index_fill_"),
    "optimizer": ("aten::_fused_adamw_", "aten::_foreach"),
    "norms": ("aten::native_layer_norm", "aten::native_layer_norm_backward"),
    "softmax and GELU": ("aten::_softmax", "aten::gelu", "aten::tanh"),
    "dropout": ("aten::random_", "aten::ge", "aten::native_dropout"),
}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--rows", type=int, default=3200)
    a = p.parse_args(arguments)
    table = read_tables([data_folder(a) / "banking77" / "train.csv"])
    kind = kind_named("text-classification")
    columns, options = {"text": ("text",), "label": ("label",)}, kind.config.options()
    reader = kind.reader(columns, options)
    read = [reader.read(row, targets=True) for row in table if isinstance(row, Row)]
    records = [x for x in read if isinstance(x, Record)][:: 10003 // a.rows][: a.rows]
    base = Base.of(starter_folder("minilm"), 512)
    task = kind.learn(records, base, columns, options)

    def steps(examples: int) -> list[Stepped]:
        model = task.build(base, 0)
        rows = task.encode(records[:examples])
        config = TrainingConfig(epochs=1, learning_rate=2e-4)
        return train(model, task, rows, config, dtype=torch.bfloat16).steps

    rate = _product_rate()
    events = steps(a.rows)
    seconds = [y.seconds - x.seconds for x, y in itertools.pairwise(events[10:])]
    tokens = [y.tokens - x.tokens for x, y in itertools.pairwise(events[10:])]
    flops = _flops(sum(tokens) / len(tokens), texts=32)
    floor = flops / rate
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        profiled = len(steps(960))
    shares = _shares(profile, profiled)
    write_result(
        "roofline",
        arguments,
        {
            "product_rate_gflops": round(rate / 1e9),
            "tokens_a_step": round(sum(tokens) / len(tokens)),
            "gflop_a_step": round(flops / 1e9, 1),
            "floor_ms": round(floor * 1e3, 1),
            "step_ms": round(median(seconds) * 1e3, 1),
            "share_of_product_rate": round(floor / median(seconds), 3),
            "profiled_ms_a_step": shares,
        },
    )


def _flops(tokens: float, *, texts: int, width: int = 384, layers: int = 6) -> float:
    """Products of a step: forward, and twice that backward; attention's own are under 2%.

    All blocks but the last work on every token; the last computes keys and values for them, and
    the rest for one token a text.
    """
    a_token = 24 * width * width
    forward = tokens * a_token * (layers - 1) + tokens * a_token / 6 + texts * a_token * 5 / 6
    return 3 * forward


def _product_rate() -> float:
    """Operations a second of a bfloat16 product of 2048 x 2048 matrices, the best of some."""
    x, y = torch.randn(2048, 2048).bfloat16(), torch.randn(2048, 2048).bfloat16()
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        x @ y
        best = min(best, time.perf_counter() - began)
    return 2 * 2048**3 / best


def _shares(profile: Any, steps: int) -> dict[str, float]:
    spent: Counter[str] = Counter()
    for event in profile.key_averages():
        group = next((g for g, ops in GROUPS.items() if event.key.startswith(ops)), "all else")
        spent[group] += event.self_cpu_time_total
    return {name: round(us / 1e3 / steps, 1) for name, us in spent.most_common()}
