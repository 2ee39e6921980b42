"""`fit --refit`: learned once more, from all rows, after the scores are known."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

import glossator
from glossator.errors import GlossatorError
from glossator.finetuning.course import Course, time_shared
from glossator.finetuning.watch import Watch
from glossator.training.config import TrainingConfig
from glossator.training.events import Resumed, Saved, Started, Stepped
from glossator.training.state import History


class Killed(Exception):
    """In the place of a SIGKILL: nothing is written after it."""


class Second(Watch):
    """Hears the second training; raises `error` after a step of it that is on the disk."""

    def __init__(self, error=None, step=4):
        self.error, self.step, self.saved = error, step, False
        self.first, self.second, self.notes = [], [], []

    def note(self, text):
        self.notes.append(text)

    def training(self, event):
        self.first.append(event)

    def refitting(self, event):
        self.second.append(event)
        self.saved |= isinstance(event, Saved)
        if self.error and isinstance(event, Stepped) and event.step >= self.step and self.saved:
            raise self.error

    def steps(self):
        return [event for event in self.second if isinstance(event, Stepped)]


LEARN = {
    "epochs": 2, "batch_size": 8, "checkpoint_steps": 2, "dev_fraction": 0.25,
    "test_fraction": 0.25, "seed": 3, "patience": 9,
}  # fmt: skip


@pytest.fixture
def refit(fit, rows):
    """Runs `run_fit` with `--refit` on the tiny model."""

    def run(source=None, **options):
        return fit(rows if source is None else source, **{"refit": True, **LEARN, **options})

    return run


def weights(result):
    return {name: x.numpy() for name, x in result.predictor.model.state_dict().items()}


def same(a, b):
    assert a.keys() == b.keys()
    return all(np.array_equal(a[name], b[name]) for name in a)


def settings(folder):
    return json.loads((folder / "glossator.json").read_text())


def test_it_has_the_bits_of_a_run_of_as_many_steps_on_all_rows(refit, rows):
    once = {"epochs": 4, "evaluation_steps": 16}
    made = refit(**once)
    again = made.report.refit
    assert (again.rows, again.left_out, again.missed) == (60, 0, "")
    whole = {"dev_fraction": 0.0, "test_fraction": 0.0}
    assert made.train["best_step"] == 16, "the last, so that the plan ends there"
    assert again.steps == 32  # 8 an epoch, where the first training had 4
    hand = refit(refit=False, **whole, **once, max_steps=again.steps)
    assert same(weights(made), weights(hand))
    other = refit(rows[::-1], refit=False, **whole, **once, max_steps=again.steps)
    assert not same(weights(made), weights(other)), "the order of the rows plays a part"


def test_the_scores_and_the_decision_are_those_of_the_first_model(refit, tmp_path):
    one, two = refit(refit=False, output=tmp_path / "one"), refit(output=tmp_path / "two")
    assert not same(weights(one), weights(two))
    assert one.dev == two.dev
    assert one.test == two.test
    assert (
        two.predictor.task.decision
        == one.predictor.task.decision
        != type(one.predictor.task).decision
    )
    kept = settings(two.model)
    assert kept["refit"] == two.report.refit.to_json() == two.to_json()["train"]["refit"]
    assert kept["decision"] == settings(one.model)["decision"]
    assert "refit" not in settings(one.model)
    assert "refit" not in one.to_json()["train"]
    answers = (one.run / "predictions.jsonl").read_bytes()
    assert answers == (two.run / "predictions.jsonl").read_bytes()
    loaded = glossator.load(two.model)
    texts = ["good film", "bad card"]
    found = [x.to_json() for x in loaded.predict(texts)]
    assert found == [x.to_json() for x in two.predictor.predict(texts)]
    assert loaded.details.refit == two.report.refit
    assert loaded.notes == ()
    assert "refitted on 60 rows after it was scored" in repr(loaded)
    assert not (two.run / "refit" / "checkpoints").exists()
    assert not (two.run / "checkpoints").exists()


def test_card_and_report_say_which_model_was_scored(refit, tmp_path):
    said = "The scores are of the model before it was refitted on all 60 rows."
    made = refit(output=tmp_path / "model")
    card = (made.model / "README.md").read_text()
    assert said in card
    assert "on 60 rows" in card
    assert '"test rows, before the refit"' in card
    assert said in (made.run / "report.html").read_text()
    plain = refit(output=tmp_path / "plain", refit=False)
    for text in (plain.model / "README.md", plain.run / "report.html"):
        assert "refit" not in text.read_text().replace("<td class", "")


def test_one_seed_is_one_result(refit):
    one, again, other = (weights(refit(seed=seed)) for seed in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)


def test_rates_are_at_each_share_of_the_run_what_they_were(refit):
    watch = Second()
    made = refit(watch=watch, epochs=4, patience=1, learning_rate=9e-2)
    best, planned = made.train["best_step"], 16
    assert best < planned, "so that the plan goes on behind it"
    rates = [x.rate for x in watch.first if isinstance(x, Stepped)]
    again = [x.rate for x in watch.steps()]
    assert len(again) == made.report.refit.steps == 2 * best
    # Step 2n of 32 has the rate of step n of 16 once both have risen.
    assert again[4::2] == pytest.approx(rates[2:best])
    (started,) = [x for x in watch.second if isinstance(x, Started)]
    assert (started.steps, started.rows) == (2 * best, 60)


@pytest.mark.parametrize("options", [{}, {"learning_rate": "auto"}, {"ema": 0.5}], ids=str)
def test_killed_in_the_second_training_it_goes_on_to_the_same_bits(refit, tmp_path, options):
    expected = refit(output=tmp_path / "whole", **options)
    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        refit(output=folder, watch=Second(Killed), **options)
    assert not folder.exists()
    watch = Second()
    made = refit(output=folder, watch=watch, resume=True, **options)
    (resumed,) = [x for x in watch.second if isinstance(x, Resumed)]
    assert resumed.step >= 2
    assert not [x for x in watch.first if isinstance(x, Stepped)], "the first is over"
    assert same(weights(expected), weights(made))
    assert made.report.refit.steps == expected.report.refit.steps
    assert (made.dev, made.test) == (expected.dev, expected.test)
    assert made.report.learning.ended_by == expected.report.learning.ended_by


def test_killed_in_the_first_training_it_goes_on_to_the_same_bits(refit, tmp_path):
    class First(Second):
        def training(self, event):
            super().training(event)
            if isinstance(event, Stepped) and event.step == 5:
                raise Killed

    expected = weights(refit())
    with pytest.raises(Killed):
        refit(output=tmp_path / "killed", watch=First())
    assert same(expected, weights(refit(output=tmp_path / "killed", resume=True)))


def test_interrupted_it_leaves_the_model_of_the_scores_and_goes_on_later(refit, tmp_path):
    first, whole = refit(refit=False), refit()
    watch = Second(KeyboardInterrupt)
    made = refit(output=tmp_path / "model", watch=watch)
    assert same(weights(made), weights(first))
    assert not made.finished
    said = "Not refitted on all rows: it was interrupted. The model is the one that was scored."
    assert watch.notes[-1] == f"{said} --resume goes on with it."
    assert said in (made.model / "README.md").read_text()
    loaded = glossator.load(made.model)
    assert loaded.notes == (
        "model is from a run that was interrupted while it was refitted: "
        "it is the model of the scores",
    )
    assert same({k: x.numpy() for k, x in loaded.model.state_dict().items()}, weights(first))
    again = refit(output=tmp_path / "model", resume=True)
    assert again.finished
    assert same(weights(again), weights(whole))
    assert glossator.load(again.model).notes == ()


def test_interrupted_before_its_first_step_it_leaves_the_model_of_the_scores(refit, tmp_path):
    class AtOnce(Second):
        def refitting(self, event):
            raise KeyboardInterrupt

    made = refit(output=tmp_path / "model", watch=AtOnce())
    assert same(weights(made), weights(refit(refit=False)))
    assert settings(made.model)["refit"]["interrupted"] is True


def test_a_first_training_that_was_interrupted_is_not_followed_by_a_second(refit, tmp_path):
    class First(Second):
        def training(self, event):
            if isinstance(event, Stepped) and event.step == 5:
                raise KeyboardInterrupt

    watch = First()
    made = refit(output=tmp_path / "model", watch=watch)
    assert (made.finished, watch.second) == (False, [])
    assert "interrupted after 5 of 8 steps" in glossator.load(made.model).notes[0]
    assert same(weights(refit(output=tmp_path / "model", resume=True)), weights(refit()))


def test_a_loss_that_is_no_number_costs_the_second_model_alone(refit, tmp_path):
    class Ruined(Second):
        def refitting(self, event):
            if isinstance(event, Stepped) and event.step == 2:
                raise GlossatorError("the loss of step 2 is nan")

    made = refit(output=tmp_path / "model", watch=Ruined())
    assert made.finished
    assert made.report.refit.missed == "the loss of step 2 is nan"
    assert same(weights(made), weights(refit(refit=False)))


def test_rows_whose_class_no_training_row_has_are_left_out_and_counted(refit, rows, tmp_path):
    for name, label in (("dev", "good"), ("test", "odd")):
        found = [*rows[:9], {"text": "unheard of", "label": label}]
        text = "".join(json.dumps(row) + "\n" for row in found)
        (tmp_path / f"{name}.jsonl").write_text(text)
    given = {name: str(tmp_path / f"{name}.jsonl") for name in ("dev", "test")}
    made = refit(output=tmp_path / "model", **given)
    again = made.report.refit
    assert (again.rows, again.left_out) == (60 + 10 + 9, 1)
    assert made.predictor.classes_.tolist() == ["bad", "good"]
    said = "on all 79 rows (1 row with an answer that no training row has left out)."
    assert said in (made.model / "README.md").read_text()


def test_where_no_row_is_held_out_it_says_so_and_does_nothing(refit):
    watch = Second()
    whole = {"dev_fraction": 0.0, "test_fraction": 0.0}
    made = refit(watch=watch, **whole)
    assert watch.notes == ["--refit has nothing to add: no row is held out that can be learned"]
    assert (watch.second, made.report.refit) == ([], None)
    assert same(weights(made), weights(refit(refit=False, **whole)))


def test_curves_and_log_are_beside_the_first(refit, tmp_path):
    made, plain = refit(output=tmp_path / "model"), refit(output=tmp_path / "plain", refit=False)

    def told(folder):
        lines = (folder / "log.jsonl").read_text().splitlines()
        return [(x["event"], x.get("step")) for x in map(json.loads, lines)]

    def steps(found):
        return [x for x in found if x[0] == "stepped"]

    assert steps(told(made.run)) == steps(told(plain.run))
    again = told(made.run / "refit")
    assert [x[1] for x in steps(again)] == list(range(1, made.report.refit.steps + 1))
    assert "evaluated" not in {event for event, _ in again}
    for folder in (made.run, made.run / "refit"):
        assert len(list((folder / "tensorboard").iterdir())) == 1


def test_asked_for_or_not_a_run_may_go_on(refit, tmp_path):
    """The first training is the same."""
    with pytest.raises(Killed):
        refit(output=tmp_path / "no-more", watch=Second(Killed))
    dropped = refit(output=tmp_path / "no-more", resume=True, refit=False)
    assert dropped.report.refit is None
    assert same(weights(dropped), weights(refit(refit=False)))
    assert not (tmp_path / "no-more.run" / "refit" / "checkpoints").exists()


def test_changed_rows_are_refused(refit, rows, tmp_path):
    with pytest.raises(Killed):
        refit(output=tmp_path / "model", watch=Second(Killed))
    with pytest.raises(glossator.errors.CheckpointError, match="begun with other"):
        refit(rows[1:], output=tmp_path / "model", resume=True)


def test_what_a_run_kept_of_its_end_is_checked(refit, tmp_path):
    with pytest.raises(Killed):
        refit(output=tmp_path / "model", watch=Second(Killed))
    (tmp_path / "model.run" / "trained.json").write_text('{"step": "x"}')
    with pytest.raises(glossator.errors.CheckpointError, match="not how a training ended"):
        refit(output=tmp_path / "model", resume=True)


# Time


def a_training(*, best=6, taken=8, planned=10, seconds=4.0, spent=5.0, ended_by="patience"):
    steps = [Stepped(i + 1, 0, 0, 0, 0, 0, 0, 0) for i in range(taken)]
    return History(
        steps=steps, planned=planned, best_step=best, seconds=seconds, spent=spent,
        ended_by=ended_by,
    )  # fmt: skip


def test_it_is_as_many_passes_over_more_rows():
    config = TrainingConfig(batch_size=10)
    course = Course.after(a_training(), config, 40, 60)
    assert (course.steps, course.planned) == (9, 15)  # 4 steps were an epoch, 6 are now
    assert (course.seconds, course.left) == (4.5, math.inf)
    assert course.too_long == ""
    assert course.config(config) == dataclasses.replace(config, max_steps=15)
    by_time = Course.after(a_training(ended_by="time"), config, 40, 60)
    assert (by_time.steps, by_time.planned) == (9, 12), "the rate fell to zero by step 8"
    short = Course.after(a_training(best=1, taken=1, planned=1), config, 100, 101)
    assert (short.steps, short.planned) == (1, 1)


def test_it_begins_where_it_ends_in_time():
    limited = TrainingConfig(batch_size=10, time_limit="10s")
    course = Course.after(a_training(), limited, 40, 60)
    assert (course.left, course.too_long) == (5.0, "")
    assert course.config(limited).time_limit == "5s"
    late = Course.after(a_training(spent=6.0), limited, 40, 60)
    assert late.too_long == "--time-limit leaves 4.0 s, and it takes about 4.5 s"


def test_both_trainings_share_the_time():
    assert time_shared(TrainingConfig(time_limit="100s"), 40, 60).time_limit == "36s"
    assert time_shared(TrainingConfig(time_limit="1s"), 40, 60).time_limit == "1s"
    assert time_shared(TrainingConfig(), 40, 60) == TrainingConfig()


def test_without_time_for_it_the_model_of_the_scores_is_written(refit, tmp_path, monkeypatch):
    monkeypatch.setattr(Course, "too_long", "--time-limit leaves 1 s, and it takes about 2 s")
    watch = Second()
    made = refit(output=tmp_path / "model", watch=watch, time_limit="1h")
    assert watch.second == []
    assert made.finished
    assert made.report.refit.missed == "--time-limit leaves 1 s, and it takes about 2 s"
    assert same(weights(made), weights(refit(refit=False)))
    assert not (made.run / "checkpoints").exists()


def test_a_limit_that_is_over_in_the_second_training_leaves_the_first(refit, tmp_path, monkeypatch):
    """The clock is set: a step of the second training takes an hour."""
    import time

    late = [0.0]
    clock = time.perf_counter
    monkeypatch.setattr("time.perf_counter", lambda: clock() + late[0])

    class Slow(Second):
        def refitting(self, event):
            super().refitting(event)
            late[0] += 3600 * isinstance(event, Stepped)

    watch = Slow()
    made = refit(output=tmp_path / "model", watch=watch, time_limit="3h")
    assert 1 < len(watch.steps()) < 16
    assert made.finished
    assert made.report.refit.missed == "--time-limit ended it"
    assert made.report.learning.ended_by == "steps"
    assert same(weights(made), weights(refit(refit=False)))
    assert {x.rate for x in watch.steps()} <= {x.rate for x in plain_steps(refit)}, "as planned"


def plain_steps(refit):
    watch = Second()
    refit(watch=watch)
    return watch.steps()


def test_a_first_training_that_time_ended_ends_there_again(refit, tmp_path, monkeypatch):
    """Taken up with more time, it is not gone on with: the second was planned by where it ended."""
    import time

    late = [0.0]
    clock = time.perf_counter
    monkeypatch.setattr("time.perf_counter", lambda: clock() + late[0])

    class Slow(Second):
        def training(self, event):
            super().training(event)
            late[0] += 400 * isinstance(event, Stepped)

    watch = Slow(Killed)
    with pytest.raises(Killed):
        refit(output=tmp_path / "model", watch=watch, time_limit="2h", epochs=20)
    first = len([x for x in watch.first if isinstance(x, Stepped)])
    assert first < 80
    later = Second()
    made = refit(output=tmp_path / "model", watch=later, time_limit="9h", epochs=20, resume=True)
    assert not [x for x in later.first if isinstance(x, Stepped)]
    assert (made.train["steps"], made.report.learning.ended_by) == (first, "time")
    assert made.report.refit.rows == 60


def test_in_python_a_refit_that_was_not_made_is_warned_of(tiny_model_folder, rows, monkeypatch):
    monkeypatch.setattr(Course, "too_long", "--time-limit leaves 1 s, and it takes about 2 s")
    with pytest.warns(UserWarning, match="Not refitted on all rows: --time-limit leaves 1 s"):
        glossator.fit(rows, model=str(tiny_model_folder), epochs=1, refit=True)


def test_old_folders_and_odd_ones(refit, tmp_path):
    made = refit(output=tmp_path / "model")
    from glossator.artifact.folder import read_details
    from glossator.errors import ModelFolderError

    path = made.model / "glossator.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({k: x for k, x in told.items() if k != "refit"}))
    assert read_details(made.model, max_length=64).refit is None
    path.write_text(json.dumps(told | {"refit": {"lines": 3}}))
    with pytest.raises(ModelFolderError, match="malformed"):
        read_details(made.model, max_length=64)


def test_groups_and_held_out_shares_do_not_matter(refit, rows):
    """However rows are split, all are learned from, in the order of the table."""
    told = [row | {"who": number // 2} for number, row in enumerate(rows)]
    once = {"epochs": 4, "evaluation_steps": 99}
    made = refit(told, group="who", **once)
    assert made.report.rows.train < made.report.refit.rows == 60
    steps = made.report.refit.steps
    whole = {"dev_fraction": 0.0, "test_fraction": 0.0, "max_steps": steps}
    assert same(weights(made), weights(refit(told, refit=False, **once, **whole)))


def test_where_rows_lie_is_looked_up_again_in_the_second_model(refit, tmp_path):
    asked = {"out_of_scope": "neighbours"}
    plain, made = refit(refit=False, **asked), refit(output=tmp_path / "model", **asked)
    before, after = plain.predictor.task, made.predictor.task
    assert (len(before.regions.bank), len(after.regions.bank)) == (30, 60)
    assert before.decision.cut == after.decision.cut
    assert after.decision.kept_shapes["bank"] == list(after.regions.bank.shape)
    kept = glossator.load(made.model).task.regions
    assert np.array_equal(kept.bank, after.regions.bank)


def test_several_processes_share_it(tiny_model_folder, rows):
    asked = {"model": str(tiny_model_folder), "epochs": 1, "batch_size": 8, "precision": "float32"}
    made = glossator.fit(rows, **asked, processes=2, refit=True)
    assert (made.details.refit.rows, made.details.refit.steps) == (60, 8)


def test_scikit_learn_has_it_as_an_option(tiny_model_folder, rows):
    from glossator.sklearn import TextClassifier

    texts, labels = ([row[name] for row in rows] for name in ("text", "label"))
    made = TextClassifier(tiny_model_folder, epochs=1, options={"refit": True}).fit(texts, labels)
    assert made.model_.details.refit.rows == 60
