"""One way to an answer: from memory, from the folder, through transformers."""

from __future__ import annotations

import json
import os
import shutil
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import glossator
from glossator.artifact.opening import load
from glossator.errors import InputError, ModelFolderError, TextError
from glossator.models.config import RuntimeConfig
from glossator.tasks.kinds.text_classification.config import Decision
from glossator.text.columns import is_blank

TEXTS = [
    "where is my new card ? it has not arrived",
    "\ufffd",  # shows something, and is no token
    "a bad , slow and boring film",
    "the market fell today",
    "\u5361\u7247 \U0001f600 e\u0301",
    "card " * 25,
    "card " * 200,
]


def test_the_loaded_model_answers_as_the_one_in_memory(predictor, saved):
    loaded = glossator.load(saved, runtime=RuntimeConfig(device="cpu"))
    a, b = predictor.answers(TEXTS), loaded.answers(TEXTS)
    assert np.array_equal(a.raw, b.raw)
    assert np.array_equal(a.probabilities, b.probabilities)
    assert list(a) == list(b)
    assert len({x.label for x in a}) > 1, "all answers are the same: nothing is tested"
    assert loaded.details == predictor.details


def test_transformers_opens_the_folder_with_the_same_logits(predictor, saved):
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(saved).eval()
    texts = [text for text in TEXTS if len(text.split()) <= 25]
    with torch.no_grad():
        theirs = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.numpy()
    answers = predictor.answers(texts)
    np.testing.assert_allclose(answers.raw, theirs, atol=1e-5)
    assert model.config.id2label == dict(enumerate(predictor.task.labels))
    names = [model.config.id2label[i] for i in theirs.argmax(1).tolist()]
    assert names == [x.label for x in answers]
    random = model.classifier.weight.data.normal_()
    assert random is not None
    with torch.no_grad():
        other = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.numpy()
    assert np.abs(np.stack(answers.raw) - other).max() > 1e-3, "the comparison sees nothing"


@pytest.fixture
def theirs(tiny_model_folder, tmp_path):
    """A classifier that transformers made and saved, and its tokenizer."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    config = transformers.AutoConfig.from_pretrained(
        tiny_model_folder, id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1}
    )
    model = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    with torch.no_grad():
        model.classifier.weight.mul_(50)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_model_folder)
    model.save_pretrained(tmp_path / "theirs")
    tokenizer.save_pretrained(tmp_path / "theirs")
    return tmp_path / "theirs", model, tokenizer


def test_a_folder_of_transformers_opens_here_and_answers_the_same(theirs, tmp_path):
    folder, model, tokenizer = theirs
    ours = load(folder)
    texts = TEXTS[:5]
    with torch.no_grad():
        logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    answers = ours.answers(texts)
    np.testing.assert_allclose(answers.raw, logits.numpy(), atol=1e-5)
    np.testing.assert_allclose(answers.probabilities, logits.softmax(-1).numpy(), atol=1e-5)
    assert ours.classes_.tolist() == ["no", "yes"]
    ours.save(tmp_path / "ours")
    assert np.array_equal(load(tmp_path / "ours").answers(texts).raw, answers.raw)


def as_problem(folder, problem):
    config = json.loads((folder / "config.json").read_text())
    config["problem_type"] = problem
    (folder / "config.json").write_text(json.dumps(config))


def test_a_classifier_of_several_labels_opens_as_one(theirs):
    folder, model, tokenizer = theirs
    as_problem(folder, "multi_label_classification")
    texts = TEXTS[:5]
    with torch.no_grad():
        logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    answers = load(folder).answers(texts)
    np.testing.assert_allclose(answers.raw, logits.numpy(), atol=1e-5)
    chances = logits.sigmoid().numpy()
    for answer, row in zip(answers, chances, strict=True):
        found = {x.label for x in answer.labels}
        assert found == {name for name, p in zip(["no", "yes"], row, strict=True) if p > 0.5}


def test_a_problem_that_no_task_answers_is_refused(theirs):
    folder, _, _ = theirs
    as_problem(folder, "regression")
    with pytest.raises(ModelFolderError, match=r"theirs \(BertFor.*\) answers nothing yet"):
        load(folder)


def test_a_model_without_a_trained_head_is_refused(tiny_model_folder):
    said = r"tiny-bert \(BertModel\) answers nothing yet; `glossator fit TABLE --model "
    with pytest.raises(ModelFolderError, match=said):
        load(tiny_model_folder)


# Texts, one and many


SHOWN = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(
    lambda text: not is_blank(text)
)


@given(st.lists(SHOWN, max_size=6))
@settings(max_examples=25, deadline=None)
def test_any_text_is_answered_the_same_alone_and_in_a_batch(fuzzed, texts):
    together = fuzzed.answers(texts)
    assert len(together) == len(texts)
    for number, text in enumerate(texts):
        alone = fuzzed.answers([text])
        np.testing.assert_allclose(together.raw[number], alone.raw[0], atol=1e-5)
        assert together[number].label == alone[0].label


@pytest.fixture(scope="module")
def fuzzed(tiny_model_folder, tmp_path_factory):
    """A model for a test that hypothesis runs many times."""
    from glossator.models import checkpoint
    from glossator.text.tokenizer import Tokenizer

    folder = tmp_path_factory.mktemp("fuzzed")
    model = checkpoint.load_classifier(tiny_model_folder, ["a", "b"], seed=1)
    with torch.no_grad():
        model.head.output.weight.mul_(100)
    checkpoint.save(model, folder)
    Tokenizer.load(tiny_model_folder).save(folder)
    return load(folder)


@pytest.mark.parametrize("text", ["x" * 10**6, "card " * 2 * 10**4, "\u202e\u0301" * 10**5])
def test_a_very_long_text_is_read_to_its_end(predictor, text):
    (answer,) = predictor.predict([text])
    assert answer.n_tokens == len(predictor.task.tokenizer.encode([text])[0])
    assert (answer.windows > 1) == (answer.n_tokens > 30)


def test_no_text_and_a_text_without_tokens(predictor):
    assert predictor.predict([]) == []
    assert predictor.predict_proba([]).shape == (0, 3)
    (answer,) = predictor.predict(["\ufffd"])
    assert (answer.n_tokens, answer.windows) == (0, 1)


def test_nobody_ends_a_text_by_typing_so(predictor):
    tokenizer = predictor.task.tokenizer
    answers = predictor.answers(["card [SEP] film [PAD][MASK]", "card film"])
    (typed,), (plain,) = (row.examples for row in answers.rows)
    special = set(tokenizer.special_ids.tolist()) - {tokenizer.unknown_id}
    assert special.isdisjoint(typed.tokens[1:-1].tolist())
    assert typed.tokens[[0, -1]].tolist() == plain.tokens[[0, -1]].tolist()
    assert answers[0].n_tokens == len(typed.tokens) - tokenizer.specials


def test_a_text_is_what_its_columns_hold_together(predictor):
    assert predictor.details.columns["text"] == ("title", "body")
    (expected,) = predictor.predict(["where is\nmy card"])
    for value in ({"title": "where is", "body": "my card"}, {"text": "where is\nmy card"}):
        assert predictor.predict([value]) == [expected]
    with pytest.raises(TextError, match="text 0: the row has no column 'body'"):
        predictor.predict([{"title": "where is"}])
    with pytest.raises(TextError, match="text 0 is 3"):
        predictor.predict([3])


def test_what_is_no_list_of_texts_is_refused(predictor):
    with pytest.raises(InputError, match="put it in a list"):
        predictor.predict("where is my card")
    with pytest.raises(TextError, match="text 1 is nan"):
        predictor.predict(["card", float("nan")])
    with pytest.raises(TextError, match="text 0 holds a lone surrogate"):
        predictor.predict(["\ud800"])


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_texts_come_in_any_sequence(predictor, kind):
    assert predictor.predict(kind(TEXTS[:3])) == predictor.predict(TEXTS[:3])


def test_answers_are_a_sequence(predictor):
    answers = predictor.answers(TEXTS)
    assert list(answers[2:5]) == list(answers)[2:5]
    assert answers[-1] == list(answers)[-1]
    assert np.array_equal(answers[::2].raw, answers.raw[::2])
    with pytest.raises(IndexError):
        answers[len(TEXTS)]


@pytest.mark.parametrize("top_k", [1, 2, 3, 99])
def test_as_many_labels_as_asked_for_the_most_probable_first(predictor, top_k):
    for answer in predictor.predict(TEXTS, top_k=top_k):
        assert len(answer.labels) == min(top_k, 3)
        scores = [x.score for x in answer.labels]
        assert scores == sorted(scores, reverse=True)
        assert answer.labels[0].label == answer.label


# The habits of scikit-learn


def test_probabilities_have_a_column_a_class_and_add_up_to_one(predictor):
    chances = predictor.predict_proba(TEXTS)
    assert predictor.classes_.tolist() == ["card", "film", "market"]
    assert chances.shape == (len(TEXTS), 3)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-12)
    answered = [answer.label for answer in predictor.predict(TEXTS)]
    assert predictor.classes_[chances.argmax(1)].tolist() == answered


def test_score_is_the_share_of_right_answers(predictor):
    labels = [answer.label for answer in predictor.predict(TEXTS)]
    assert predictor.score(TEXTS, labels) == 1.0
    wrong = {"card": "film", "film": "market", "market": "unheard of"}
    labels[0], labels[1] = wrong[labels[0]], wrong[labels[1]]
    assert predictor.score(np.array(TEXTS), np.array(labels)) == pytest.approx(5 / 7)


def test_score_refuses_what_it_could_only_count_as_wrong(predictor):
    with pytest.raises(InputError, match="label 1 is of type int; expected a string"):
        predictor.score(["a", "b"], [1, 0])
    with pytest.raises(InputError, match="as many labels as texts, got 1 and 2"):
        predictor.score(["a", "b"], ["card"])
    with pytest.raises(InputError):
        predictor.score([], [])


# Decisions


def test_temperature_and_threshold_reach_every_answer_and_the_folder(predictor_of, tmp_path):
    model = predictor_of(["no", "yes"], decision=Decision())
    plain = model.predict_proba(TEXTS)
    threshold = float(np.median(plain[:, 1]))
    model.use(model.task.deciding(Decision(temperature=3.0)))
    np.testing.assert_allclose(
        np.log(model.predict_proba(TEXTS)[:, 1] / model.predict_proba(TEXTS)[:, 0]) * 3,
        np.log(plain[:, 1] / plain[:, 0]),
        rtol=1e-6,
    )
    model.use(model.task.deciding(Decision(threshold=threshold)))
    model.save(tmp_path / "model")
    settings = json.loads((tmp_path / "model" / "glossator.json").read_text())
    assert settings["decision"] == {"temperature": 1.0, "threshold": threshold, "least": None}
    for each in (model, load(tmp_path / "model")):
        answered = [answer.label for answer in each.predict(TEXTS)]
        assert answered == ["yes" if p > threshold else "no" for p in plain[:, 1]]
    assert {"yes", "no"} == set(answered)


def test_an_unfinished_model_says_so(predictor_of, tmp_path):
    predictor_of(finished=False).save(tmp_path / "model")
    model = load(tmp_path / "model")
    assert not model.details.finished
    assert model.notes == ("model is from a run that was interrupted",)


# Surroundings


def test_answering_leaves_threads_and_random_numbers_alone(predictor):
    predictor.runtime = RuntimeConfig(threads=1)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    first = predictor.answers(TEXTS).raw
    assert np.array_equal(predictor.answers(TEXTS).raw, first)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert predictor.model.encoder.compute_dtype == torch.float32


def test_in_bfloat16_the_answers_are_near(saved):
    exact = load(saved).predict_proba(TEXTS)
    rough = load(saved, runtime=RuntimeConfig(precision="bfloat16")).predict_proba(TEXTS)
    assert 0 < np.abs(exact - rough).max() < 0.1


def test_a_changed_file_does_not_reach_a_loaded_model(saved, tmp_path):
    """Weights stay mapped from their file; a new file takes its place, and is not written into."""
    copy = shutil.copytree(saved, tmp_path / "copy")
    model = load(copy)
    expected = model.answers(TEXTS).raw
    os.replace(saved / "config.json", copy / "model.safetensors")
    assert np.array_equal(model.answers(TEXTS).raw, expected)


def test_memory_of_a_chunk_goes_with_it(predictor):
    """What is answered is forgotten: twice as many chunks take no more memory."""

    def peak(chunks):
        tracemalloc.start()
        for _ in range(chunks):
            predictor.answers(["card film"] * 500)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    few, many = peak(2), peak(8)
    assert many < 1.2 * few
