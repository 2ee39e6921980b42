"""Texts that get no label: out of scope, or a set that does not hold a single one."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from glossator.artifact.opening import load
from glossator.artifact.scoring import compare, evaluate
from glossator.cli import main
from glossator.errors import ConfigError, TableError
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.finetuning.run import run_fit
from glossator.models.config import RuntimeConfig
from glossator.tasks.kinds.text_classification.config import Options
from glossator.text.rows import Row
from glossator.training.config import TrainingConfig

WORDS = {
    "card": ["card", "block", "lost", "pin"],
    "film": ["film", "story", "played", "boring"],
    "market": ["market", "shares", "fell", "company"],
    "oos": ["you", "they", "she", "week", "minute"],
}


def rows(count=160, names=("card", "film", "market", "oos"), seed=5):
    draw = random.Random(seed)
    found = []
    for number in range(count):
        label = names[number % len(names)]
        words = [*draw.choices(WORDS[label], k=3), *draw.choices(["the", "was", "and"], k=3)]
        draw.shuffle(words)
        found.append({"text": " ".join(words) + f" {number}", "label": label})
    return found


@pytest.fixture
def fitted(tiny_model_folder, tmp_path):
    def run(given, *, data=None, name=None, epochs=6, **options):
        config = FitConfig(
            options=options,
            model=ModelConfig(model=str(tiny_model_folder), max_length=24),
            data=DataConfig(**(data or {"dev_fraction": 0.3, "test_fraction": 0.2})),
            training=TrainingConfig(epochs=epochs, batch_size=8, learning_rate=3e-3, seed=1),
            runtime=RuntimeConfig(precision="float32"),
        )
        return run_fit(given, config, output=tmp_path / name if name else None)

    return run


def test_what_belongs_to_no_class_is_no_class_and_is_found(fitted):
    result = fitted(rows(), name="model", out_of_scope_label="oos")
    model = load(result.model)
    assert model.classes_.tolist() == ["card", "film", "market"]
    known, strange = model.predict(["the card was lost and block", "they you she week minute"])
    assert (known.label, known.out_of_scope) == ("card", False)
    assert (strange.label, strange.out_of_scope) == (None, True)
    assert known.out_of_scope_score < 0.5 < strange.out_of_scope_score
    assert {x.label for x in strange.labels} == {"card", "film", "market"}
    written = strange.to_json()
    assert written["label"] is None
    assert written["out_of_scope"] is True
    assert result.test["oos_auroc"] > 0.9
    assert result.test["accuracy"] == 1  # of the rows that belong to a class
    assert result.test["unknown_labels"] == 0
    assert result.test["oos_auroc_ci"][0] <= result.test["oos_auroc"]


def test_the_rule_is_the_best_on_dev_and_lies_in_the_folder(fitted):
    result = fitted(rows(), name="model", out_of_scope_label="oos")
    decision = json.loads((result.model / "glossator.json").read_text())["decision"]
    told = decision["told_by"]
    assert told.keys() == {"softmax", "energy", "mahalanobis", "neighbours"}
    assert told[decision["rule"]] == max(told.values())
    for rule in told:
        result = fitted(rows(), name=rule, out_of_scope=rule, out_of_scope_label="oos")
        again = load(result.model)
        assert again.task.decision.rule == rule
        assert list(again.task.decision.told_by) == [rule]
        inputs = [row["text"] for row in rows(20)]
        found = [x.to_json() for x in result.predictor.predict(inputs)]
        assert [x.to_json() for x in again.predict(inputs)] == found


def test_without_such_rows_a_rule_is_chosen_too(fitted):
    known = rows(names=("card", "film", "market"))
    result = fitted(known, out_of_scope="auto")
    assert result.test["oos_auroc"] is None
    assert result.test["in_scope_kept"] > 0.7
    strange = [row["text"] for row in rows(60) if row["label"] == "oos"]
    usual = [row["text"] for row in known[:60]]
    out = [[x.out_of_scope for x in result.predictor.predict(x)] for x in (strange, usual)]
    assert np.mean(out[0]) > np.mean(out[1]) + 0.2
    notes = [note for section in result.report.sections for note in section.notes]
    assert any("how many such texts the rule finds is not known" in note for note in notes)


def test_the_share_that_is_kept_is_chosen(fitted):
    given = rows(names=("card", "film", "market"))
    few, most = (
        fitted(given, out_of_scope="mahalanobis", in_scope_kept=kept, epochs=1).dev["in_scope_kept"]
        for kept in (0.5, 0.9)
    )
    assert few == pytest.approx(0.5, abs=0.03)
    assert most == pytest.approx(0.9, abs=0.03)


def test_rows_that_are_no_class_go_from_train_to_dev(fitted, tmp_path):
    given = rows(names=("card", "film", "market"))
    strangers = [row for row in rows() if row["label"] == "oos"][:7]
    result = fitted([*given, *strangers], out_of_scope_label="oos")
    assert result.rows.train == len([*given, *strangers]) - result.rows.dev - result.rows.test
    labels = {row["label"] for row in given}
    assert set(result.predictor.classes_) == labels
    said = " ".join(finding.message for finding in result.report.findings)
    assert "7 rows out of scope ('oos';" in said
    assert "training rows that are no class went to the dev rows" in said


def test_evaluate_and_compare_know_them(fitted, tmp_path):
    result = fitted(rows(), name="model", out_of_scope_label="oos")
    model, plain = load(result.model), fitted(rows(names=("card", "film", "market"))).predictor
    reader = model.reader()
    new = [Row("new", i, row) for i, row in enumerate(rows(40, seed=9))]
    items = [reader.read(row, targets=True) for row in new]
    scored = evaluate(model, items)
    assert scored.metrics["oos_recall"] > 0.5
    assert scored.metrics["unknown_labels"] == 0
    found = compare(plain, model, items)  # a model without a rule is wrong about each of them
    assert found.paired.b_is_better
    assert found.paired.differences[0].difference > 0.1


def test_a_set_holds_what_is_probable_enough(fitted):
    result = fitted(rows(300, names=("card", "film", "market")), coverage=0.8, epochs=3)
    least = result.predictor.task.decision.least
    for found in result.predictor.predict([row["text"] for row in rows(60, seed=8)]):
        probable = [x.label for x in found.labels if x.score >= least]
        assert list(found.set) == probable
        assert found.label == (probable[0] if len(probable) == 1 else None)
        assert found.to_json()["set"] == probable
    dev = result.dev
    assert dev["coverage"] == pytest.approx(0.8, abs=0.03)
    assert 0 < dev["answered"] <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coverage": 1.0}, "--coverage must be above 0 and below 1, got 1; only a set of all"),
        ({"coverage": 0.0}, "--coverage must be above 0 and below 1"),
        ({"in_scope_kept": 1.0}, "--in-scope-kept must be above 0 and below 1"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ConfigError, match=message):
        Options(**options)


@pytest.mark.parametrize(
    "options", [{"coverage": 0.5}, {"out_of_scope": "auto"}, {"out_of_scope_label": "oos"}]
)
def test_without_dev_rows_nothing_can_be_decided(fitted, options):
    with pytest.raises(ConfigError, match="is decided on dev rows, and there are none"):
        fitted(rows(), data={"dev_fraction": 0, "test_fraction": 0.2}, **options)


@pytest.mark.parametrize("options", [{"coverage": 0.5}, {"out_of_scope": "auto"}])
def test_several_labels_a_row_have_neither(fitted, options):
    given = [row | {"label": [row["label"]]} for row in rows()]
    with pytest.raises(ConfigError, match="is for one label a row, and rows have lists"):
        fitted(given, **options)


def test_a_label_that_no_row_has(fitted):
    with pytest.raises(TableError, match="no row has the label 'none' of --out-of-scope-label"):
        fitted(rows(), out_of_scope_label="none")


def test_too_few_dev_rows_for_a_coverage_are_told_before_training(fitted, monkeypatch):
    monkeypatch.setattr("glossator.finetuning.run.learn", None)  # which is not called
    with pytest.raises(TableError, match=r"coverage of 0\.99 needs at least 99 dev rows"):
        fitted(rows(), coverage=0.99)


def test_such_rows_in_training_alone_leave_something_unknown(fitted, tmp_path):
    test = tmp_path / "test.jsonl"
    known = rows(30, names=("card", "film", "market"), seed=3)
    test.write_text("".join(json.dumps(row) + "\n" for row in known))
    table = tmp_path / "train.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    result = fitted([table], data={"dev_fraction": 0.3, "test": test}, out_of_scope_label="oos")
    said = " ".join(finding.message for finding in result.report.findings)
    assert "no test row is out of scope ('oos')" in said
    assert result.test["oos_recall"] is None


def test_rows_of_which_none_belongs_to_a_class_are_scored_too(fitted, tmp_path, capsys):
    result = fitted(rows(), name="model", out_of_scope_label="oos")
    strangers = [row for row in rows() if row["label"] == "oos"]
    table = tmp_path / "strangers.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in strangers))
    assert main(["evaluate", str(result.model), str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["accuracy"] is None
    assert found["metrics"]["oos_recall"] > 0.5
    assert main(["evaluate", str(result.model), str(table)]) == 0
    assert f"all {len(strangers)} rows are out of scope" in capsys.readouterr().err
