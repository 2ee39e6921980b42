"""`fit --recipe`: few rows a class, and the way to learn from them that wins on them."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import numpy as np
import pytest
import torch

import glossator
from glossator.errors import ConfigError, UnfinishedError
from glossator.finetuning import few_rows, recipe_choice
from glossator.finetuning.few_rows import FewRows
from glossator.finetuning.recipe_choice import RecipeChoice
from glossator.finetuning.watch import Watch
from glossator.training.events import Evaluated, Stepped

NAMES = {"plain", "contrastive"}


@pytest.fixture
def measured(monkeypatch):
    """Recipes are measured, as they are outside of tests."""
    monkeypatch.setattr(few_rows, "MOST", 50)


class Telling(Watch):
    """Hears of a run; raises `error` at a step of measuring."""

    def __init__(self, error=None, at=0):
        self.error, self.at = error, at
        self.notes, self.tested, self.events = [], [], []

    def note(self, text):
        self.notes.append(text)

    def recipe_test(self, done, total):
        self.tested.append((done, total))
        if self.error and done == self.at:
            raise self.error

    def training(self, event):
        self.events.append(event)


def weights(result):
    return {name: x.numpy() for name, x in result.predictor.model.state_dict().items()}


def same(a, b):
    a, b = weights(a), weights(b)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def without_seconds(told):
    return {name: x for name, x in told.to_json().items() if name != "seconds"}


def some(rows, **counts):
    """So many rows of each class."""
    left = Counter(counts)
    kept = []
    for row in rows:
        if left[row["label"]] > 0:
            left[row["label"]] -= 1
            kept.append(row)
    return kept


WHOLE = {"dev_fraction": 0.0, "test_fraction": 0.0}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("counts", [{"bad": 4, "good": 60}, {"bad": 2, "good": 20}], ids=str)
def test_outside_the_range_auto_is_plain_to_the_bit(fit, rows_of, counts):
    rows, watch = some(rows_of(200), **counts), Telling()
    auto = fit(rows, watch=watch, **WHOLE)
    assert same(auto, fit(rows, recipe="plain", **WHOLE))
    assert auto.report.recipe is None
    assert not watch.tested
    assert "recipe" not in auto.to_json()["train"]
    told = [note for note in watch.notes if "few labels" in note]
    assert bool(told) is (counts["good"] <= 50)
    assert all("class 'bad' has 2 training rows" in note for note in told)


@pytest.mark.usefixtures("measured")
def test_few_rows_are_measured_and_the_better_recipe_trains(fit, rows, tmp_path):
    watch = Telling()
    auto = fit(rows, output=tmp_path / "model", watch=watch)
    told = auto.report.recipe
    assert told.name == max(told.names, key=told.accuracy)
    assert all(set(split.accuracy) == NAMES for split in told.splits)
    assert same(auto, fit(rows, recipe=told.name))
    (said,) = [note for note in watch.notes if "few labels" in note]
    assert "2 classes have 24 training rows each" in said
    done, total = watch.tested[-1]
    assert done <= total
    kept = json.loads((auto.model / "glossator.json").read_text())["recipe"]
    assert kept == auto.to_json()["train"]["recipe"]
    assert kept["name"] == told.name
    assert f'recipe = "{told.name}"' in (auto.run / "config.toml").read_text()
    page = (auto.run / "report.html").read_text()
    assert 'id="recipe"' in page
    assert "rows held out" in page
    assert told.name in (auto.model / "README.md").read_text()
    assert glossator.load(auto.model).details.recipe == told


@pytest.mark.usefixtures("measured")
def test_one_seed_is_one_choice_and_one_model(fit, rows):
    one, again = fit(rows, seed=3), fit(rows, seed=3)
    assert without_seconds(one.report.recipe) == without_seconds(again.report.recipe)
    assert same(one, again)


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("at", [2, 5])
def test_cut_short_while_it_measures_it_goes_on_to_the_same_bits(fit, rows, tmp_path, at):
    class Killed(Exception):
        """In the place of a SIGKILL: nothing is written after it."""

    whole = fit(rows, output=tmp_path / "whole", watch=(first := Telling()))
    with pytest.raises(Killed):
        fit(rows, output=tmp_path / "cut", watch=Telling(Killed, at))
    kept = tmp_path / "cut.run" / "recipes.json"
    watch = Telling()
    assert kept.exists() is (at == 5), "four steps are both recipes on the first split"
    made = fit(rows, output=tmp_path / "cut", resume=True, watch=watch)
    assert same(whole, made)
    assert without_seconds(whole.report.recipe) == without_seconds(made.report.recipe)
    assert len(watch.tested) == len(first.tested) - (4 if at == 5 else 0)
    again = glossator.fit(
        rows, output=tmp_path / "cut", resume=True, model=made.report.base_model, epochs=1,
        batch_size=16, learning_rate=3e-3, precision="float32", device="cpu",
    )  # fmt: skip
    assert again.details.recipe == made.report.recipe


@pytest.mark.usefixtures("measured")
def test_an_interrupt_while_it_measures_writes_no_model_and_keeps_what_was_found(
    fit, rows, tmp_path
):
    with pytest.raises(UnfinishedError, match=r"recipes were measured.*--resume goes on"):
        fit(rows, output=tmp_path / "model", watch=Telling(KeyboardInterrupt, 5))
    assert not (tmp_path / "model").exists()
    assert (tmp_path / "model.run" / "recipes.json").exists()
    made = fit(rows, output=tmp_path / "model", resume=True)
    assert same(made, fit(rows))


@pytest.mark.usefixtures("measured")
def test_what_was_kept_and_changed_is_refused(fit, rows, tmp_path):
    with pytest.raises(UnfinishedError):
        fit(rows, output=tmp_path / "model", watch=Telling(KeyboardInterrupt, 5))
    (tmp_path / "model.run" / "recipes.json").write_text('{"right": 3}')
    with pytest.raises(glossator.errors.CheckpointError, match="recipes"):
        fit(rows, output=tmp_path / "model", resume=True)


@pytest.mark.usefixtures("measured")
def test_a_time_limit_bounds_measuring(fit, rows, monkeypatch):
    watch = Telling()
    made = fit(rows, watch=watch, time_limit="2s")
    assert made.report.recipe is None
    assert any("no time to measure recipes" in note for note in watch.notes)
    assert made.finished


def choice_of(fit, rows, monkeypatch, **options):
    """The splits that recipes were measured on: rows to learn from and rows held out."""
    splits, split = [], RecipeChoice._split

    def heard(self, number):
        splits.append(split(self, number))
        return splits[-1]

    monkeypatch.setattr(RecipeChoice, "_split", heard)
    monkeypatch.setattr(recipe_choice, "_CLEAR", 0.0)
    fit(rows, **options)
    return splits


@pytest.mark.usefixtures("measured")
def test_groups_and_equal_texts_stay_on_one_side_of_a_split(fit, rows, monkeypatch):
    twins = [row for row in rows for _ in range(2)][:80]
    splits = choice_of(fit, twins, monkeypatch, **WHOLE)
    assert len(splits) == 3
    for learned, held_out in splits:
        inside, outside = ({x.texts for x in part.records} for part in (learned, held_out))
        assert not inside & outside
        assert {x.target for x in learned.records} == {"bad", "good"}
    assert len({tuple(x.row.line for x in held.records) for _, held in splits}) == 3
    grouped = [{**row, "customer": str(i // 4)} for i, row in enumerate(rows)]
    for learned, held_out in choice_of(fit, grouped, monkeypatch, group="customer", **WHOLE):
        inside, outside = (
            {x.row.values["customer"] for x in part.records} for part in (learned, held_out)
        )
        assert not inside & outside


@pytest.mark.usefixtures("measured")
def test_texts_with_several_labels_are_learned_as_ever(fit, rows):
    several = [{**row, "label": [row["label"]]} for row in rows]
    watch = Telling()
    made = fit(several, watch=watch)
    assert same(made, fit(several, recipe="plain"))
    assert not watch.tested
    assert made.report.recipe is None
    with pytest.raises(ConfigError, match="--recipe contrastive is for texts that have one label"):
        fit(several, recipe="contrastive")


def test_another_task_has_no_such_recipe(fit, rows):
    numbers = [{"text": row["text"], "label": i / 7} for i, row in enumerate(rows)]
    with pytest.raises(ConfigError, match=r"--recipe contrastive .* text-regression"):
        glossator.fit(numbers, task="text-regression", recipe="contrastive", progress=False)


LEARN = {"recipe": "contrastive", "epochs": 8, "dev_fraction": 0.2, "test_fraction": 0.2}


def test_a_contrastive_folder_answers_as_the_model_did(fit, rows, tmp_path):
    made = fit(rows, output=tmp_path / "model", **LEARN)
    assert made.test["accuracy"] > 0.7
    assert made.report.recipe.sentence.startswith("Trained by the recipe contrastive, which was")
    loaded = glossator.load(tmp_path / "model")
    texts = ["good film", "bad card of the week", "the team"]
    expected = [x.to_json() for x in made.predictor.predict(texts)]
    assert [x.to_json() for x in loaded.predict(texts)] == expected
    assert loaded.task.decision == made.predictor.task.decision
    from glossator.cli import main

    table = tmp_path / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["evaluate", str(tmp_path / "model"), str(table), "--device", "cpu"]) == 0


def test_transformers_opens_a_contrastive_folder(fit, rows, tmp_path):
    transformers = pytest.importorskip("transformers")
    made = fit(rows, output=tmp_path / "model", **LEARN)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(made.model).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.model)
    texts = ["good film of the week", "bad card"]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        chances = theirs(**inputs).logits / made.predictor.task.decision.temperature
    ours = made.predictor.predict_proba(texts)
    assert np.allclose(chances.softmax(-1).numpy(), ours, atol=1e-4)


def test_no_step_is_scored_and_the_last_is_kept(fit, rows, tmp_path):
    watch = Telling()
    made = fit(rows, watch=watch, output=tmp_path / "model", **LEARN)
    steps = [x for x in watch.events if isinstance(x, Stepped)]
    assert not [x for x in watch.events if isinstance(x, Evaluated)]
    assert made.train["best_step"] == len(steps)
    assert "the best on dev" not in (made.run / "report.html").read_text()


@pytest.mark.parametrize(
    "options",
    [
        {"refit": True},
        {"out_of_scope": "mahalanobis"},
        {"coverage": 0.8},
        {"class_weights": "auto"},
        {"learning_rate": "auto"},
    ],
    ids=str,
)
def test_what_is_asked_besides_works_as_well(fit, rows, tmp_path, options):
    made = fit(rows, output=tmp_path / "model", **LEARN, **options)
    loaded = glossator.load(tmp_path / "model")
    texts = ["good film", "bad card"]
    expected = [x.to_json() for x in made.predictor.predict(texts)]
    assert [x.to_json() for x in loaded.predict(texts)] == expected
    if options.get("refit"):
        assert made.report.refit.rows == 60
        assert not same(made, fit(rows, **LEARN))


def test_options_without_effect_are_named(fit, rows):
    watch = Telling()
    fit(rows, watch=watch, recipe="contrastive", label_smoothing=0.1)
    assert "--label-smoothing has no effect with the recipe contrastive" in watch.notes


def test_a_class_with_one_row_and_long_texts_are_learned_too(fit, rows):
    long = [{**row, "text": f"{row['text']} {'the story of the week ' * 20}"} for row in rows]
    few = some(long, bad=1, good=9)
    made = fit(few, recipe="contrastive", epochs=2, **WHOLE)
    assert all(np.isfinite(x).all() for x in weights(made).values())
    assert {x.label for x in made.predictor.predict(["good film", "bad story"])} <= {"bad", "good"}


@pytest.mark.parametrize(
    ("fewest", "most", "right"), [(4, 50, True), (3, 50, False), (4, 51, False)]
)
def test_the_range(monkeypatch, fewest, most, right):
    monkeypatch.setattr(few_rows, "MOST", 50)

    class Strata:
        def strata(self, records):
            return list(itertools.chain("a" * fewest, "b" * most))

    few = FewRows.of(Strata(), [])
    assert few.measurable is right
    assert bool(few.note) is (most <= 50)


def test_a_classifier_of_scikit_learn_takes_a_recipe(rows, tiny_model_folder):
    from glossator.sklearn import TextClassifier

    texts, labels = ([row[name] for row in rows] for name in ("text", "label"))
    made = TextClassifier(
        str(tiny_model_folder), device="cpu", epochs=2, options={"recipe": "contrastive"}
    ).fit(texts, labels)
    assert made.model_.details.recipe.name == "contrastive"
    assert set(made.predict(texts)) <= {"bad", "good"}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("options", [{"out_of_scope": "auto", "coverage": 0.8}, {"refit": True}])
def test_what_is_asked_besides_is_measured_as_well(fit, rows, options):
    made = fit(rows, dev_fraction=0.2, **options)
    assert {"plain", "contrastive"} == set(made.report.recipe.names)
    assert made.report.refit is None or made.report.refit.rows == 60
