"""How often answers are right at each confidence, as SVG (DeGroot & Fienberg 1983)."""

from __future__ import annotations

from markupsafe import Markup

from glossator.artifact.axes import Axes, joined
from glossator.evaluation.calibration import Reliability

__all__ = ["reliability_plot"]

_BAR = Markup(
    '<rect class="fill c1" x="{x}" y="{y}" width="{w}" height="{h}" fill-opacity="{o:.2f}">'
    "<title>{n:,} rows: sure {c:.1%}, right {a:.1%}</title></rect>"
    '<line class="line c2" x1="{x}" x2="{e}" y1="{s}" y2="{s}"/>'
)


def reliability_plot(diagram: Reliability, *, title: str) -> Markup:
    """Bars of how often answers were right, a line in each for how sure they were.

    The bars fade where few rows lie: a bin of one row says little.
    """
    axes = Axes((0, 1), (0, 1), width=380, height=330)
    bars = [_bar(axes, diagram, i) for i in diagram.count.nonzero()[0].tolist()]
    diagonal = Markup('<polyline class="mark" points="{}"/>').format(axes.points((0, 1), (0, 1)))
    return axes.picture(
        diagonal + joined(bars), title=title, x_label="how sure", y_label="how often right"
    )


def _bar(axes: Axes, diagram: Reliability, i: int) -> Markup:
    bins = len(diagram.count)
    left, right = axes.px(i / bins) + 0.5, axes.px((i + 1) / bins) - 0.5
    count = int(diagram.count[i])
    accuracy, confidence = float(diagram.accuracy[i]), float(diagram.confidence[i])
    return _BAR.format(
        x=left,
        e=right,
        w=round(right - left, 1),
        y=axes.py(accuracy),
        h=round(axes.py(0) - axes.py(accuracy), 1),
        s=axes.py(confidence),
        o=0.25 + 0.75 * (count / int(diagram.count.max())) ** 0.5,
        n=count,
        c=confidence,
        a=accuracy,
    )
