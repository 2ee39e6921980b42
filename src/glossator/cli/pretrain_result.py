"""What `glossator pretrain` shows at the end."""

from __future__ import annotations

from glossator.artifact.wording import duration
from glossator.cli.scores import pretraining_scores
from glossator.cli.screen import Screen
from glossator.pretraining.result import PretrainResult
from glossator.text.findings import count_of

__all__ = ["show_result"]


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
