"""`--learning-rate auto`: what is chosen is trained with, told, written down and kept."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections import Counter

import pytest

from glossator.artifact.wording import power_of_ten
from glossator.errors import CheckpointError
from glossator.finetuning import run as module
from glossator.finetuning.defaults import default_learning_rate, rate_note
from glossator.finetuning.rate_choice import chosen_because, rate_curve
from glossator.finetuning.watch import Watch
from glossator.training import rate_test as testing
from glossator.training.events import Saved, Stepped
from glossator.training.rate_test import RateTest, rate_test

AUTO = {"epochs": 6, "patience": 6, "batch_size": 4, "learning_rate": "auto"}
FOUND = RateTest(
    rates=(1e-6, 1e-5, 1e-4, 1e-3),
    losses=(1.0, 0.9, 0.5, 2.0),
    smoothed=(1.0, 0.9, 0.5, 2.0),
    steepest=2.2e-4,
    rises=1e-3,
    chosen=1e-4,
)


class Killed(Exception):
    """In the place of a SIGKILL."""


class Ears(Watch):
    """Remembers notes and rates; with `kill` it ends the run once so many checkpoints stand."""

    def __init__(self, kill=0):
        self.notes, self.rates, self.tested, self.kill, self.saved = [], [], [], kill, 0

    def note(self, text):
        self.notes.append(text)

    def rate_test(self, done, total):
        self.tested.append((done, total))

    def training(self, event):
        if isinstance(event, Stepped):
            self.rates.append(event.rate)
        if isinstance(event, Saved):
            self.saved += 1
            if self.saved == self.kill:
                raise Killed


@pytest.fixture(autouse=True)
def rates_of_a_tiny_model(monkeypatch):
    """It learns nothing in the 20 steps of a short run's test, and at no rate below 1e-3."""
    monkeypatch.setattr(testing, "LOWEST", 1e-4)
    monkeypatch.setattr(testing, "_FEWEST", 60)


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def settings_of(folder):
    return tomllib.loads((folder.with_name(f"{folder.name}.run") / "config.toml").read_text())


def test_the_rate_that_is_found_is_trained_with_and_told(fit, rows, tmp_path):
    ears = Ears()
    result = fit(rows, output=tmp_path / "model", watch=ears, **AUTO)
    (note,) = ears.notes
    chosen = settings_of(tmp_path / "model")["training"]["learning_rate"]
    assert isinstance(chosen, float)
    assert note.startswith(f"learning rate {power_of_ten(chosen)}, chosen by a range test of ")
    assert " steps: the loss fell fastest at " in note
    assert max(ears.rates) == pytest.approx(chosen)
    log = (tmp_path / "model.run" / "log.jsonl").read_text().splitlines()
    logged = [x["rate"] for x in map(json.loads, log) if x["event"] == "stepped"]
    assert logged == ears.rates
    assert ears.tested[0] == (1, 60)
    assert result.report.settings["learning_rate"] == chosen
    assert result.report.learning.rate_curve.chosen == chosen
    page = (tmp_path / "model.run" / "report.html").read_text()
    assert "tried before training" in page
    assert "the loss fell fastest at" in page
    given = fit(rows, output=tmp_path / "given", **{**AUTO, "learning_rate": chosen})
    assert weights(tmp_path / "given") == weights(tmp_path / "model"), "the test left a trace"
    assert given.report.learning.rate_curve is None
    assert not (tmp_path / "given.run" / "rate-test.json").exists()


def test_only_training_rows_are_tried(fit, rows, monkeypatch):
    seen = []

    def test(model, task, rows, config, **how):
        seen.append(len(rows))
        return FOUND

    monkeypatch.setattr(module, "rate_test", test)
    result = fit(rows, learning_rate="auto")
    assert seen == [result.rows.train]
    assert result.report.settings["learning_rate"] == 1e-4


@pytest.mark.parametrize("forget", [False, True])
def test_a_run_that_was_killed_goes_on_with_the_rate_it_found(
    fit, rows, tmp_path, monkeypatch, forget
):
    calls = Counter()

    def counted(*args, **how):
        calls["test"] += 1
        return rate_test(*args, **how)

    monkeypatch.setattr(module, "rate_test", counted)
    options = {**AUTO, "checkpoint_steps": 7}
    fit(rows, output=tmp_path / "whole", **options)
    with pytest.raises(Killed):
        fit(rows, output=tmp_path / "cut", watch=Ears(kill=3), **options)
    if forget:  # the test would find the same
        (tmp_path / "cut.run" / "rate-test.json").unlink()
    result = fit(rows, output=tmp_path / "cut", resume=True, **options)
    assert calls["test"] == 3 if forget else 2
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
    assert settings_of(tmp_path / "cut") == settings_of(tmp_path / "whole")
    assert result.report.learning.rate_curve is not None


def test_another_rate_than_the_first_one_is_refused(fit, rows, tmp_path):
    """The control: were another one found on going on, it would be seen."""
    options = {**AUTO, "checkpoint_steps": 7}
    with pytest.raises(Killed):
        fit(rows, output=tmp_path / "cut", watch=Ears(kill=3), **options)
    path = tmp_path / "cut.run" / "rate-test.json"
    path.write_text(json.dumps(dataclasses.asdict(FOUND)))
    with pytest.raises(CheckpointError, match=r"learning-rate was .*, is 0\.0001"):
        fit(rows, output=tmp_path / "cut", resume=True, **options)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rates": 3}', '{"rates": ["a"]}', "\0"])
def test_a_changed_file_is_named(fit, rows, tmp_path, text):
    with pytest.raises(Killed):
        fit(rows, output=tmp_path / "cut", watch=Ears(kill=1), **AUTO)
    (tmp_path / "cut.run" / "rate-test.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"rate-test\.json: not what a range test wrote"):
        fit(rows, output=tmp_path / "cut", resume=True, **AUTO)


def test_where_no_rate_helps_the_default_is_kept_and_it_is_said(fit, rows, monkeypatch):
    nothing = dataclasses.replace(FOUND, steepest=None, chosen=None)
    monkeypatch.setattr(module, "rate_test", lambda *args, **how: nothing)
    ears = Ears()
    result = fit(rows, learning_rate="auto", watch=ears)
    assert result.report.settings["learning_rate"] == 2e-4
    assert ears.notes[0].startswith(
        "learning rate 2e-4, the default: a range test of 5 steps found"
    )


def test_an_interrupt_while_rates_are_tried_leaves_nothing(fit, rows, tmp_path):
    class Interrupting(Watch):
        def rate_test(self, done, total):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(rows, output=tmp_path / "model", learning_rate="auto", watch=Interrupting())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "rose from 1e-3, of which a tenth is the most that is taken"),
        ({"chosen": 2.2e-4, "rises": 5e-3}, "fell fastest at 2.2e-4 and rose from 5e-3"),
        ({"rises": None}, "rose at none of them"),
    ],
)
def test_the_reason_is_said(changed, said):
    found = dataclasses.replace(FOUND, **changed)
    note = chosen_because(found, 2e-4)
    assert note.startswith("learning rate ")
    assert "of 5 steps" in note
    assert note.endswith(said)
    assert rate_curve(found, note).note == f"L{note[1:]}."


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (384, "learning rate 2e-4, the default for a model 384 wide; usual are 3e-5 to 3e-4"),
        (768, "learning rate 5e-5, the default for a model 768 wide; usual are 2e-5 to 5e-5"),
        (1024, "learning rate 2e-5, the default for a model 1,024 wide; usual are 1e-5 to 3e-5"),
    ],
)
def test_the_usual_range_stands_beside_the_default(width, said):
    assert rate_note(width).startswith(said)


def test_each_optimizer_has_a_range_of_its_own():
    said = "learning rate 3e-3, the default for a model 384 wide with adafactor; usual are 1e-3 to"
    assert rate_note(384, "adafactor").startswith(said)
    assert "usual are 1e-2 to 1e-1" in rate_note(384, "sgd")


def test_the_default_is_told_with_the_model_and_a_given_rate_is_not(fit, rows, heard):
    fit(rows, learning_rate=None, watch=heard)
    assert any(note.startswith("learning rate 2e-4, the default") for note in heard.notes)
    fit(rows, learning_rate=2e-4, watch=heard)
    assert not any("learning rate" in note for note in heard.notes)


@pytest.mark.parametrize("optimizer", ["adafactor", "sgd"])
def test_a_rate_that_ruins_a_model_later_is_not_believed(fit, rows, monkeypatch, optimizer):
    wild = dataclasses.replace(FOUND, chosen=0.5, steepest=0.5, rises=None)
    monkeypatch.setattr(module, "rate_test", lambda *_, **__: wild)
    ears = Ears()
    fit(rows, watch=ears, **{**AUTO, "epochs": 1, "optimizer": optimizer, "warmup": 0.0})
    default = default_learning_rate(32, optimizer)
    assert max(ears.rates) == pytest.approx(default)
    (note,) = ears.notes
    assert note.startswith(f"learning rate {power_of_ten(default)}, the default: ")
    assert "chose 5e-1, and above" in note


def test_adamw_is_believed(fit, rows, monkeypatch):
    """The control."""
    monkeypatch.setattr(
        module, "rate_test", lambda *_, **__: dataclasses.replace(FOUND, chosen=0.01)
    )
    ears = Ears()
    fit(rows, watch=ears, **{**AUTO, "epochs": 1, "warmup": 0.0})
    assert max(ears.rates) == pytest.approx(0.01)
