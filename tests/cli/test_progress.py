"""What the bar counts."""

from __future__ import annotations

import pytest

from glossator.cli.fit_watch import FitWatch
from glossator.cli.screen import Screen
from glossator.runs.meter import Meter
from glossator.training.events import Ended, Started, Stepped


class Seen(Meter):
    def __init__(self):
        super().__init__()
        self.totals = []

    def expect(self, total):
        self.totals.append(total)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(float("inf"), [100, 100]), (60.0, [30, 30]), (1e6, [100, 100]), (3.0, [2, 10])],
)
def test_the_bar_is_that_of_the_steps_that_fit_into_the_time(monkeypatch, limit, expected):
    seen = Seen()
    monkeypatch.setattr("glossator.cli.fit_watch.meter", lambda *_: seen)
    watch = FitWatch(Screen(json=False))
    watch.training(Started(100, 10, 10, limit))
    for step in (1, 10):
        watch.training(Stepped(step, 0.1, 1.0, 1e-4, 1.0, step, step, 2.0 * step))
    assert seen.totals == expected


def test_what_ended_a_run_early_is_told(capsys):
    FitWatch(Screen(json=False)).training(Ended(40, 300, "time"))
    assert "--time-limit ends it after 40 of 300 steps" in capsys.readouterr().err
