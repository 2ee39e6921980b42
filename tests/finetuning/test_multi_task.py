"""Several tasks on one encoder, from tables to a folder that answers."""

from __future__ import annotations

import csv
import json
import random

import pytest
import torch

import glossator
from glossator.config import from_mapping
from glossator.errors import CheckpointError, ConfigError, GlossatorError
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.finetuning.run import run_fit
from glossator.finetuning.sameness import check_finished
from glossator.models.config import RuntimeConfig
from glossator.training.config import TrainingConfig

WORDS = ["card", "film", "market"]


def intents(count, seed):
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        label = draw.choice(WORDS)
        rest = draw.choices(["the", "was", "week", "and"], k=draw.randint(1, 9))
        rows.append({"text": " ".join([label, *rest]), "label": label})
    return rows


def tagged(count, seed):
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        tokens = [draw.choice(["ann", "met", "in", "week"]) for _ in range(draw.randint(2, 6))]
        rows.append({"tokens": tokens, "tags": ["B-P" if x == "ann" else "O" for x in tokens]})
    return rows


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Tables of two tasks, one with a test table of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with open("data/intent.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label"])
        writer.writeheader()
        writer.writerows(intents(60, 1))
    for name, rows in (("tags", tagged(40, 2)), ("test", tagged(10, 3))):
        lines = (json.dumps(row) + "\n" for row in rows)
        (tmp_path / "data" / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "tasks.toml").write_text(
        'temperature = 3.0\n[tasks."意图"]\ntrain = "data/intent.csv"\nlabel = "label"\n'
        '[tasks.tags]\ntrain = "data/tags.jsonl"\ntest = "data/test.jsonl"\n',
        encoding="utf-8",
    )
    return tmp_path


def config(folder, task="", options=None, data=None, **training):
    usual = {"epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "seed": 1}
    return FitConfig(
        task=task,
        options=options or {},
        model=ModelConfig(model=str(folder), max_length=24),
        data=DataConfig(**(data or {})),
        training=TrainingConfig(**usual | training),
        runtime=RuntimeConfig(precision="float32"),
    )


def test_a_list_of_tables_becomes_a_folder_that_answers(here, tiny_model_folder):
    result = run_fit(["tasks.toml"], config(tiny_model_folder), output=here / "model")
    assert result.task == "multi-task"
    assert result.rows.read == 110
    parts = (result.rows.train, result.rows.dev, result.rows.test)
    # A tenth of both is dev; of the tags all test rows are those of their own table.
    assert parts == (60 + 40 - 10 - 6, 10, 10 + 6)
    assert {"mean", "意图.accuracy", "tags.f1"} <= result.test.keys()
    files = json.loads((here / "model" / "glossator.json").read_text())["data"]
    assert [(x["name"], x["rows"]) for x in files] == [
        ("intent.csv", 60), ("tags.jsonl", 40), ("test.jsonl", 10),
    ]  # fmt: skip
    page = (here / "model.run" / "report.html").read_text(encoding="utf-8")
    assert "意图: Worst mistakes" in page
    card = (here / "model" / "README.md").read_text(encoding="utf-8")
    assert "Answers 2 tasks with one encoder." in card
    found = glossator.load(here / "model")
    asked = [{"task": "tags", "tokens": ["met", "ann"]}, "the card", {"task": "意图", "text": "x"}]
    ours = [x.to_json() for x in result.predictor.predict(asked)]
    assert [x.to_json() for x in found.predict(asked)] == ours
    assert [[*x["tasks"]] for x in ours] == [["tags"], ["意图"], ["意图"]]
    assert found.predict(["the card"], only="意图")[0].task == "意图"


def test_one_task_learns_as_it_does_by_itself(here, tiny_model_folder):
    """To the bit: the encoder, the head, and what is decided on dev rows."""
    (here / "one.toml").write_text('[tasks.one]\ntrain = "data/intent.csv"\n', encoding="utf-8")
    data = {"dev_fraction": 0.0, "test_fraction": 0.0}
    alone = run_fit(["data/intent.csv"], config(tiny_model_folder, data=data)).predictor.model
    shared = run_fit(["one.toml"], config(tiny_model_folder, data=data)).predictor.model
    theirs = {
        name.replace("extra.task:one.", ""): value for name, value in shared.state_dict().items()
    }
    assert theirs.keys() == alone.state_dict().keys()
    for name, value in alone.state_dict().items():
        assert torch.equal(value, theirs[name]), name


def test_a_run_that_is_finished_was_one_of_the_same_tasks(here, tiny_model_folder):
    run_fit(["tasks.toml"], config(tiny_model_folder), output=here / "model")
    check_finished(["tasks.toml"], config(tiny_model_folder), here / "model")
    told = (here / "tasks.toml").read_text(encoding="utf-8")
    (here / "tasks.toml").write_text(told.replace("3.0", "2.0"), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"temperature was 3.0, is 2.0"):
        check_finished(["tasks.toml"], config(tiny_model_folder), here / "model")


def test_what_a_run_wrote_down_repeats_it(here, tiny_model_folder):
    import tomllib

    result = run_fit(["tasks.toml"], config(tiny_model_folder), output=here / "model")
    written = tomllib.loads((here / "model.run" / "config.toml").read_text(encoding="utf-8"))
    again = run_fit(["tasks.toml"], from_mapping(FitConfig, written)).predictor.model
    for name, value in result.predictor.model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_rows_of_memory_name_their_tasks(tiny_model_folder):
    rows = [{"task": "a", **row} for row in intents(40, 1)]
    rows += [{"task": "b", **row} for row in tagged(40, 2)]
    model = glossator.fit(
        rows, task="multi-task", model=str(tiny_model_folder), epochs=1, temperature=2.0,
        progress=False,
    )  # fmt: skip
    assert model.details.task == "multi-task"
    assert repr(model).startswith("<Predictor multi-task")
    assert model.predict([{"task": "b", "tokens": ["ann"]}])[0].task == "b"


def test_a_list_of_tables_is_for_no_other_kind(here, tiny_model_folder):
    with pytest.raises(ConfigError, match="lists tables, which text-classification cannot"):
        run_fit(["tasks.toml"], config(tiny_model_folder, "text-classification"))


def test_an_option_that_is_none_is_told(here, tiny_model_folder):
    (here / "bad.toml").write_text('heat = 2\n[tasks.a]\ntrain = "data/intent.csv"\n')
    with pytest.raises(ConfigError, match="--heat is no option of multi-task"):
        run_fit(["bad.toml"], config(tiny_model_folder))


def test_a_dev_table_of_tasks_that_are_not_learned_is_refused(here, tiny_model_folder):
    (here / "dev.jsonl").write_text(
        "".join(json.dumps({"task": "other", **row}) + "\n" for row in intents(5, 4))
    )
    with pytest.raises(GlossatorError, match="no row is of the task other"):
        run_fit(["tasks.toml"], config(tiny_model_folder, data={"dev": "dev.jsonl"}))
