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

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from glossator.artifact.drawing import picture
from glossator.artifact.escaping import shortened, visible
from glossator.artifact.heatmap import confused_pairs
from glossator.artifact.marked_text import looks_of, marked_text
from glossator.artifact.plots import Series, histogram, line_plot, loss_series
from glossator.artifact.rate_plot import rate_plot
from glossator.artifact.report_parts import UNSCORED, Learning, Lengths, Report
from glossator.artifact.wording import bar, cell, duration, interval, measure, with_value
from glossator.evaluation.figures import Measure, Quote, Tiles
from glossator.files import durable_write

__all__ = ["Report", "render_report", "write_report"]

_TEXT = 600
_TILES = 4


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
            words=report.words,
            unscored=UNSCORED,
            tiles=Tiles(report.measures, report.metrics),
            learning_plots=_learning(report),
            length_plot=_lengths(report.lengths),
            folder=shlex.quote(report.name),
            piped=shlex.quote(report.words.command_input),
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
        "with_value": with_value,
        "bar": bar,
        "cell": cell,
        "cut": _cut,
        "duration": duration,
        "quoted": repr,
        "kind": lambda figure: type(figure).__name__,
        "picture": picture,
        "confused": confused_pairs,
        "looks": looks_of,
        "marked": _marked,
    }
    environment.globals["most_tiles"] = _TILES
    return environment


def _cut(text: object, length: int = _TEXT) -> str:
    """A text short enough for the page; a cut one ends in … and says how long it was."""
    whole = str(text)
    cut = shortened(whole, length)
    return cut if cut == whole else f"{cut} ({len(whole):,} characters)"


def _marked(quote: Quote, looks: dict[str, str]) -> Markup:
    return marked_text(quote, looks, _TEXT)


def _learning(report: Report) -> list[tuple[str, Markup]]:
    learning = report.learning
    best = learning.summary.get("best_step")
    mark = None if best is None else (best, "best")
    plots = []
    losses = loss_series(learning.steps, learning.losses)
    if losses[0].x:
        title = "Loss of the training batches"
        plots.append(
            (title, line_plot(losses, title=title, x_label="step", y_label="loss", mark=mark))
        )
    plots += _dev_curve(report, mark)
    if learning.rate_curve and learning.rate_curve.rates:
        title = "Loss at each learning rate, tried before training"
        plots.append((title, rate_plot(learning.rate_curve, title=title)))
    return plots


def _dev_curve(report: Report, mark: tuple[float, str] | None) -> list[tuple[str, Markup]]:
    """What chose the best step, and beside it those of the first measures that share its scale."""
    learning, chosen_by = report.learning, report.chosen_by
    steps = [evaluation.step for evaluation in learning.evaluations]
    alike = [m for m in report.measures[:_TILES] if _scale(m) == _scale(chosen_by)]
    lines = [
        Series(m.title, steps, _values(learning, m.name), look)
        for m, look in zip(dict.fromkeys([chosen_by, *alike]), ("c1", "c3", "c2"), strict=False)
        if steps and all(m.name in evaluation.scores for evaluation in learning.evaluations)
    ]
    if not lines:
        return []
    title = "Scores on the dev rows"
    return [(title, line_plot(lines, title=title, x_label="step", y_label="score", mark=mark))]


def _scale(measure: Measure) -> tuple[str, str]:
    return measure.unit, measure.better


def _values(learning: Learning, name: str) -> Sequence[float]:
    return [float(evaluation.scores[name]) for evaluation in learning.evaluations]


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
