"""What is asked of the machine, and what it has."""

from __future__ import annotations

import pytest

from glossator.models import hardware


@pytest.mark.parametrize(
    ("threads", "processes", "named"),
    [
        (None, 1, []),
        (4, 4, []),
        (5, 1, ["--threads 5"]),
        (None, 6, ["--processes 6"]),
        (9, 9, ["--threads 9", "--processes 9"]),
    ],
)
def test_more_than_there_is_is_said(monkeypatch, threads, processes, named):
    monkeypatch.setattr(hardware, "processors", lambda: 4)
    monkeypatch.setattr(hardware.torch.cuda, "device_count", lambda: 0)
    found = hardware.crowded(threads=threads, processes=processes)
    assert [line.partition(" is more than the 4 ")[0] for line in found] == named
