"""From rows to a folder that answers, and what is left when something fails on the way."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from fit_json import ROWS, TRAIN

import glossator
from glossator.config import from_mapping
from glossator.errors import (
    ConfigError,
    GlossatorError,
    ModelFolderError,
    OutputExistsError,
    TableError,
    UnfinishedError,
)
from glossator.finetuning.config import FitConfig
from glossator.runs import folder as run_folder
from glossator.training.events import Evaluated, Started, Stepped

CANARY = "zzqxcanary"
METRICS = {"accuracy", "macro_f1", "micro_f1", "log_loss", "roc_auc", "ece", "accuracy_ci"}
TEXTS = ["good film", "bad story of the week", "\ufffd", "card " * 100]


def weights(model):
    return {name: x.detach().clone() for name, x in model.named_parameters()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def content(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def lines_of(path):
    return path.read_text().splitlines()


# What a run leaves


def test_json_is_as_the_design_says(fitted):
    said = json.loads(json.dumps(fitted.result.to_json(), allow_nan=False))
    assert said["model"] == str(fitted.folder)
    assert said["task"] == "text-classification"
    assert said["rows"].keys() == ROWS
    assert said["train"].keys() == TRAIN
    assert said["dev"].keys() >= METRICS
    assert said["test"].keys() >= METRICS
    assert said["train"]["epochs"] == 10
    assert said["train"]["steps"] == 10 * -(-said["rows"]["train"] // 16)


def test_rows_read_are_rows_used_and_rejected(fitted):
    rows = fitted.result.rows
    assert (rows.read, rows.used, rows.rejected) == (82, 80, 2)
    assert rows.used == rows.train + rows.dev + rows.test
    lines = (fitted.result.run / "rejected.jsonl").read_text().splitlines()
    assert [(json.loads(x)["line"], json.loads(x)["kind"]) for x in lines] == [
        (81, "empty_text"),
        (82, "empty_label"),
    ]


def test_it_has_learned(fitted):
    assert fitted.result.test["accuracy"] > 0.9
    assert [x.label for x in fitted.result.predictor.predict(["good film", "bad film"])] == [
        "good",
        "bad",
    ]


def test_the_folder_answers_as_the_model_in_memory(fitted):
    loaded = glossator.load(fitted.folder)
    assert np.array_equal(loaded.predict_proba(TEXTS), fitted.result.predictor.predict_proba(TEXTS))
    assert loaded.predict(TEXTS) == fitted.result.predictor.predict(TEXTS)
    assert loaded.details == fitted.result.predictor.details
    assert loaded.details.finished


def test_what_was_measured_on_dev_is_what_the_folder_decides_by(fitted):
    decision = json.loads((fitted.folder / "glossator.json").read_text())["decision"]
    assert decision["temperature"] not in (None, 1.0)
    plain = np.stack(fitted.result.predictor.answers(TEXTS).raw)
    powers = np.exp(plain.astype(np.float64) / decision["temperature"])
    expected = powers / powers.sum(1, keepdims=True)
    np.testing.assert_allclose(glossator.load(fitted.folder).predict_proba(TEXTS), expected)


def test_transformers_opens_the_folder(fitted):
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(fitted.folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(fitted.folder)
    texts = TEXTS[:3]
    with torch.no_grad():
        logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    np.testing.assert_allclose(
        fitted.result.predictor.answers(texts).raw, logits.numpy(), atol=1e-5
    )
    assert model.config.id2label == {0: "bad", 1: "good"}


def test_no_text_of_the_table_is_in_the_model_folder(fitted):
    assert not [name for name, data in content(fitted.folder).items() if CANARY.encode() in data]
    held = [name for name, data in content(fitted.result.run).items() if CANARY.encode() in data]
    assert "predictions.jsonl" in held, "the search would find nothing"


def test_only_its_owner_may_look_into_the_run_folder(fitted):
    assert fitted.result.run == fitted.folder.with_name("reviews-model.run")
    assert stat.S_IMODE(fitted.result.run.stat().st_mode) == 0o700
    assert stat.S_IMODE(fitted.folder.stat().st_mode) & 0o500 == 0o500


def test_the_run_folder_holds_what_the_design_draws(fitted):
    names = {path.name for path in fitted.result.run.iterdir()}
    assert names == {
        "config.toml",
        "log.jsonl",
        "made-of.json",
        "predictions.jsonl",
        "rejected.jsonl",
        "report.html",
        "tensorboard",
    }
    events = [json.loads(line) for line in lines_of(fitted.result.run / "log.jsonl")]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds.count("evaluated") == 10
    assert kinds.count("stepped") == fitted.result.train["steps"]
    lines = (fitted.result.run / "predictions.jsonl").read_text().splitlines()
    assert len(lines) == fitted.result.rows.test
    right = [json.loads(x)["prediction"]["label"] == json.loads(x)["label"] for x in lines]
    assert np.mean(right) == fitted.result.test["accuracy"]


def test_the_config_in_the_run_folder_repeats_the_run(fitted, tiny_model_folder, tmp_path):
    from glossator.finetuning.run import run_fit

    config = from_mapping(FitConfig, tomllib.loads((fitted.result.run / "config.toml").read_text()))
    again = run_fit(fitted.rows, config, output=tmp_path / "again")
    data = (tmp_path / "again" / "model.safetensors").read_bytes()
    assert data == (fitted.folder / "model.safetensors").read_bytes()
    assert again.test == fitted.result.test


# Seeds


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_seed_is_a_result_to_the_bit(fit, rows, precision):
    first, again, other = (fit(rows, seed=seed, precision=precision) for seed in (1, 1, 2))
    a, b, c = (weights(x.predictor.model) for x in (first, again, other))
    assert same(a, b)
    assert not same(a, c)
    assert first.test == again.test


def test_the_random_numbers_of_the_user_are_left_alone(fit, rows):
    torch.manual_seed(11)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    threads = torch.get_num_threads()
    fit(rows, threads=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert torch.get_num_threads() == threads


# Outputs that exist, and disks that are full


def test_an_output_that_exists_is_refused_before_anything_is_read(fit, rows, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(OutputExistsError, match="model exists"):
        fit(["nowhere.csv"], output=tmp_path / "model")
    (tmp_path / "other.run").mkdir()
    with pytest.raises(OutputExistsError, match=r"other\.run exists"):
        fit(["nowhere.csv"], output=tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "other.run"]


@pytest.mark.parametrize("name", ["home", "home.run"])
def test_overwrite_deletes_no_folder_of_another_kind(fit, rows, tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.tex").write_text("years")
    with pytest.raises(OutputExistsError, match="nothing that --overwrite may replace"):
        fit(rows, output=tmp_path / "home", overwrite=True)
    assert (tmp_path / name / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize(
    ("source", "options", "error"),
    [
        (["nowhere.csv"], {}, TableError),
        (None, {"label": "lable"}, TableError),
        (None, {"model": "nowhere"}, ModelFolderError),
        ([{"text": "a", "label": "b"}, {"text": "c", "label": "b"}], {}, TableError),
    ],
)
def test_a_run_that_fails_before_training_leaves_its_name_free(
    fit, rows, tmp_path, source, options, error
):
    with pytest.raises(error):
        fit(source or rows, output=tmp_path / "model", **options)
    assert list(tmp_path.iterdir()) == []
    fit(rows, output=tmp_path / "model")


def test_overwrite_replaces_both_folders_and_leaves_nothing_beside_them(fit, rows, tmp_path):
    first = fit(rows, output=tmp_path / "model", seed=1)
    second = fit(rows, output=tmp_path / "model", seed=2, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.run"]
    assert "seed = 2" in (tmp_path / "model.run" / "config.toml").read_text()
    assert stat.S_IMODE((tmp_path / "model.run").stat().st_mode) == 0o700
    loaded = glossator.load(tmp_path / "model")
    assert same(weights(loaded.model), weights(second.predictor.model))
    assert not same(weights(loaded.model), weights(first.predictor.model))


def test_killed_before_the_new_run_has_its_name_it_is_taken_up(fit, rows, tmp_path, heard):
    class Killed(BaseException):
        """In the place of a SIGKILL."""

    def kill(new, path):
        raise Killed

    fit(rows, output=tmp_path / "model", seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_folder, "replace_folder", kill)
        with pytest.raises(Killed):
            fit(rows, output=tmp_path / "model", seed=2, overwrite=True)
    fit(rows, output=tmp_path / "model", seed=2, resume=True, watch=heard)
    assert not any(isinstance(event, Stepped) for event in heard.events)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.run"]
    assert not (tmp_path / "model.run" / "checkpoints").exists()


def calls_that_fail(patch, at):
    made = []

    def failing(real):
        def call(*args, **kwargs):
            made.append(args)
            if len(made) - 1 == at:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        return call

    for name in ("rename", "replace"):
        patch.setattr(os, name, failing(getattr(os, name)))
    return made


def test_a_disk_that_is_full_at_any_rename_leaves_a_whole_model(fit, rows_of, tmp_path):
    rows = rows_of(16)
    root = tmp_path / "old"
    fit(rows, output=root / "model", seed=1)
    old = content(root / "model"), content(root / "model.run")
    no_failure = []
    for number in range(40):
        here = tmp_path / str(number)
        shutil.copytree(root, here)
        with pytest.MonkeyPatch.context() as patch:
            made = calls_that_fail(patch, number)
            with contextlib.suppress(OSError):
                fit(rows, output=here / "model", seed=2, overwrite=True)
                no_failure.append(number)
        glossator.load(here / "model")
        new = (here / "model" / "model.safetensors").read_bytes() != old[0]["model.safetensors"]
        if not new:
            assert (content(here / "model"), content(here / "model.run")) == old
        assert (here / "model.run" / "report.html").exists()
        left = {path.name for path in here.iterdir()} - {"model", "model.run"}
        assert left <= {".model.run.new"}  # what the run had, to go on from
        if left:
            fit(rows, output=here / "model", seed=2, resume=True)
            assert sorted(path.name for path in here.iterdir()) == ["model", "model.run"]
        if number >= len(made):
            break
    assert new
    # Only that the old checkpoints stay, once the model is whole, is no failure of the run.
    *excused, last = no_failure
    assert last == len(made) > 10
    assert [Path(made[n][0]).name for n in excused] == ["checkpoints"]


def test_a_disk_that_is_full_leaves_no_half_model_under_a_fresh_name(fit, rows_of, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        made = calls_that_fail(patch, None)
        fit(rows_of(16), output=tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        calls_that_fail(patch, [Path(to).name for _, to in made].index("whole"))
        with pytest.raises(OSError, match="No space left"):
            fit(rows_of(16), output=tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert (tmp_path / "model.run" / "log.jsonl").stat().st_size, "what happened is on record"


# Interrupts and failures on the way


def interrupt_at(kind, number):
    class Interrupting(glossator.finetuning.watch.Watch):
        left = number

        def training(self, event):
            if isinstance(event, kind):
                self.left -= 1
                if not self.left:
                    raise KeyboardInterrupt

    return Interrupting()


@pytest.mark.parametrize(("kind", "number"), [(Stepped, 2), (Evaluated, 1)])
def test_an_interrupt_writes_what_there_is_marked_unfinished(fit, rows, tmp_path, kind, number):
    result = fit(rows, output=tmp_path / "model", epochs=5, watch=interrupt_at(kind, number))
    assert not result.finished
    assert result.train["steps"] < 5 * 3
    loaded = glossator.load(tmp_path / "model")
    assert not loaded.details.finished
    taken = result.train["steps"]
    assert f"interrupted after {taken} of 15 steps" in loaded.notes[0]
    assert loaded.details.steps == {"taken": taken, "planned": 15}
    weights_are = "best so far" if kind is Evaluated else "last, and were never chosen"
    for file in ("model/README.md", "model.run/report.html"):
        told = (tmp_path / file).read_text()
        assert f"interrupted after {taken} of 15 steps" in told
        assert f"Its weights are the {weights_are}" in told
    assert loaded.predict(TEXTS) == result.predictor.predict(TEXTS)
    assert (tmp_path / "model.run" / "report.html").exists()


def test_an_interrupt_before_the_first_step_leaves_nothing(fit, rows, tmp_path):
    with pytest.raises(UnfinishedError, match="interrupted before the first step"):
        fit(rows, output=tmp_path / "model", watch=interrupt_at(Started, 1))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_before_training_leaves_nothing(fit, rows, tmp_path):
    class Interrupting(glossator.finetuning.watch.Watch):
        def preflight(self, findings, rows):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(rows, output=tmp_path / "model", watch=Interrupting())
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_diverges_says_what_may_help(fit, rows, tmp_path, monkeypatch):
    from glossator.tasks.kinds.text_classification.one_label import OneLabel

    plain = OneLabel.loss

    def loss(self, model, batch):
        total, count = plain(self, model, batch)
        return total * float("nan"), count

    monkeypatch.setattr(OneLabel, "loss", loss)
    with pytest.raises(GlossatorError, match="the loss of step 1 is nan; a lower --learning-rate"):
        fit(rows, output=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_where_memory_is_short_it_is_told_and_the_result_is_the_same(fit, rows, heard, monkeypatch):
    from glossator.tasks.kinds.text_classification.one_label import OneLabel

    expected = fit(rows, epochs=2)
    plain, failures = OneLabel.loss, [1]

    def loss(self, model, batch):
        if failures:
            failures.pop()
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return plain(self, model, batch)

    monkeypatch.setattr(OneLabel, "loss", loss)
    got = fit(rows, epochs=2, watch=heard)
    assert [type(event).__name__ for event in heard.events].count("Halved") == 1
    assert got.rows == expected.rows
    assert got.train["steps"] == expected.train["steps"]


# What is told


def test_every_stage_is_told(fit, rows, heard):
    result = fit([*rows, {"text": "", "label": "bad"}], watch=heard)
    assert heard.rows == result.rows
    kinds = [finding.kind for finding in heard.findings]
    assert "token_lengths" in kinds
    assert "empty_text" in kinds
    assert "a new classification head for 2 labels" in heard.notes[0]
    total = heard.scored[-1][1]
    assert heard.scored[-1] == (total, total)
    assert total == result.rows.dev + result.rows.test


def test_preflight_says_which_texts_need_windows(fit, rows, heard):
    """62 tokens fit into the 64 positions of the model, beside the special ones."""
    rows += [{"text": "bad " * 62, "label": "bad"}, {"text": "bad " * 63, "label": "bad"}]
    result = fit(rows, watch=heard)
    (finding,) = [x for x in heard.findings if x.kind == "windows"]
    assert (finding.count, "longer than 62 tokens" in finding.message) == (1, True)
    assert result.report.lengths.limit == 64
    assert result.report.lengths.windowed <= 1


def test_a_length_that_the_model_cannot_read_is_said(fit, rows, heard):
    result = fit(rows, max_length=1000, watch=heard)
    assert "reads 64 tokens at most; --max-length 1000 is too long" in heard.notes[0]
    assert result.predictor.details.max_length == 64


def test_a_long_text_is_learned_from_and_answered_in_windows(fit, rows, tmp_path):
    rows[0]["text"] = "bad " + "card " * 60
    result = fit(rows, max_length=16, output=tmp_path / "model")
    (answer,) = glossator.load(tmp_path / "model").predict([rows[0]["text"]])
    assert (answer.n_tokens, answer.windows) == (61, 6)
    assert result.predictor.predict([rows[0]["text"]]) == [answer]


# Labels


def test_a_head_is_kept_where_the_labels_are_the_same(fit, fitted, rows, heard):
    result = fit(rows, model=fitted.folder, watch=heard, learning_rate=1e-6)
    assert heard.notes == []
    assert result.test["accuracy"] > 0.9, "what was learned is gone"


def test_the_order_of_the_models_labels_is_kept(fit, fitted, rows, heard, tmp_path):
    folder = shutil.copytree(fitted.folder, tmp_path / "theirs")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "good", "1": "bad"}
    (folder / "config.json").write_text(json.dumps(config))
    flipped = [{**row, "label": {"good": "bad", "bad": "good"}[row["label"]]} for row in rows]
    result = fit(flipped, model=folder, watch=heard, learning_rate=1e-6)
    assert result.predictor.classes_.tolist() == ["good", "bad"]
    assert heard.notes == []
    assert result.test["accuracy"] > 0.9


def test_other_labels_get_a_new_head_and_it_is_said(fit, fitted, rows, heard):
    rows[0]["label"] = "mixed"
    rows[2]["label"] = "mixed"
    fit(rows, model=fitted.folder, watch=heard)
    assert "its own, for the labels bad, good, was dropped" in heard.notes[0]


def test_labels_that_training_lacks_count_as_wrong(fit, rows, heard, tmp_path, rows_of):
    test = [*rows_of(10, seed=5), {"text": "odd", "label": "weather"}]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in test))
    result = fit(rows, test=str(path), watch=heard, epochs=3)
    assert result.test["unknown_labels"] == 1
    assert result.test["accuracy"] <= 10 / 11
    assert "unknown_label" in [finding.kind for finding in heard.findings]
    assert (result.rows.test, result.rows.read) == (11, 71)


def test_dev_labels_of_which_training_has_none_end_the_run_before_it_trains(
    fit, rows, heard, tmp_path
):
    path = tmp_path / "dev.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n')
    with pytest.raises(TableError, match=r"dev: no row has a label that.*training has: bad, good"):
        fit(rows, dev=str(path), watch=heard)
    assert heard.events == []


def test_some_dev_labels_that_training_lacks_are_left_out_of_the_calibration(fit, rows, tmp_path):
    path = tmp_path / "dev.jsonl"
    dev = [*rows[:10], {"text": "odd", "label": "weather"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in dev))
    result = fit(rows[10:], dev=str(path))
    assert result.dev["unknown_labels"] == 1
    assert result.predictor.task.decision.temperature != 1.0


def test_without_dev_rows_the_last_weights_stay_uncalibrated(fit, rows):
    result = fit(rows, dev_fraction=0.0, test_fraction=0.2, epochs=2)
    assert (result.dev, result.rows.dev) == (None, 0)
    assert result.train["best_step"] == result.train["steps"]
    assert result.predictor.task.decision.temperature == 1.0


def test_all_rows_can_be_learned_from(fit, rows, heard, tmp_path):
    result = fit(rows, dev_fraction=0.0, test_fraction=0.0, output=tmp_path / "all", watch=heard)
    assert (result.dev, result.test, result.rows.train) == (None, None, len(rows))
    assert any("no row is held out" in finding.message for finding in heard.findings)
    loaded = glossator.load(tmp_path / "all")
    assert loaded.predict(TEXTS) == result.predictor.predict(TEXTS)
    assert loaded.details.metrics == {}
    for file in ("all/README.md", "all.run/report.html"):
        told = (tmp_path / file).read_text()
        assert "No rows were held out: how well it answers is not known." in told
        assert "the best on dev" not in told


def test_overwriting_and_going_on_exclude_each_other(fit, rows, tmp_path):
    with pytest.raises(ConfigError, match="give one of them"):
        fit(rows, output=tmp_path / "model", overwrite=True, resume=True)
    assert list(tmp_path.iterdir()) == []


def test_a_thousand_classes(fit):
    rows = [{"text": f"w{i} {j}", "label": f"class {i}"} for i in range(1000) for j in range(2)]
    result = fit(rows, batch_size=512, dev_fraction=0.05, test_fraction=0.05)
    assert len(result.predictor.classes_) == 1000
    assert result.predictor.predict_proba(["w1"]).shape == (1, 1000)


@pytest.mark.parametrize(
    "options", [{"class_weights": "auto"}, {"focal_gamma": 2.0}, {"label_smoothing": 0.1}]
)
def test_every_objective_reaches_the_loss(fit, rows, options):
    unlike = rows[:40] + [row for row in rows[40:] if row["label"] == "bad"]
    plain, other = fit(unlike), fit(unlike, **options)
    assert not same(weights(plain.predictor.model), weights(other.predictor.model))


def test_a_model_that_tells_nothing_apart_says_so_first(fit, rows, tmp_path):
    options = {"max_steps": 1, "learning_rate": 1e-9, "test_fraction": 0.4}
    result = fit(rows, **options, output=tmp_path / "model")
    (found,) = result.to_json()["findings"]
    assert found["kind"] == "no_skill"
    for file in ("model/README.md", "model.run/report.html"):
        told = (tmp_path / file).read_text()
        assert "every row" in told or "no better than a guess" in told


def test_one_that_has_learned_does_not(fitted):
    assert "findings" not in fitted.result.to_json()
