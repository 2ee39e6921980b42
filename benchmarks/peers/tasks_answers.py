"""Peer of question answering: windows that share 128 tokens, as transformers' own example has.

Each context is cut by the tokenizer (`stride`, `return_overflowing_tokens`); a window that does not
hold the answer has the first token as its goal. Of a row's windows the best sum of both logits is
answered, among the 20 best beginnings and ends of each, at most 64 tokens long: what we allow too.
Exact match and F1 are those of CMRC 2018, by the rules of its script.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import transformers as hf

Rows = list[dict[str, Any]]
MARKS = set("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
PIECE = re.compile(r"[\u4e00-\u9fa5]|(?:(?![\u4e00-\u9fa5])\w)+|[^\w\s]")
LONGEST, BEST = 64, 20


def answers(
    a: argparse.Namespace, tokenizer: Any, train: Rows
) -> tuple[Any, Callable[[Rows], Rows], Any, Callable[..., dict[str, float]]]:
    """Questions on contexts; the rows that were encoded last are those that are scored."""
    model = hf.AutoModelForQuestionAnswering.from_pretrained(a.model)
    kept: dict[str, Any] = {}

    def encoded(rows: Rows) -> Rows:
        out = tokenizer(
            [row["question"] for row in rows],
            [row["context"] for row in rows],
            truncation="only_second",
            max_length=512,
            stride=128,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        owners = out["overflow_to_sample_mapping"]
        made, places = [], []
        for window, owner in enumerate(owners):
            # Places outside the context, which may be no answer, are none.
            place = [
                pair if kind == 1 else None
                for pair, kind in zip(
                    out["offset_mapping"][window], out.sequence_ids(window), strict=True
                )
            ]
            start, end = goal(place, rows[owner]["answers"][:1])
            made.append(
                {
                    "input_ids": out["input_ids"][window],
                    "attention_mask": out["attention_mask"][window],
                    "start_positions": start,
                    "end_positions": end,
                }
            )
            places.append(place)
        kept.update(rows=rows, owners=owners, places=places)
        return made

    def score(predictions: Any, gold: Any) -> dict[str, float]:
        best = best_answers(predictions, kept)
        near, exact = [], []
        for answer, row in zip(best, kept["rows"], strict=True):
            right = [x["text"] for x in row["answers"]]
            near.append(max(f1(text, answer) for text in right))
            exact.append(any(bare(text) == bare(answer) for text in right))
        return {"f1": np.mean(near), "exact_match": np.mean(exact)}

    return model, encoded, hf.DataCollatorWithPadding(tokenizer), score


def goal(place: list[Any], answers: Rows) -> tuple[int, int]:
    """The tokens of the answer, or twice the first token where the window does not hold it."""
    if not answers:
        return 0, 0
    start, end = answers[0]["start"], answers[0]["start"] + len(answers[0]["text"])
    firsts = [i for i, pair in enumerate(place) if pair and pair[0] <= start < pair[1]]
    lasts = [i for i, pair in enumerate(place) if pair and pair[0] < end <= pair[1]]
    return (firsts[0], lasts[-1]) if firsts and lasts else (0, 0)


def best_answers(predictions: Any, kept: dict[str, Any]) -> list[str]:
    """The answer to each row, by the highest sum of logits over its windows."""
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(kept["rows"])
    for window, owner in enumerate(kept["owners"]):
        place = kept["places"][window]
        starts, ends = (side[window][: len(place)] for side in predictions[:2])
        context = kept["rows"][owner]["context"]
        for i in np.argsort(-starts)[:BEST]:
            for j in np.argsort(-ends)[:BEST]:
                if not (place[i] and place[j] and i <= j < i + LONGEST):
                    continue
                total = float(starts[i] + ends[j])
                if total > best[owner][0]:
                    best[owner] = total, context[place[i][0] : place[j][1]]
    return [answer for _, answer in best]


def bare(text: str) -> str:
    return "".join(x for x in text.lower().strip() if x not in MARKS)


def f1(gold: str, answer: str) -> float:
    a, b = PIECE.findall(bare(gold)), PIECE.findall(bare(answer))
    longest, before = 0, [0] * (len(b) + 1)
    for one in a:
        before = [0, *(before[j] + 1 if one == other else 0 for j, other in enumerate(b))]
        longest = max(longest, *before)
    return 2 * longest / (len(a) + len(b)) if longest else 0.0
