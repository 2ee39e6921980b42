"""What `glossator pretrain` shows at the end."""

from __future__ import annotations

import numpy as np

from glossator.artifact.wording import duration
from glossator.cli.scores import pretraining_scores
from glossator.cli.screen import Screen
from glossator.pretraining.result import PretrainResult
from glossator.text.findings import count_of

__all__ = ["show_result"]

_POINTS, _WIDTH = 8, 40  # of a curve


def show_result(screen: Screen, result: PretrainResult) -> None:
    """Say what was learned, where it lies, and what to type next."""
    train, dev = result.train, result.dev
    screen.say("Result", "bold")
    screen.say(f"  on held-out text  {pretraining_scores(dev)}")
    screen.say(f"  without context   {pretraining_scores(dev['baseline'])}")
    screen.say(
        f"  {count_of(int(train['steps']), 'step')} in {duration(train['seconds'])}, "
        f"{train['tokens_per_second']:,.0f} tokens/s, {train['epochs']:.2f} passes"
    )
    _show_curve(screen, result)
    if not result.finished:
        taken, planned = result.steps["taken"], result.steps["planned"]
        screen.say(f"Interrupted after {taken:,} of {planned:,} steps; --resume goes on", "yellow")
    screen.say(f"  model  {result.model}")
    screen.say(f"  run    {result.run} (log, curves, tokens)")
    screen.say("Next:", "bold")
    if "perplexity" in dev:
        screen.say(f'  echo "It began" | glossator predict {result.model} - --format text')
        return
    if "masked_accuracy" in dev:
        screen.say(f'  echo "... [MASK] ..." | glossator predict {result.model} - --format text')
    screen.say(f"  glossator fit TABLE --model {result.model}")


def _show_curve(screen: Screen, result: PretrainResult) -> None:
    """The held-out loss over tokens and time, as bars beside that of a guess."""
    count, guess = len(result.curve), float(result.dev["baseline"]["loss"])
    if count < 2:
        return
    screen.say(f"Held-out loss; a guess without context has {guess:.3f}", "bold")
    for number in np.unique(np.linspace(0, count - 1, _POINTS).round().astype(int)).tolist():
        point = result.curve[number]
        bar = "#" * min(_WIDTH, round(_WIDTH * point["loss"] / guess))
        screen.say(
            f"  {point['tokens']:>14,} tokens {duration(point['seconds']):>14} "
            f"{point['loss']:>7.3f}  {bar}"
        )
