"""report.html: one file that needs no network and no script.

The page is a Jinja template with autoescape on, so that a text is escaped because it was printed
and not because somebody thought of it; the plots are made of `Markup.format`, which escapes too.
A content security policy in the page forbids scripts and outside content should one ever fail.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from glossator.artifact.escaping import shortened, visible
from glossator.artifact.heatmap import confused_pairs, confusion_map, labelled_confusion_map
from glossator.artifact.plots import Series, histogram, line_plot, loss_series
from glossator.artifact.rate_plot import rate_plot
from glossator.artifact.reliability_diagram import reliability_plot
from glossator.artifact.report_parts import Calibration, Learning, Lengths, Report, Scores
from glossator.artifact.wording import METRICS, duration, interval, measure, weakest_first
from glossator.files import durable_write

__all__ = ["Report", "render_report", "write_report"]

_NAMED_CLASSES = 25  # a larger map cannot show its names
_TEXT = 600
_WORST = 15


def write_report(report: Report, path: str | Path) -> None:
    """Write `report` to `path` as one HTML file, whole or not at all.

    Raises:
        OSError: the disk is full or read-only.
    """
    durable_write(path, render_report(report))


def render_report(report: Report) -> str:
    """The page of `report`."""
    page = _templates().get_template("report.html")
    return visible(
        page.render(
            report=report,
            tiles=[(key, METRICS[key]) for key in ("accuracy", "macro_f1", "log_loss", "ece")],
            metrics=METRICS,
            worst=weakest_first(report.scores.classes),
            worst_count=_WORST,
            confusion=_confusion(report.scores),
            learning_plots=_learning(report.learning),
            calibration_plots=_calibration(report.calibration, report.labels),
            length_plot=_lengths(report.lengths),
            folder=shlex.quote(report.name),
        )
    )


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("glossator.artifact"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "measure": measure,
        "interval": interval,
        "cut": _cut,
        "duration": duration,
        "quoted": repr,
    }
    return environment


def _cut(text: object, length: int = _TEXT) -> str:
    """A text short enough for the page; a cut one ends in … and says how long it was."""
    whole = str(text)
    cut = shortened(whole, length)
    return cut if cut == whole else f"{cut} ({len(whole):,} characters)"


def _confusion(scores: Scores) -> dict[str, Any] | None:
    if scores.confusion is None:
        return None
    names = [score.label for score in scores.classes]
    few = len(names) <= _NAMED_CLASSES
    drawn = labelled_confusion_map(scores.confusion, names) if few else None
    return {
        "map": drawn or confusion_map(scores.confusion),
        "named": few,
        "pairs": confused_pairs(scores.confusion, names),
    }


def _learning(learning: Learning) -> list[tuple[str, Markup]]:
    best = learning.summary.get("best_step")
    mark = None if best is None else (best, "best")
    plots = []
    losses = loss_series(learning.steps, learning.losses)
    if losses[0].x:
        title = "Loss of the training batches"
        plots.append(
            (title, line_plot(losses, title=title, x_label="step", y_label="loss", mark=mark))
        )
    plots += _dev_curve(learning, mark)
    if learning.rate_curve and learning.rate_curve.rates:
        title = "Loss at each learning rate, tried before training"
        plots.append((title, rate_plot(learning.rate_curve, title=title)))
    return plots


def _dev_curve(learning: Learning, mark: tuple[float, str] | None) -> list[tuple[str, Markup]]:
    steps = [evaluation.step for evaluation in learning.evaluations]
    shown = list(dict.fromkeys([learning.chosen_by, "accuracy", "macro_f1"]))
    lines = [
        Series(METRICS.get(name, name), steps, _values(learning, name), look)
        for name, look in zip(shown, ("c1", "c3", "c2"), strict=False)
        if steps and all(name in evaluation.scores for evaluation in learning.evaluations)
    ]
    if not lines:
        return []
    title = "Scores on the dev rows"
    return [(title, line_plot(lines, title=title, x_label="step", y_label="score", mark=mark))]


def _values(learning: Learning, name: str) -> Sequence[float]:
    return [float(evaluation.scores[name]) for evaluation in learning.evaluations]


def _calibration(calibration: Calibration | None, labels: Sequence[str]) -> dict[str, Markup]:
    if calibration is None:
        return {}
    plots = {
        "before": reliability_plot(calibration.before, title="Reliability before"),
        "after": reliability_plot(calibration.after, title="Reliability after"),
    }
    curve = calibration.curve
    if curve is not None:
        at = curve.threshold.tolist()
        plots["threshold"] = line_plot(
            [
                Series("precision", at, curve.precision.tolist(), "c1"),
                Series("recall", at, curve.recall.tolist(), "c2"),
                Series("F1", at, curve.f1.tolist(), "c3"),
            ],
            title=f"Precision and recall of {shortened(labels[1], 40)}",
            x_label="threshold",
            y_label="share",
            y_range=(0, 1),
            mark=_threshold_mark(calibration.threshold),
        )
    return plots


def _threshold_mark(threshold: float | None) -> tuple[float, str] | None:
    return None if threshold is None else (threshold, f"used: {threshold:.2f}")


def _lengths(lengths: Lengths | None) -> Markup | None:
    if lengths is None or not lengths.tokens:
        return None
    mark = (lengths.limit, f"limit {lengths.limit:,}")
    return histogram(
        lengths.tokens,
        title="Length of the texts",
        x_label="tokens in a text",
        y_label="texts",
        mark=mark if max(lengths.tokens) > 0.5 * lengths.limit else None,
    )
