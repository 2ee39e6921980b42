"""How far it is, on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from glossator.cli.progress import meter
from glossator.cli.screen import Screen

DETAIL = "epoch 12.3  loss 0.123  rate 1.1e-04  123,456 tokens/s  12.3 GiB"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_time_left_is_seen_however_narrow_the_terminal(width):
    screen = Screen(json=False)
    screen.err = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    bar = meter(screen, "training", 123_456)
    bar.draw(12_345, DETAIL)
    shown = Console(file=io.StringIO(), width=width, color_system=None)
    shown.print(bar._bar.get_renderable())
    line = shown.file.getvalue().rstrip()
    assert "12345/123456" in line
    assert " left" in line
    assert len(line) <= width
    assert (DETAIL in line) is (width == 200)
