"""What every task that a table teaches must do; beside each contract, who breaks it."""

from __future__ import annotations

import json
import random
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glossator.artifact.opening import load
from glossator.config import from_mapping, to_toml
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.finetuning.run import run_fit
from glossator.finetuning.watch import Watch
from glossator.models.config import RuntimeConfig
from glossator.tasks.learnable import collate, filler, units
from glossator.tasks.registry import configs
from glossator.text.rows import Row
from glossator.training.config import SpreadConfig, TrainingConfig
from glossator.training.events import Saved, Stepped

NAMES = {"PER": ["ann lee", "karl braun"], "LOC": ["berlin", "new york", "osaka"]}


def labels(several=False, pair=False):
    draw = random.Random(3)
    rows = []
    for number in range(48):
        count = draw.randint(0, 2) if several else 1
        found = sorted(draw.sample(["card", "film", "market"], count))
        words = [*found * 2, *draw.choices(["the", "was", "week", "and"], k=draw.randint(1, 20))]
        draw.shuffle(words)
        row: dict[str, Any] = {"text": " ".join(words) + f" {number % 7}"}
        row["label"] = found if several else found[0]
        if pair:
            row |= {"text_pair": draw.choice(["card", "film", "market"])}
            row["label"] = "yes" if row["text_pair"] == found[0] else "no"
        rows.append(row)
    return rows


def numbers(pair=False):
    rows = labels(pair=pair)
    for row in rows:
        row["label"] = str(100 + 5 * row["text"].count("card") - 3 * row["text"].count("film"))
    return rows


def entities(by_place=False):
    draw = random.Random(4)
    rows = []
    for _ in range(48):
        parts: list[tuple[str, str]] = []
        for _ in range(draw.randint(1, 5)):
            kind = draw.choice(["PER", "LOC", "", ""])
            parts.append((draw.choice(NAMES.get(kind, ["met", "in", "and"])), kind))
        tokens, tags, spans, start = [], [], [], 0
        for text, kind in parts:
            words = text.split()
            tokens += words
            tags += [f"{'I' if i else 'B'}-{kind}" if kind else "O" for i in range(len(words))]
            if kind:
                spans.append({"start": start, "end": start + len(text), "label": kind})
            start += len(text) + 1
        given = {"text": " ".join(tokens), "entities": spans}
        rows.append(given if by_place else {"tokens": tokens, "tags": tags})
    return rows


def with_strangers():
    rows = labels()
    for number, row in enumerate(rows):
        if number % 6 == 0:
            row |= {"text": f"you they she he {number % 5}", "label": "oos"}
    return rows


def questions(unanswerable=False):
    draw = random.Random(5)
    rows = []
    for number in range(48):
        colours = draw.sample(["card", "film", "market", "team", "bank"], 3)
        places = draw.sample(["week", "match", "league"], 3)
        words = [f"the {a} was in the {b} ." for a, b in zip(colours, places, strict=True)]
        if number % 8 == 0:
            words += ["how slow and boring that was"] * 3
        context = " ".join(words) + f" {number}"
        row = {"question": f"where is the {colours[0]} ?", "context": context}
        row["answers"] = [{"text": places[0], "start": context.index(places[0])}]
        if unanswerable and number % 3 == 0:
            row |= {"question": "where is the money ?", "answers": []}
        rows.append(row)
    return rows


def choices(long=False):
    draw = random.Random(5)
    words = ["card", "film", "market", "team", "bank"]
    rows = []
    for number in range(48):
        found = draw.sample(words, draw.randint(2, 4))
        index = draw.randrange(len(found))
        asked = f"{found[index]} {found[index]} the week {number}"
        if long:
            found = [f"{x} and {' '.join([x] * draw.randint(0, 30))}" for x in found]
        rows.append({"question": asked, "choices": found, "answer": index})
    return rows


def tasks(*members):
    """Rows of several tasks, each by its number and name, some of it mixed up."""
    rows = [
        {"task": f"task-{number}", **row}
        for number, member in enumerate(members)
        for row in member[: len(member) - 12 * number]
    ]
    random.Random(6).shuffle(rows)
    return rows


TOKENS = "token-classification"
MEMBERS: dict[str, dict[str, Any]] = {
    "one label": {"rows": labels()},
    "pairs": {"rows": labels(pair=True)},
    "several labels": {"rows": labels(several=True)},
    "weighted labels": {"rows": labels(several=True), "options": {"class_weights": "auto"}},
    "sets": {"rows": labels(), "options": {"coverage": 0.5}},
    "out of scope": {
        "rows": with_strangers(),
        "options": {"out_of_scope": "mahalanobis", "out_of_scope_label": "oos"},
    },
    "out of scope, unlabelled": {"rows": labels(), "options": {"out_of_scope": "auto"}},
    "a number": {"rows": numbers(), "task": "text-regression"},
    "a number, huber": {
        "rows": numbers(pair=True), "task": "text-regression",
        "options": {"regression_loss": "huber"},
    },
    "choices": {"rows": choices(), "task": "multiple-choice"},
    "long choices": {"rows": choices(long=True), "task": "multiple-choice"},
    "tags": {"rows": entities()},
    "BIOES": {"rows": entities(by_place=True), "options": {"scheme": "BIOES"}},
    "smoothed IO": {"rows": entities(), "options": {"scheme": "IO", "label_smoothing": 0.1}},
    "crf": {"rows": entities(), "options": {"decoder": "crf"}},
    "spans": {"rows": entities(by_place=True), "options": {"decoder": "spans"}},
    "questions": {"rows": questions(), "options": {"stride": 4}},
    "questions without answers": {"rows": questions(unanswerable=True)},
    "several tasks": {
        "rows": tasks(labels(), labels(several=True), numbers()), "task": "multi-task",
        "options": {"members": '{"task-2": {"task": "text-regression"}}'},
    },
    "tasks of all kinds": {
        "rows": tasks(labels(pair=True), entities(), questions()), "task": "multi-task",
        "options": {"temperature": 3.0, "members": '{"task-1": {"decoder": "crf"}}'},
    },
    "tasks of rows of examples": {
        "rows": tasks(choices(), entities(by_place=True)), "task": "multi-task",
        "options": {"temperature": 100.0, "members": '{"task-1": {"decoder": "spans"}}'},
    },
}  # fmt: skip
TARGETS = {target for config in configs() for target in config.targets}
OPENS = {
    "AutoModelForSequenceClassification", "AutoModelForTokenClassification", "AutoModel",
    "AutoModelForQuestionAnswering", "AutoModelForMultipleChoice",
}  # fmt: skip


class Killed(Exception):
    """In the place of a SIGKILL: nothing is written after it."""


class KilledAt(Watch):
    def __init__(self, step):
        self.step, self.saved = step, False

    def training(self, event):
        self.saved |= isinstance(event, Saved)
        if isinstance(event, Stepped) and event.step >= self.step and self.saved:
            raise Killed


class Losses(Watch):
    def __init__(self):
        self.losses = []

    def training(self, event):
        if isinstance(event, Stepped):
            self.losses.append(event.loss)


class Member:
    """A task, and how it is learned here."""

    def __init__(self, folder: Path, scratch: Path, told: dict[str, Any]):
        self.folder, self.scratch = folder, scratch
        self.rows, self.told = told["rows"], told

    def config(self, *, data=None, runtime=None, spread=None, **training):
        usual = {
            "epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "checkpoint_steps": 2, "seed": 1,
        }  # fmt: skip
        return FitConfig(
            task=self.told.get("task", ""),
            options=self.told.get("options", {}),
            model=ModelConfig(model=str(self.folder), max_length=24),
            data=DataConfig(**(data or {})),
            training=TrainingConfig(**usual | training),
            runtime=RuntimeConfig(precision="float32", **(runtime or {})),
            spread=SpreadConfig(**(spread or {})),
        )

    def fit(self, name=None, *, watch=None, resume=False, **given):
        output = self.scratch / name if name else None
        config = self.config(**given)
        return run_fit(self.rows, config, output=output, resume=resume, watch=watch)

    def weights(self, result):
        return {name: x.numpy() for name, x in result.predictor.model.state_dict().items()}

    def inputs(self):
        """The rows without what is learned."""
        return [{name: x for name, x in row.items() if name not in TARGETS} for row in self.rows]


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


# Contracts


def its_rows_are_learned(member):
    watch = Losses()
    data = {"dev_fraction": 0.25, "test_fraction": 0.0}
    member.fit(watch=watch, data=data, epochs=30, patience=99)
    assert np.mean(watch.losses[-5:]) < 0.5 * np.mean(watch.losses[:5])


def a_killed_run_ends_in_the_same_bits(member):
    expected = member.weights(member.fit("whole"))
    with pytest.raises(Killed):
        member.fit("killed", watch=KilledAt(5), resume=True)
    assert same(expected, member.weights(member.fit("killed", resume=True)))


def one_seed_is_one_result(member):
    one, again, other = (member.weights(member.fit(seed=seed)) for seed in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)


def parts_add_up(member):
    """A step in parts, filled up or not, has the loss of one."""
    predictor = member.fit(epochs=1).predictor
    task, model = predictor.task, predictor.model.eval()
    reader = predictor.reader()
    read = [reader.read(Row("t", i, row), targets=True) for i, row in enumerate(member.rows)]
    records = [record for record in read if not record.held_out]
    examples = [example for row in task.encode(records) for example in row]
    whole = task.loss(model, task.collate(examples, 0))
    filled = [*examples, filler(examples[0], 5, task.specs)]
    again = task.loss(model, task.collate(filled, 0))
    together = units(examples, task.coupling)
    parts = [[e for unit in part for e in unit] for part in (together[:20], together[20:])]
    halves = [task.loss(model, task.collate(part, 0)) for part in parts]
    for number in (0, 1):
        value = float(whole[number].detach())
        parts = sum(float(half[number].detach()) for half in halves)
        assert parts == pytest.approx(value, rel=2e-5)
        assert float(again[number].detach()) == pytest.approx(value, rel=2e-5)


def its_options_survive(member):
    result = member.fit("model", epochs=1)
    config = tomllib.loads((result.run / "config.toml").read_text())
    read = from_mapping(FitConfig, config)
    assert to_toml(read) == (result.run / "config.toml").read_text()
    assert read.task == result.task
    assert member.told.get("options", {}).items() <= read.options.items()
    again = load(result.model)
    assert again.task.saved() == result.predictor.task.saved()
    assert again.task.settings == result.predictor.task.settings
    assert again.details.columns == result.predictor.details.columns
    found = [x.to_json() for x in again.predict(member.inputs())]
    assert found == [x.to_json() for x in result.predictor.predict(member.inputs())]


def its_folder_opens_in_transformers(member):
    import transformers

    result = member.fit("model", epochs=1)
    settings = json.loads((result.model / "glossator.json").read_text())
    assert settings["opens_as"] in OPENS
    cls = getattr(transformers, settings["opens_as"])
    theirs, info = cls.from_pretrained(result.model, output_loading_info=True)
    missing = {name for name in info["missing_keys"] if not name.startswith("pooler.")}
    assert not missing, info  # a bare encoder of ours has no pooler, whose output nothing reads
    predictor = result.predictor
    task_of_choices = settings["opens_as"].endswith("MultipleChoice")
    examples = [e for row in predictor.task.encode(predictor.records(member.inputs())) for e in row]
    for example in examples[:5]:
        ours = _output(predictor, example)
        given = {"input_ids": torch.tensor(example.tokens)[None].long()}
        if example.segments is not None:
            given["token_type_ids"] = torch.tensor(example.segments)[None].long()
        if task_of_choices:  # which wants (rows, choices, tokens)
            given = {name: x[None] for name, x in given.items()}
        with torch.no_grad():
            out = theirs.eval()(**given)
        expected = _logits(out)
        np.testing.assert_allclose(ours.numpy(), expected[0].numpy(), atol=1e-5, rtol=1e-5)


def _logits(out):
    if hasattr(out, "start_logits"):
        return torch.stack([out.start_logits, out.end_logits], -1)
    return out.logits if hasattr(out, "logits") else out.last_hidden_state


def what_transformers_saves_opens_here(member):
    import transformers

    result = member.fit("model", epochs=1)
    task = result.predictor.task
    if task.opens_as == "AutoModel":
        pytest.skip("an encoder without its head answers nothing")
    theirs = getattr(transformers, task.opens_as).from_pretrained(result.model)
    folder = member.scratch / "elsewhere"
    theirs.save_pretrained(folder)
    task.tokenizer.save(folder)
    found = load(folder)
    assert found.task.name == task.name
    # How windows are cut, which such a folder does not say.
    found.task.max_length, found.task.options = task.max_length, task.options
    inputs = member.inputs()
    records = result.predictor.records(inputs)
    ours = result.predictor.answer_records(records).raw
    again = found.answer_records(records).raw
    for one, other in zip(ours, again, strict=True):
        one = one[: len(other)]  # what a folder of ours answers beside the logits, theirs does not
        np.testing.assert_allclose(one, other, atol=1e-5, rtol=1e-5)


def two_processes_have_the_losses_of_one(member):
    told = []
    for count in (1, 2):
        watch = Losses()
        member.fit(watch=watch, epochs=1, spread={"processes": count})
        told.append(watch.losses)
    assert told[0] == pytest.approx(told[1], rel=1e-5)


def _output(predictor, example):
    batch = collate([example], predictor.task.specs)
    with torch.inference_mode():
        out = predictor.model(batch.inputs)
    return out[0] if predictor.task.opens_as.endswith("SequenceClassification") else out


def a_row_has_its_answer_alone_and_among_others(member):
    predictor = member.fit(epochs=1).predictor
    inputs = member.inputs()
    together = [x.to_json() for x in predictor.predict(inputs)]
    order = list(range(len(inputs)))
    random.Random(0).shuffle(order)
    shuffled = [x.to_json() for x in predictor.predict([inputs[i] for i in order])]
    alone = [predictor.predict([x])[0].to_json() for x in inputs]
    for number, place in enumerate(order):
        assert _near(shuffled[number], together[place])
    assert all(_near(a, b) for a, b in zip(alone, together, strict=True))


def _near(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_near(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_near, a, b))
    return a == pytest.approx(b, rel=1e-4, abs=2e-5) if isinstance(a, float) else a == b


# Who breaks them


class Idle(Member):
    def config(self, **given):
        return super().config(**{**given, "learning_rate": 1e-12})


class Forgetful(Member):
    """Begins anew where it should go on."""

    def fit(self, name=None, *, resume=False, watch=None, **given):
        seed = 7 if resume and watch is None else 1
        fresh = f"{name}-{seed}" if name else None
        return super().fit(fresh, watch=watch, resume=resume, **{**given, "seed": seed})


class Unseeded(Member):
    runs = 0

    def fit(self, name=None, **given):
        Unseeded.runs += 1
        return super().fit(name, **{**given, "seed": 100 + Unseeded.runs})


class Changed(Member):
    """Has other weights than its folder."""

    def fit(self, name=None, **given):
        result = super().fit(name, **given)
        with torch.no_grad():
            next(result.predictor.model.encoder.parameters())[:, 0].add_(5)
        return result


class Uneven(Member):
    """Averages where it should add up."""

    def fit(self, name=None, **given):
        result = super().fit(name, **given)
        task = result.predictor.task
        right = task.loss
        task.loss = lambda model, batch: (right(model, batch)[0] / len(batch.rows), torch.ones(()))
        return result


class Sociable(Member):
    """Answers by who else is asked."""

    def fit(self, name=None, **given):
        result = super().fit(name, **given)
        predictor = result.predictor
        right = predictor.predict
        predictor.predict = lambda rows, **told: right([rows[-1]] * len(rows), **told)
        return result


CONTRACTS = {
    its_rows_are_learned: Idle,
    a_killed_run_ends_in_the_same_bits: Forgetful,
    one_seed_is_one_result: Unseeded,
    parts_add_up: Uneven,
    its_options_survive: Changed,
    its_folder_opens_in_transformers: Changed,
    what_transformers_saves_opens_here: Changed,
    a_row_has_its_answer_alone_and_among_others: Sociable,
}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", MEMBERS)
def test_every_task_keeps_every_contract(tiny_model_folder, tmp_path, name, contract):
    contract(Member(tiny_model_folder, tmp_path, MEMBERS[name]))


@pytest.mark.parametrize(("contract", "breaker"), CONTRACTS.items(), ids=lambda x: x.__name__)
def test_every_contract_can_be_broken(tiny_model_folder, tmp_path, contract, breaker):
    with pytest.raises(AssertionError):
        contract(breaker(tiny_model_folder, tmp_path, MEMBERS["one label"]))


@pytest.mark.parametrize(
    "name",
    ["several labels", "crf", "spans", "questions", "long choices", "tasks of rows of examples"],
)
def test_processes_share_a_step(steady_model_folder, tmp_path, name):
    """With dropout each process would draw its own."""
    two_processes_have_the_losses_of_one(Member(steady_model_folder, tmp_path, MEMBERS[name]))


@pytest.fixture
def steady_model_folder(tiny_model_folder, tmp_path):
    """The tiny encoder without dropout."""
    folder = tmp_path / "steady"
    shutil.copytree(tiny_model_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_every_task_stands_here():
    tasks = {x.get("task") for x in MEMBERS.values()} | {
        "text-classification",
        TOKENS,
        "question-answering",
    }
    assert {config.name for config in configs() if config.shapes} == tasks - {None}
