"""The frame of a small SVG plot: scales, ticks, grid and labels.

Colours are classes that the page's style sheet sets, so that a plot follows light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from glossator.artifact.wording import power_of_ten

__all__ = ["Axes", "joined", "ticks"]

LEFT, RIGHT, TOP, BOTTOM = 52, 26, 22, 44


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten) from `low` to `high`, some `about` of them."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def joined(parts: Iterable[Markup]) -> Markup:
    """Markup one after the other."""
    return Markup("").join(parts)


@dataclass(frozen=True)
class Axes:
    """A plot's area.

    Args:
        x: lowest and highest value across, the second above the first.
        y: lowest and highest value up.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        powers: whether values across are powers of ten, and to be named so.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 800
    height: int = 270
    powers: bool = False

    def x_name(self, value: float) -> str:
        """A value across as it is printed."""
        return power_of_ten(10**value) if self.powers else f"{value:,g}"

    def px(self, value: float) -> float:
        """The pixel across of a value, kept inside the frame."""
        low, high = self.x
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return round(LEFT + share * (self.width - LEFT - RIGHT), 1)

    def py(self, value: float) -> float:
        """The pixel down of a value, kept inside the frame."""
        low, high = self.y
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return round(self.height - BOTTOM - share * (self.height - TOP - BOTTOM), 1)

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """The points of a polyline."""
        return " ".join(f"{self.px(x)},{self.py(y)}" for x, y in zip(xs, ys, strict=True))

    def picture(self, body: Markup, *, title: str, x_label: str, y_label: str) -> Markup:
        """The whole SVG: grid, `body`, and labels; `title` is what a screen reader says."""
        return Markup(
            '<svg class="plot" viewBox="0 0 {width} {height}" role="img" '
            'style="max-width:{width}px"><title>{title}</title>{grid}{body}'
            '<text class="axis" x="{right}" y="{bottom}" text-anchor="end">{x_label}</text>'
            '<text class="axis" x="0" y="{above}">{y_label}</text></svg>'
        ).format(
            width=self.width,
            height=self.height,
            title=title,
            grid=self._grid(),
            body=body,
            right=self.width - RIGHT,
            bottom=self.height - 6,
            above=TOP - 9,
            x_label=x_label,
            y_label=y_label,
        )

    def _grid(self) -> Markup:
        across = (
            Markup(
                '<line class="grid" x1="{l}" x2="{r}" y1="{y}" y2="{y}"/>'
                '<text class="tick" x="{t}" y="{y}" dy=".32em" text-anchor="end">{v:,g}</text>'
            ).format(l=LEFT, r=self.width - RIGHT, t=LEFT - 7, y=self.py(v), v=v)
            for v in ticks(*self.y)
        )
        floor = self.height - BOTTOM
        up = (
            Markup(
                '<line class="grid" x1="{x}" x2="{x}" y1="{y}" y2="{e}"/>'
                '<text class="tick" x="{x}" y="{t}" text-anchor="middle">{name}</text>'
            ).format(x=self.px(v), y=floor, e=floor + 4, t=floor + 16, name=self.x_name(v))
            for v in self._x_ticks()
        )
        return joined([*across, *up])

    def _x_ticks(self) -> list[float]:
        if not self.powers:
            return ticks(*self.x, about=self.width // 70)
        low, high = self.x
        places = (
            power + math.log10(digit)
            for power in range(math.floor(low), math.ceil(high) + 1)
            for digit in (1, 2, 5)
        )
        return [place for place in places if low - 1e-9 <= place <= high + 1e-9]
