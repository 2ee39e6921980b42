"""The bar of `glossator.fit`: where somebody looks, and nowhere else."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest

import glossator
from glossator.errors import GlossatorError
from glossator.finetuning.watch import Watch
from glossator.runs import meter
from glossator.runs.meter import NotebookBar, shown_meter

ROWS = [{"text": f"{('card', 'film')[i % 2]} {i}", "label": "ab"[i % 2]} for i in range(30)]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def fit(tiny_model_folder, monkeypatch):
    """Fits while standard error is a stream, and gives what it holds then."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def shown(stream, **options):
        # Not in the fixture: pytest puts its own stream there before the test begins.
        monkeypatch.setattr(sys, "stderr", stream)
        with contextlib.suppress(GlossatorError):
            model = str(tiny_model_folder)
            glossator.fit(ROWS, model=model, max_steps=3, device="cpu", **options)
        return stream.getvalue()

    return shown


def test_a_terminal_shows_it(fit, capsys):
    shown = fit(Terminal())
    assert "training" in shown
    assert "scoring" in shown
    assert shown.endswith("\x1b[2K"), "it is gone at the end"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("stream", "options"),
    [(Terminal, {"progress": False}), (io.StringIO, {}), (Terminal, {"watch": Watch()})],
)
def test_elsewhere_nothing_is_shown(fit, stream, options):
    assert fit(stream(), **options) == ""


def test_an_error_clears_it(fit, monkeypatch):
    def broken(*_):
        raise GlossatorError("no more")

    monkeypatch.setattr("glossator.finetuning.bars._speed", broken)
    shown = fit(Terminal())
    assert "training" in shown
    assert "scoring" not in shown
    assert shown.endswith("\x1b[2K")


class Display:
    """What IPython shows, as it changes."""

    def __init__(self):
        self.shown = []

    def display(self, data, *, raw, display_id):
        assert raw
        assert display_id
        self.shown.append(data["text/plain"])
        return self

    def update(self, data, *, raw):
        assert raw
        self.shown.append(data["text/plain"])


def test_in_a_notebook_a_text_is_replaced(monkeypatch):
    display = Display()
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(meter, "_SECONDS", 1e-6)
    with NotebookBar("training", 10) as bar:
        bar.add(4, "loss [b]0.5[/b]")
        bar.add(6)
    assert "0/10" in display.shown[0]
    assert "4/10" in display.shown[1]
    assert "loss [b]0.5[/b]" in display.shown[1]
    assert "\x1b" not in "".join(display.shown)
    assert display.shown[-1] == ""


def test_a_notebook_is_known(monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert isinstance(shown_meter("training", 3), NotebookBar)
