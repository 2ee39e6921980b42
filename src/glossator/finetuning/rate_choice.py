"""The learning rate that `auto` stands for, and why."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

from glossator.artifact.report_parts import RateCurve
from glossator.artifact.wording import power_of_ten
from glossator.config import from_mapping
from glossator.errors import CheckpointError, ConfigError
from glossator.files import durable_write
from glossator.runs.folder import RunFolder
from glossator.training.rate_test import RateTest

__all__ = ["believed", "chosen_because", "found_or_kept", "rate_curve", "was_tested"]

FILE = "rate-test.json"


def found_or_kept(run: RunFolder | None, test: Callable[[], RateTest]) -> RateTest:
    """What a range test finds; what it found when the run began, where one is taken up.

    The test would find the same again, but takes up to a tenth of the run's time.

    Args:
        run: where it is kept.
        test: makes it.

    Raises:
        CheckpointError: what was kept was changed.
        OSError: it cannot be written.
    """
    path = None if run is None else run.path / FILE
    if run and path and run.trained and path.exists():
        try:
            return from_mapping(RateTest, json.loads(path.read_text(encoding="utf-8")))
        except (ConfigError, ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"not what a range test wrote: {error}", file=path) from error
    found = test()
    if path:
        durable_write(path, json.dumps(dataclasses.asdict(found)))
    return found


def was_tested(run: Path) -> bool:
    """Whether the folder of a run holds what a range test found."""
    return (run / FILE).exists()


def believed(found: RateTest, highest: float) -> float | None:
    """The rate that a range test chose, unless it is above `highest`; None where it is."""
    return None if found.chosen is None or found.chosen > highest else found.chosen


def chosen_because(found: RateTest, default: float, highest: float = math.inf) -> str:
    """What a range test chose and why, in a sentence; `default` is taken where it chose none.

    Args:
        found: by the test.
        default: the rate without it.
        highest: the rate above which it is not believed.
    """
    steps = f"a range test of {len(found.rates) + 1} steps"
    if found.chosen is not None and believed(found, highest) is None:
        return (
            f"learning rate {power_of_ten(default)}, the default: {steps} chose "
            f"{power_of_ten(found.chosen)}, and above {power_of_ten(highest)} the optimizer falls "
            "fast at first and ruins the model later"
        )
    if found.chosen is None or found.steepest is None:
        return (
            f"learning rate {power_of_ten(default)}, the default: {steps} found no rate at which "
            "the loss fell by more than it scatters"
        )
    rose = "rose at none of them"
    if found.rises is not None:
        rose = f"rose from {power_of_ten(found.rises)}"
        if found.chosen < 0.95 * found.steepest:
            rose += ", of which a tenth is the most that is taken"
    fell = power_of_ten(found.steepest)
    return (
        f"learning rate {power_of_ten(found.chosen)}, chosen by {steps}: "
        f"the loss fell fastest at {fell} and {rose}"
    )


def rate_curve(found: RateTest, note: str) -> RateCurve:
    """The test as the report shows it."""
    return RateCurve(
        rates=found.rates,
        losses=found.losses,
        smoothed=found.smoothed,
        chosen=found.chosen,
        note=f"{note[0].upper()}{note[1:]}.",
    )
