"""Runs on raw text: what they write, how they go on, and what they refuse."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from glossator.artifact.manifest import verify
from glossator.artifact.opening import load
from glossator.config import from_mapping, read_toml
from glossator.errors import (
    CheckpointError,
    ConfigError,
    InputError,
    OutputExistsError,
    TableError,
    UnfinishedError,
)
from glossator.files import sha256_file
from glossator.finetuning.fit import fit
from glossator.models import checkpoint
from glossator.pretraining.config import ObjectiveConfig, PretrainConfig, StartConfig
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.objectives.masked_language import MaskedLanguage
from glossator.pretraining.rows import SPECIAL, MarkedExample
from glossator.pretraining.run import check_finished, run_pretrain
from glossator.pretraining.watch import Watch
from glossator.text.packing import pack
from glossator.text.tokenizer_training import TokenizerConfig, train_tokenizer
from glossator.training.config import SpreadConfig, TrainingConfig
from glossator.training.events import Evaluated, Stepped
from glossator.training.rows import as_rows


class Heard(Watch):
    def __init__(self):
        self.notes, self.lines, self.said, self.events = [], [], [], []

    def note(self, text):
        self.notes.append(text)

    def corpus(self, lines):
        self.lines = list(lines)

    def model(self, notes):
        self.said = list(notes)

    def training(self, event):
        self.events.append(event)


@pytest.fixture
def pretrain(corpus_file, tokenizer_folder, tmp_path):
    def run(paths=None, *, output="model", objective=None, start=None, corpus=None, **more):
        how = {name: more.pop(name) for name in ("watch", "resume", "overwrite") if name in more}
        new = {"tokenizer": str(tokenizer_folder), "size": "tiny"}
        training = {"max_steps": 8, "learning_rate": 3e-3, "batch_size": 8, "checkpoint_steps": 3}
        config = PretrainConfig(
            objective=ObjectiveConfig(**{"length": 48, **(objective or {})}),
            start=StartConfig(**(new if start is None else start)),
            corpus=CorpusConfig(**{"dev_fraction": 0.1, "boilerplate": 0, **(corpus or {})}),
            spread=SpreadConfig(**more.pop("spread", {})),
            training=TrainingConfig(**{**training, **more}),
        )
        paths = [str(path) for path in paths or [corpus_file]]
        return run_pretrain(paths, config, output=tmp_path / output, **how)

    return run


def test_pseudo_perplexity_is_that_of_each_token_hidden_alone(pretrain):
    result = pretrain(objective={"pseudo_perplexity": 60}, max_steps=60, batch_size=16)
    filler = load(result.model)
    task, model = filler.task, filler.model
    text = "my card has not arrived yet"
    ids = task.tokenizer.wrap(task.tokenizer.encode([text])[0])
    objective = MaskedLanguage(task.tokenizer)
    marks = np.zeros(len(ids), np.uint8)
    marks[[0, -1]] = SPECIAL
    rows = as_rows([[MarkedExample(ids, (0, len(ids) - 2), marks=marks)]])
    totals = objective.measured(model, objective.one_at_a_time(rows, 20))
    expected = 0.0
    for place in range(1, len(ids) - 1):
        hidden = torch.tensor(ids.copy()).long()
        hidden[place] = task.mask_id
        with torch.no_grad():
            logits = model(pack([hidden.tolist()]), torch.tensor([place]))
        expected -= logits.log_softmax(-1)[0, int(ids[place])].item()
    assert totals.loss == pytest.approx(expected, rel=1e-5)
    assert totals.tokens == len(ids) - 2
    found = result.dev
    assert 1 < found["pseudo_perplexity"] < 0.7 * found["baseline"]["pseudo_perplexity"]
    assert "pseudo_perplexity" in (result.model / "README.md").read_text()
    with pytest.raises(ConfigError, match="not for clm"):
        ObjectiveConfig(objective="clm", pseudo_perplexity=5)


def test_what_a_run_writes(pretrain, tmp_path, corpus_file):
    heard = Heard()
    result = pretrain(watch=heard)
    verify(result.model)
    assert "documents read" in heard.lines[0]
    assert "random weights" in heard.said[0]
    found = result.to_json()
    assert found["rows"] == {
        "read": 300,
        "used": 300,
        "rejected": 0,
        "train": found["rows"]["train"],
        "dev": 300 - found["rows"]["train"],
        "test": 0,
    }
    scores = {"loss", "masked_perplexity", "masked_accuracy"}
    assert set(found["dev"]) == scores | {"baseline"}
    assert set(found["dev"]["baseline"]) == scores
    assert found["train"]["steps"] == 8
    evaluated = [event for event in heard.events if isinstance(event, Evaluated)]
    assert [x["loss"] for x in found["curve"]] == [x.scores["loss"] for x in evaluated]
    last, stepped = found["curve"][-1], [x for x in heard.events if isinstance(x, Stepped)][-1]
    assert (last["step"], last["tokens"]) == (8, stepped.tokens)
    assert last["seconds"] == pytest.approx(stepped.seconds, abs=1e-3)
    settings = json.loads((result.model / "glossator.json").read_text())
    assert (settings["task"], settings["opens_as"]) == ("fill-mask", "AutoModelForMaskedLM")
    sentence = "the refund was paid too late"
    assert sentence in corpus_file.read_text()
    for file in result.model.iterdir():
        assert sentence.encode() not in file.read_bytes(), "a model folder holds no text"
    assert (result.run.stat().st_mode & 0o777) == 0o700


def test_what_is_listed_for_gaps_takes_room(pretrain):
    predictor = load(pretrain().model)
    texts = ["the [MASK] was in the [MASK]", "[MASK]"]

    def costs(top_k):
        task = predictor.task.asked(top_k=top_k)
        rows = task.encode(predictor.records(texts))
        return [task.cost(example) - len(example.tokens) for row in rows for example in row]

    assert costs(5) == [10, 5]
    size = len(predictor.task.tokenizer.vocabulary)
    assert costs(1_000_000) == [2 * size, size]


def test_the_folder_is_fine_tuned(pretrain, tmp_path):
    result = pretrain()
    rows = [
        {"text": f"{word} card {i}", "label": word} for i in range(20) for word in ("my", "the")
    ]
    model = fit(rows, model=str(result.model), epochs=1)
    assert set(model.classes_) == {"my", "the"}


def test_it_goes_on_from_a_model_with_its_weights(pretrain, tiny_model_folder):
    heard = Heard()
    result = pretrain(
        start={"model": str(tiny_model_folder)}, learning_rate=1e-9, max_steps=1, watch=heard
    )
    assert any("new masked-language head" in note for note in heard.said)
    before = checkpoint.load_encoder(tiny_model_folder)
    after = checkpoint.load_masked(result.model).encoder
    for a, b in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_a_changed_corpus_and_changed_options_are_refused(pretrain, corpus_file, tmp_path):
    class Stop(Watch):
        def training(self, event):
            if isinstance(event, Stepped) and event.step == 5:
                raise RuntimeError("killed")

    copy = tmp_path / "copy.txt"
    copy.write_bytes(corpus_file.read_bytes())
    with pytest.raises(RuntimeError):
        pretrain([copy], watch=Stop())
    with pytest.raises(CheckpointError, match=r"mask-rate was 0\.15, is 0\.3"):
        pretrain([copy], resume=True, objective={"mask_rate": 0.3})
    copy.write_bytes(corpus_file.read_bytes() + b"\none more .\n")
    with pytest.raises(CheckpointError, match=r"copy\.txt was"):
        pretrain([copy], resume=True)
    copy.write_bytes(corpus_file.read_bytes())
    assert pretrain([copy], resume=True).finished


def test_a_finished_run_is_held_against_what_is_asked_for(pretrain, corpus_file, tmp_path):
    copy = tmp_path / "copy.txt"
    copy.write_bytes(corpus_file.read_bytes())
    done = pretrain([copy])
    config = from_mapping(PretrainConfig, read_toml(done.run / "config.toml"))
    check_finished([str(copy)], config, done.model)
    free = dataclasses.replace(config.training, time_limit="1h", checkpoint_steps=9)
    check_finished([str(copy)], dataclasses.replace(config, training=free), done.model)
    longer = dataclasses.replace(config.training, max_steps=9)
    with pytest.raises(CheckpointError, match="max-steps was 8, is 9"):
        check_finished([str(copy)], dataclasses.replace(config, training=longer), done.model)
    copy.write_bytes(corpus_file.read_bytes() + b"\none more .\n")
    with pytest.raises(CheckpointError, match=r"copy\.txt was"):
        check_finished([str(copy)], config, done.model)


def test_ctrl_c_before_the_first_step_leaves_nothing(pretrain, tmp_path):
    class Interrupt(Watch):
        def training(self, event):
            raise KeyboardInterrupt

    before = set(tmp_path.iterdir())
    with pytest.raises(UnfinishedError, match="before the first step"):
        pretrain(watch=Interrupt())
    assert set(tmp_path.iterdir()) == before


def test_ctrl_c_writes_the_weights_so_far(pretrain):
    class Interrupt(Watch):
        def training(self, event):
            if isinstance(event, Stepped) and event.step == 3:
                raise KeyboardInterrupt

    result = pretrain(watch=Interrupt())
    assert not result.finished
    details = json.loads((result.model / "glossator.json").read_text())
    assert (details["finished"], details["steps"]) == (False, {"taken": 3, "planned": 8})
    assert pretrain(resume=True).train["steps"] == 8


def test_a_second_run_into_the_same_folder_is_refused(pretrain):
    pretrain()
    with pytest.raises(OutputExistsError):
        pretrain()
    assert pretrain(overwrite=True).finished


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": {}}, "--tokenizer FOLDER begins a new model"),
        ({"start": {"model": "minilm", "tokenizer": "x"}}, "give one of the two"),
        ({"objective": {"length": 4}}, "--length must be 16 or more"),
        ({"objective": {"mask_rate": 1.5}}, "--mask-rate"),
        ({"learning_rate": "auto"}, "auto is for fit"),
        ({"spread": {"ray": "local"}}, "--ray is not for pretrain"),
    ],
)
def test_options_that_make_no_run_are_refused(pretrain, options, message):
    with pytest.raises(ConfigError, match=message):
        pretrain(**options)


def test_a_length_over_the_positions_is_refused(pretrain, tiny_model_folder, tmp_path):
    with pytest.raises(ConfigError, match=r"--length is 128, but .* reads 64 tokens at most"):
        pretrain(start={"model": str(tiny_model_folder)}, objective={"length": 128})
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_without_a_mask_is_refused(pretrain, tmp_path):
    texts = [f"the market fell again this week {i * 7919}" for i in range(500)]
    config = TokenizerConfig(kind="bpe", vocab_size=300)
    train_tokenizer(texts, config).save(tmp_path / "bpe")
    with pytest.raises(InputError, match="no mask token"):
        pretrain(start={"tokenizer": str(tmp_path / "bpe")})


def test_a_file_that_is_no_text_leaves_nothing(pretrain, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(TableError, match="the file is empty"):
        pretrain([tmp_path / "empty.txt"])
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


def test_a_vocabulary_for_other_text_is_complained_about(pretrain, tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("".join(f"кириллица {i} ∆∆∆ слово\n\n" for i in range(200)), encoding="utf-8")
    heard = Heard()
    pretrain([path], watch=heard, corpus={"duplicates": "none"}, max_steps=1)
    assert any("unknown to the vocabulary" in note for note in heard.notes)


def test_positions_of_a_new_model_hold_the_rows(pretrain):
    result = pretrain(objective={"length": 600}, max_steps=1)
    assert checkpoint.load_masked(result.model).encoder.max_length == 600


def test_the_same_config_is_written_down(pretrain):
    import tomllib

    from glossator.config import from_mapping

    result = pretrain()
    written = from_mapping(PretrainConfig, tomllib.loads((result.run / "config.toml").read_text()))
    assert written.training.learning_rate == 3e-3
    assert dataclasses.replace(written.training, learning_rate=None).evaluation_steps is not None


def test_two_processes_share_the_rows_and_are_taken_up_to_the_bit(pretrain):
    """Each reads the tokens off the disk; what is hidden hangs on which of them has a row."""

    class Stop(Watch):
        def training(self, event):
            if isinstance(event, Stepped) and event.step == 5:
                raise RuntimeError("killed")

    two = {"spread": {"processes": 2}, "objective": {"objective": "sop"}}
    heard = Heard()
    whole = pretrain(output="whole", watch=heard, **two)
    last = [event for event in heard.events if isinstance(event, Stepped)][-1]
    assert (last.step, last.rows) == (8, 8 * 8), "each row of a step once"
    with pytest.raises(RuntimeError):
        pretrain(output="killed", watch=Stop(), **two)
    with pytest.raises(CheckpointError, match="processes was 2, is 1"):
        pretrain(output="killed", resume=True, objective=two["objective"])
    again = pretrain(output="killed", resume=True, **two)
    weights = [sha256_file(result.model / "model.safetensors") for result in (whole, again)]
    assert weights[0] == weights[1]
