"""README.md of a pretrained model folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glossator.artifact.escaping import visible, yaml_string

__all__ = ["model_card"]


def model_card(
    *, name: str, base: str, objective: str, task: str, tunable: bool,
    statistics: Mapping[str, Any], train: Mapping[str, float], dev: Mapping[str, Any],
) -> str:  # fmt: skip
    """The card in Markdown with YAML front matter; it holds no text of the corpus."""
    kept, tokens = statistics["kept"]["train"], statistics["tokens"]
    scores = "\n".join(
        f"| {key} | {value:.4f} | {dev['baseline'][key]:.4f} |"
        for key, value in dev.items()
        if key != "baseline"
    )
    answers = f"It answers {task}" if task else "It answers nothing yet"
    tunes = f"; `glossator fit TABLE --model {name}` fine-tunes it" if tunable else ""
    pipeline = f"pipeline_tag: {yaml_string(task)}\n" if task else ""
    return visible(
        f"""---
library_name: transformers
{pipeline}tags:
- glossator
- {yaml_string(objective)}
---

# {name}

A language model that was trained on raw text with the objective {objective}, beginning with {base}.

| score on held-out text | model | guess without context |
|---|---|---|
{scores}

It learned from {kept["documents"]:,} documents of {kept["tokens"]:,} tokens in
{train["steps"]:,} steps ({train["epochs"]:.2f} passes, {train["seconds"]:,.0f} seconds). Its
vocabulary has {tokens["vocabulary"]:,} pieces, {tokens["tokens_per_word"]:.2f} a word.

{answers}{tunes}. What it predicts reflects the text that it has read, with whatever is
wrong or unfair in it.
"""
    )
