"""What every task that a table teaches must do; beside each contract, who breaks it."""

from __future__ import annotations

import ast
import dataclasses
import json
import random
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from task_rows import MEMBERS, TOKENS

from glossator.artifact.opening import load
from glossator.cli.fit_result import typed_input
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


class KilledAgain(KilledAt):
    """In the second training."""

    def training(self, event):
        pass

    def refitting(self, event):
        super().training(event)


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

    def config(self, *, data=None, runtime=None, spread=None, refit=False, **training):
        usual = {
            "epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "checkpoint_steps": 2, "seed": 1,
        }  # fmt: skip
        return FitConfig(
            task=self.told.get("task", ""),
            options=self.told.get("options", {}),
            refit=refit,
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


def a_refit_learns_all_rows_and_decides_as_before(member):
    plain, refitted = member.fit("plain"), member.fit("whole", refit=True)
    again, predictor = refitted.report.refit, refitted.predictor
    reader = predictor.reader()
    read = [reader.read(Row("t", i, row), targets=True) for i, row in enumerate(member.rows)]
    learnable = sum(not record.held_out for record in read)
    assert (again.rows, again.left_out) == (learnable, 0)
    assert (refitted.dev, refitted.test) == (plain.dev, plain.test)
    assert not same(member.weights(plain), member.weights(refitted))
    decisions = [x.predictor.task.saved()["decision"] for x in (plain, refitted)]
    for decision in decisions:
        decision.pop("kept_shapes", None)  # of what is known of the rows themselves
    assert decisions[0] == decisions[1]
    found = [x.to_json() for x in load(refitted.model).predict(member.inputs())]
    assert found == [x.to_json() for x in predictor.predict(member.inputs())]
    with pytest.raises(Killed):
        member.fit("killed", watch=KilledAgain(4), resume=True, refit=True)
    resumed = member.fit("killed", resume=True, refit=True)
    assert same(member.weights(refitted), member.weights(resumed))
    kept = [member.scratch / name / "model.safetensors" for name in ("whole", "killed")]
    assert kept[0].read_bytes() == kept[1].read_bytes()


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
    parts = [[e for unit in part for e in unit] for part in (together[:20], together[20:]) if part]
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
    # Where it leaves a head behind, what is left is a task of its own.
    assert found.task.name == member.told.get("elsewhere", task.name)
    # How windows are cut, which such a folder does not say.
    found.task.max_length, found.task.options = task.max_length, task.options
    inputs = member.inputs()
    records = result.predictor.records(inputs)
    ours = result.predictor.answer_records(records).raw
    again = found.answer_records(records).raw
    if member.told.get("joins_windows_otherwise"):
        short = [len(row) == 1 for row in task.encode(records)]
        ours, again = ([x for x, one in zip(y, short, strict=True) if one] for y in (ours, again))
    for one, other in zip(ours, again, strict=True):
        one = getattr(one, "tags", one)  # of one with several heads, those that they read
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


def the_row_it_shows_is_one_that_it_reads(member):
    predictor = member.fit(epochs=1).predictor
    words, inputs = predictor.task.words(), predictor.reader().inputs
    for shown in (words.command_input, typed_input(words, inputs)):
        row = json.loads(shown) if words.command_format == "jsonl" else shown
        assert predictor.predict([row])[0] is not None
    row = ast.literal_eval(words.python_input)
    assert predictor.predict([row])[0] is not None


def a_frame_with_arrays_is_answered_as_lists_are(member):
    """pandas makes arrays of the lists of a Parquet file."""
    plain, inputs = member.fit(epochs=1), member.inputs()
    member.rows = list(map(_as_array, member.rows))
    framed = member.fit(epochs=1)
    assert framed.report.rows == plain.report.rows
    assert same(member.weights(plain), member.weights(framed))
    answers = [x.to_json() for x in plain.predictor.predict(inputs)]
    assert answers == [x.to_json() for x in framed.predictor.predict(member.inputs())]


def _as_array(value):
    if isinstance(value, list):
        array = np.empty(len(value), object)
        array[:] = [_as_array(x) for x in value]
        return array
    if isinstance(value, dict):
        return {name: _as_array(x) for name, x in value.items()}
    return np.int64(value) if type(value) is int else value


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


class Content(Member):
    """Scores a model of fewer rows, and then one of all."""

    def fit(self, name=None, **given):
        data = {"dev_fraction": 0.3} if given.get("refit") else {}
        return super().fit(name, **given, data=data)


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


class Tongueless(Member):
    """Shows a row with nothing in it."""

    def fit(self, name=None, **given):
        result = super().fit(name, **given)
        task = result.predictor.task
        empty = dataclasses.replace(task.words(), command_input=" ")
        task.words = lambda: empty
        return result


class Forgetting(Member):
    """Leaves out rows that come as arrays."""

    fits = 0

    def fit(self, name=None, **given):
        Forgetting.fits += 1
        if Forgetting.fits % 2 == 0:
            self.rows = self.rows[1:]
        return super().fit(name, **given)


CONTRACTS = {
    its_rows_are_learned: Idle,
    a_killed_run_ends_in_the_same_bits: Forgetful,
    a_refit_learns_all_rows_and_decides_as_before: Content,
    one_seed_is_one_result: Unseeded,
    parts_add_up: Uneven,
    its_options_survive: Changed,
    its_folder_opens_in_transformers: Changed,
    what_transformers_saves_opens_here: Changed,
    a_row_has_its_answer_alone_and_among_others: Sociable,
    the_row_it_shows_is_one_that_it_reads: Tongueless,
    a_frame_with_arrays_is_answered_as_lists_are: Forgetting,
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
    [
        "several labels",
        "crf",
        "spans",
        "questions",
        "long choices",
        "frames",
        "relations",
        "tasks of rows of examples",
        "vectors of pairs",
        "vectors of labels",
        "ranked",
    ],
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
        "relation-extraction",
    }
    assert {config.name for config in configs() if config.shapes} == tasks - {None}
