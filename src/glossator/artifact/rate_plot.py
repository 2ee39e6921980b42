"""The losses of a learning-rate range test, as SVG."""

from __future__ import annotations

import math

from markupsafe import Markup

from glossator.artifact.plots import Series, line_plot
from glossator.artifact.report_parts import RateCurve
from glossator.artifact.wording import power_of_ten

__all__ = ["rate_plot"]


def rate_plot(curve: RateCurve, *, title: str) -> Markup:
    """The loss at each rate, the rates as powers of ten; the chosen one is marked.

    What is seen is the fall, and above it as much again: where the rate ruins the model, the loss
    is many times what it was.
    """
    powers = [math.log10(rate) for rate in curve.rates]
    start, lowest = curve.smoothed[0], min(curve.smoothed)
    fall = max(start - lowest, 0.1 * start)
    chosen = curve.chosen
    return line_plot(
        [
            Series("each step", powers, curve.losses, "faint"),
            Series("mean", powers, curve.smoothed),
        ],
        title=title,
        x_label="learning rate",
        y_label="loss",
        y_range=(max(0.0, lowest - fall), start + fall),
        mark=None if chosen is None else (math.log10(chosen), f"chosen: {power_of_ten(chosen)}"),
        powers=True,
    )
