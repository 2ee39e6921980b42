"""Rows of small indexes."""

from __future__ import annotations

import numpy as np

_COLUMNS = ("id", "title", "body", "lang", "year")
ROWS = [
    dict(zip(_COLUMNS, values, strict=True))
    for values in (
        ("a", "lost card", "my card was lost abroad", "en", "2019"),
        ("b", "pin", "how do i change the pin", "en", "2021"),
        ("c", "fees", "why did you charge a fee", "en", "2024"),
        ("d", "丢卡", "我的银行卡在国外丢了", "zh", "2024"),
        ("e", "大桥", "南京市长江大桥的历史", "zh", "1999"),
    )
]
_WORDS = "card pin fee film bank market team account money story lost new bad good slow"


def made_rows(start: int, stop: int) -> list[dict[str, str]]:
    """Rows of five words each, drawn from those that the tiny tokenizer knows."""
    draws = np.random.default_rng(7)
    texts = [" ".join(draws.choice(_WORDS.split(), 5)) for _ in range(stop)]
    return [{"id": str(i), "text": f"{texts[i]} {i}"} for i in range(start, stop)]
