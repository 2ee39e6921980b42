"""Labels that nothing was trained for: by vectors, by entailment, calibrated on a few rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import glossator
from glossator.artifact.opening import load, opened_asks
from glossator.artifact.scoring import evaluate
from glossator.errors import ConfigError, ModelFolderError, TableError, TextError
from glossator.models import checkpoint
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.kinds.zero_shot_classification.by_entailment import entailment_place
from glossator.tasks.kinds.zero_shot_classification.examples import examples_in, examples_of
from glossator.tasks.kinds.zero_shot_classification.labels import Label, labels_in, labels_of
from glossator.text.records import Record
from glossator.text.rows import Row
from glossator.text.tokenizer import Tokenizer

NAME = "zero-shot-classification"
LABELS = {"card": "i lost the card", "film": "great film", "market": "the market fell today"}
TEXTS = ["i lost the card", "the market fell today", "great film", "where is my new card ?"]
EXAMPLES = [
    ("i lost the card and want to block it", "card"),
    ("great film , good story", "film"),
    ("the market fell after shares lost ten per cent", "market"),
    ("where is my new card", "card"),
    ("a bad and boring film", "film"),
]
PAIRS = ("contradiction", "entailment", "neutral")


@pytest.fixture(scope="module")
def encoder(tiny_model_folder):
    return load(tiny_model_folder, task=NAME)


@pytest.fixture(scope="module")
def entailment_folder(tiny_model_folder, tmp_path_factory):
    """A classifier of pairs whose logits differ from pair to pair."""
    folder = tmp_path_factory.mktemp("pairs") / "pairs"
    model = checkpoint.load_classifier(tiny_model_folder, PAIRS)
    with torch.no_grad():
        model.head.output.weight.mul_(100)
    checkpoint.save(model, folder)
    Tokenizer.load(tiny_model_folder).save(folder)
    return folder


@pytest.fixture(scope="module")
def judge(entailment_folder):
    return load(entailment_folder, task=NAME)


def names(predictions):
    return [one.label for one in predictions]


# Labels


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a,b", [("a", ""), ("b", "")]),
        (
            " lost card = the card is gone , late ",
            [("lost card", "the card is gone"), ("late", "")],
        ),
        ("体育，财经=钱", [("体育", ""), ("财经", "钱")]),
        ("a=b=c,d", [("a", "b=c"), ("d", "")]),
        (["a, b", "c"], [("a, b", ""), ("c", "")]),
        ({"a": "one", "b": None}, [("a", "one"), ("b", "")]),
    ],
)
def test_labels_are_typed_or_given(given, expected):
    assert [(x.name, x.description) for x in labels_of(given)] == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a,a", "label 'a' stands 2 times in --labels"),
        ("a,,b", "label 2 of --labels is empty"),
        ("", "label 1 of --labels is empty"),
        ("a=,b", "label 'a' has nothing after its ="),
        ([], "--labels has no label"),
        (3, r"labels is 3 \(int\); expected names"),
        (["a", 3], "expected names with commas between"),
        ({"a": 3}, "--labels has 'a': 3; expected the name of a label"),
        ([str(n) for n in range(1001)], "1,001 labels; expected at most 1,000"),
    ],
)
def test_labels_that_are_none_are_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        labels_of(given)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("labels.toml", '"a, b" = "one"\nc = ""\n'),
        ("labels.toml", '[labels]\n"a, b" = "one"\nc = ""\n'),
        ("labels.csv", 'label,description\n"a, b",one\nc,\n'),
        ("labels.jsonl", '{"label": "a, b", "description": "one"}\n{"label": "c"}\n'),
    ],
)
def test_labels_with_commas_stand_in_a_file(tmp_path, file, text):
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    expected = (Label("a, b", "one"), Label("c"))
    assert labels_in(str(path)) == labels_in(path) == expected


def test_a_list_of_names_stands_in_a_file(tmp_path):
    (tmp_path / "labels.toml").write_text('labels = ["a, b", "c"]')
    (tmp_path / "labels.txt").write_text("a, b\nc\n")
    assert labels_in(tmp_path / "labels.toml").names == ("a, b", "c")
    assert labels_in(tmp_path / "labels.txt").names == ("a, b", "c")


def test_a_file_of_labels_that_is_none_is_refused(tmp_path):
    (tmp_path / "twice.csv").write_text("label\na\na\n")
    (tmp_path / "other.csv").write_text("name\na\nb\n")
    with pytest.raises(ConfigError, match=r"label 'a' stands 2 times in .*twice\.csv"):
        labels_in(tmp_path / "twice.csv")
    with pytest.raises(TableError, match=r"column 'label' is not in .*it has: name"):
        labels_in(tmp_path / "other.csv")
    with pytest.raises(ConfigError, match="no such file"):
        labels_in(str(tmp_path / "none.toml"))


# Examples


def test_examples_are_pairs_mappings_or_a_table(tmp_path):
    (tmp_path / "few.csv").write_text("message,intent\na b,x\nc,y\n")
    expected = (("a b", "x"), ("c", "y"))
    assert examples_of([("a b", "x"), ("c", "y")]).rows == expected
    assert examples_of([{"text": t, "label": x} for t, x in expected]).rows == expected
    columns = {"text": ("message",), "label": ("intent",)}
    assert examples_in(str(tmp_path / "few.csv"), columns).rows == expected


def test_several_labels_stand_in_a_list_or_a_cell(tmp_path):
    (tmp_path / "few.csv").write_text("text,labels\na,x|y\n")
    assert examples_in(tmp_path / "few.csv", {}, "|").rows == (("a", ("x", "y")),)
    assert examples_of([("a", ["x", "y"])]).rows == (("a", ("x", "y")),)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ([], ConfigError, "examples has no row"),
        ("few.csv", ConfigError, "expected a list of pairs .* pathlib.Path of a table"),
        ([("a",)], ConfigError, r"example 1 is \('a',\); expected a text and its label"),
        ([(" ", "x")], TableError, "the text is empty"),
        ([("a", "")], TableError, "the label is empty"),
    ],
)
def test_examples_that_are_none_are_refused(given, error, said):
    with pytest.raises(error, match=said):
        examples_of(given)


def test_a_label_that_is_not_asked_for_is_named(encoder):
    rows = [*EXAMPLES, ("a", "flim"), ("b", "flim")]
    said = (
        r"examples has labels that are not among --labels: 'flim' \(2 rows\); did you mean 'film'"
    )
    with pytest.raises(ConfigError, match=said):
        encoder.predict(TEXTS, labels=LABELS, examples=rows)


# By vectors


def test_a_text_that_is_a_description_gets_its_label(encoder):
    found = encoder.predict(TEXTS, labels=LABELS)
    assert names(found)[:3] == ["card", "market", "film"]
    assert set(found[0].to_json()) == {"label", "score", "labels", "n_tokens", "windows"}
    assert sum(x.score for x in found[3].labels) == pytest.approx(1)
    assert len(encoder.predict(TEXTS, labels=LABELS, top_k=1)[0].labels) == 1


def test_scores_are_cosines_over_the_temperature(tiny_model_folder, encoder):
    vectors = load(tiny_model_folder, task="feature-extraction")
    texts, labels = vectors.embed(TEXTS), vectors.embed(list(LABELS.values()))
    raw = encoder.answers(TEXTS, labels=LABELS).raw
    np.testing.assert_allclose(np.stack(raw), texts @ labels.T / 0.05, atol=1e-4)


def test_a_bare_name_stands_for_itself_and_a_template_holds_it(encoder):
    plain = encoder.answers(TEXTS, labels=["card", "film"]).raw
    bare = encoder.answers(TEXTS, labels="card,film", template="{}").raw
    other = encoder.answers(TEXTS, labels="card,film", template="this is about {}").raw
    described = {"card": "this is about card", "film": "this is about film"}
    np.testing.assert_array_equal(plain, bare)
    np.testing.assert_array_equal(other, encoder.answers(TEXTS, labels=described).raw)
    assert not np.allclose(plain, other)


def test_a_prefix_stands_before_texts_and_labels(encoder):
    found = encoder.answers(["card"], labels="card,film", prefix="where is ").raw
    said = {"card": "where is card", "film": "where is film"}
    np.testing.assert_allclose(
        found, encoder.answers(["where is card"], labels=said).raw, atol=1e-5
    )


def test_a_long_text_is_read_whole(encoder):
    long = " ".join(["the market fell today after shares of the company lost"] * 20)
    ends = encoder.answers([long, f"{long} great film"], labels=LABELS)
    assert ends[0].windows > 1
    assert not np.array_equal(*ends.raw)


def test_a_text_has_its_answer_alone_and_among_others(encoder):
    together = encoder.answers(TEXTS, labels=LABELS).raw
    alone = [encoder.answers([text], labels=LABELS).raw[0] for text in TEXTS]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_labels_are_embedded_once(encoder, monkeypatch):
    asked = []
    right = type(encoder)._asking

    def counted(self, task, records, **given):
        asked.append(len(records))
        return right(self, task, records, **given)

    monkeypatch.setattr(type(encoder), "_asking", counted)
    labels = {"one": "a card that nobody asked for yet", "two": "a film"}
    for _ in range(3):
        encoder.predict(TEXTS, labels=labels)
    assert asked == [2]


def test_what_was_given_up_is_not_taken_for_done(encoder):
    asks = {"labels": {"one": "a card that is given up", "two": "a film"}}

    def step():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoder.ready(None, asks, step=step)
    assert encoder.asked(None, asks).unread > 0
    task = encoder.ready(None, asks)
    assert task.directions.shape[0] == 2
    assert encoder.asked(None, asks).unread == 0


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        ({}, "zero-shot-classification asks for --labels"),
        ({"labels": "a"}, "--labels has one label, 'a', which every text would get"),
        ({"labels": "a,b", "template": "no place"}, "expected a sentence with {} once"),
        ({"labels": "a,b", "multi_label": True}, "--multi-label by vectors asks for --examples"),
        ({"labels": "a,b", "label_separator": ""}, "--label-separator is empty"),
        ({"labels": "a,b", "entities": 1}, "--entities is no option of zero-shot-classification"),
        ({"labels": "/etc/hosts.csv,b", "examples": "/etc/hosts.csv"}, "expected a list of pairs"),
    ],
)
def test_what_cannot_be_asked_is_refused(encoder, asks, said):
    with pytest.raises(ConfigError, match=said):
        encoder.predict(TEXTS, **asks)


def test_a_text_that_is_none_is_refused_and_a_blank_one_has_no_answer(encoder):
    with pytest.raises(TextError):
        encoder.predict([3], labels=LABELS)
    assert encoder.predict([" ", "a card"], labels=LABELS)[0] is None


# By entailment


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        (PAIRS, 1),
        (("Not_Entailment", "ENTAILMENT"), 1),
        (("蕴含", "矛盾", "中立"), 0),
        (("not_entailment", "other"), None),
    ],
)
def test_the_label_that_means_entailment_is_known_by_its_name(labels, place):
    assert entailment_place(labels) == place


@pytest.mark.parametrize("multi_label", [False, True])
def test_scores_are_the_log_odds_of_the_pairs(entailment_folder, judge, multi_label):
    pairs = OneLabel(judge.task.tokenizer, PAIRS, max_length=64, pair=True)
    model = checkpoint.load_classifier(entailment_folder)
    odds = []
    for text in TEXTS:
        row = Row("t", 1, {})
        asked = [(text, f"This text is about {label}.") for label in LABELS.values()]
        records = [Record(row, pair, None, pair) for pair in asked]
        batch = pairs.collate([x[0] for x in pairs.encode(records)], 0)
        chances = torch.as_tensor(pairs.answer(model, batch)).softmax(-1)[:, 1]
        odds.append(chances.logit().numpy())
    expected = torch.as_tensor(np.stack(odds))
    found = judge.answers(TEXTS, labels=LABELS, multi_label=multi_label)
    right = expected.sigmoid() if multi_label else expected.softmax(-1)
    np.testing.assert_allclose(found.probabilities, right, atol=1e-4)


def test_any_number_of_labels_by_entailment(judge):
    found = judge.predict(TEXTS, labels=LABELS, multi_label=True)
    chances = judge.answers(TEXTS, labels=LABELS, multi_label=True).probabilities
    assert [len(one.labels) for one in found] == (chances > 0.5).sum(axis=1).tolist()
    assert judge.predict(TEXTS, labels="card", multi_label=True)


def test_a_long_text_is_asked_in_windows_with_the_whole_sentence(judge):
    long = " ".join(["the market fell today after shares of the company lost"] * 20)
    task = judge.asked(None, {"labels": LABELS})
    item = task.reader({"text": ("text",), "label": ("label",)}).read(
        Row("t", 1, {"text": long}), targets=False
    )
    (row,) = task.encode([item])
    assert row.windows > 1
    assert len(row) == 3 * row.windows
    assert sum(example.weight for example in row) == pytest.approx(1)
    assert row.n_tokens == len(task.tokenizer.encode([long])[0])


def test_a_sentence_is_chinese_where_the_labels_are(judge):
    chinese = judge.answers(["a card"], labels="体育,财经").raw
    template = "这段文字是关于{}的。"
    np.testing.assert_array_equal(
        chinese, judge.answers(["a card"], labels="体育,财经", template=template).raw
    )


# Calibrated


@pytest.mark.parametrize("which", ["encoder", "judge"])
def test_a_few_rows_calibrate(request, which):
    model = request.getfixturevalue(which)
    plain = model.answers(TEXTS, labels=LABELS)
    task = model.ready(None, {"labels": LABELS, "examples": EXAMPLES})
    decision = task.decision
    assert decision.calibrated_on == 5
    assert sum(decision.biases) == pytest.approx(0, abs=1e-2)
    found = model.answers(TEXTS, labels=LABELS, examples=EXAMPLES).raw
    expected = np.stack(plain.raw) / decision.temperature + np.array(decision.biases)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    (note,) = task.notes
    assert "calibrated on 5 labelled rows" in note


def test_a_label_without_an_example_is_named_and_keeps_its_chance(encoder):
    task = encoder.ready(None, {"labels": LABELS, "examples": EXAMPLES[:2]})
    assert "no row has 'market'" in task.notes[0]
    assert task.decision.biases[2] == 0


def test_several_labels_by_vectors_ask_for_examples(encoder):
    rows = [(text, [label]) for text, label in EXAMPLES] + [("please send", [])]
    found = encoder.predict(TEXTS, labels=LABELS, examples=rows, multi_label=True)
    assert all(hasattr(one, "labels") and not hasattr(one, "label") for one in found)
    with pytest.raises(ConfigError, match="row 1 of examples has a list of labels"):
        encoder.predict(TEXTS, labels=LABELS, examples=rows)


# Scores


def test_rows_with_labels_are_scored_as_classification_is(encoder):
    rows = [{"text": text, "label": label} for text, label in EXAMPLES]
    reader = encoder.reader(asks={"labels": LABELS})
    items = [reader.read(Row("t", n, row), targets=True) for n, row in enumerate(rows)]
    table = evaluate(encoder, items, labels=LABELS)
    found = encoder.predict([text for text, _ in EXAMPLES], labels=LABELS)
    right = [x == label for x, (_, label) in zip(names(found), EXAMPLES, strict=True)]
    assert table.metrics["accuracy"] == np.mean(right)
    assert {"macro_f1", "log_loss", "ece"} <= set(table.metrics)
    assert table.scores.sections("scored")


def test_a_label_that_was_not_asked_for_counts_as_wrong(encoder):
    reader = encoder.reader(asks={"labels": LABELS})
    items = [reader.read(Row("t", 1, {"text": "a", "label": "bank"}), targets=True)]
    table = evaluate(encoder, items, labels=LABELS)
    assert table.metrics["accuracy"] == 0
    assert any("bank" in finding.message for finding in table.scores.remarks())


# Folders


def test_labels_can_be_kept(tiny_model_folder, tmp_path):
    model = glossator.load(tiny_model_folder, task=NAME, labels=LABELS, examples=EXAMPLES)
    assert model.classes_.tolist() == list(LABELS)
    expected = model.predict_proba(TEXTS)
    assert model.score(*zip(*EXAMPLES, strict=True)) > 0
    model.save(tmp_path / "kept")
    again = load(tmp_path / "kept")
    assert again.task.name == NAME
    np.testing.assert_allclose(again.predict_proba(TEXTS), expected, atol=1e-6)
    assert "calibrated on 5 labelled rows" in again.task.words().decided[0]
    # Others are asked for as ever, and nothing is left of the calibration.
    assert set(names(again.predict(TEXTS, labels="a,b"))) <= {"a", "b"}
    assert again.asked(None, {"labels": "a,b"}).decision.calibrated_on == 0
    np.testing.assert_allclose(
        again.answers(TEXTS, labels=LABELS).probabilities, expected, atol=1e-6
    )


def test_a_head_that_judges_pairs_is_kept_too(entailment_folder, tmp_path):
    model = load(entailment_folder, task=NAME, labels=LABELS, multi_label=True)
    model.save(tmp_path / "kept")
    again = load(tmp_path / "kept")
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)


def test_a_folder_that_keeps_labels_says_what_it_is(tiny_model_folder, tmp_path):
    labels = {"card": "a lost | card", "film": ""}
    model = glossator.load(tiny_model_folder, task=NAME, labels=labels, template="it is {}")
    model.save(tmp_path / "kept")
    card = (tmp_path / "kept" / "README.md").read_text(encoding="utf-8")
    front, _, text = card.removeprefix("---\n").partition("---\n")
    assert '- "zero-shot-classification"' in front
    assert "labels:" in front
    assert "model-index" not in front
    assert text.lstrip().startswith("# kept\n")
    for said in (
        "which of 2 labels fits best, untrained",
        "the cosine of the text's vector",
        "from tiny-bert; nothing was trained",
        "| card | a lost \\| card |",
        "| film | – |",
        "probabilities are not calibrated",
        "it is {}",
        "It reads 64 tokens at once",
        "glossator predict kept",
    ):
        assert said in text, said
    assert "## Scores" not in text
    assert "Fine-tuned" not in text
    assert load(tmp_path / "kept").details.card == card


def test_the_card_says_what_calibrated_it_and_follows_other_labels(entailment_folder, tmp_path):
    model = load(entailment_folder, task=NAME, labels=LABELS, examples=EXAMPLES)
    model.save(tmp_path / "kept")
    card = (tmp_path / "kept" / "README.md").read_text(encoding="utf-8")
    assert "whether the text entails a sentence with the label in it" in card
    assert "calibrated on 5 labelled rows" in card
    load(tmp_path / "kept", labels={"a": "one", "b": "two"}).save(tmp_path / "other")
    other = (tmp_path / "other" / "README.md").read_text(encoding="utf-8")
    assert "| a | one |" in other
    assert "great film" not in other
    assert "calibrated on" not in other


def test_a_folder_without_labels_is_not_written(tiny_model_folder, tmp_path):
    with pytest.raises(ConfigError, match="holds its labels"):
        load(tiny_model_folder, task=NAME).save(tmp_path / "kept")
    assert not list(tmp_path.iterdir())


def test_a_head_for_something_else_is_refused(tiny_model_folder, tmp_path):
    model = checkpoint.load_classifier(tiny_model_folder, ("a", "b"))
    checkpoint.save(model, tmp_path / "classes")
    Tokenizer.load(tiny_model_folder).save(tmp_path / "classes")
    with pytest.raises(
        ModelFolderError, match="classes answers text-classification, none of whose"
    ):
        load(tmp_path / "classes", task=NAME)


def test_a_kind_that_opens_its_own_folders_says_so(tiny_model_folder):
    said = (
        "tiny-bert has no task, and fill-mask opens its own folders alone; .*: feature-extraction"
    )
    with pytest.raises(ConfigError, match=said):
        load(tiny_model_folder, task="fill-mask")
    with pytest.raises(ConfigError, match="did you mean 'zero-shot-classification'"):
        load(tiny_model_folder, task="zero-shot-clasification")


def test_it_says_by_what_it_answers(encoder, judge):
    assert "cosine" in encoder.notes[-1]
    assert "entails" in judge.notes[-1]


def test_files_are_read_where_the_user_names_them(tmp_path):
    (tmp_path / "labels.toml").write_text(json.dumps("card") + ' = "a card"\nfilm = ""\n')
    (tmp_path / "few.csv").write_text("message,label\nlost,card\n")
    asks = {"labels": str(tmp_path / "labels.toml"), "examples": str(tmp_path / "few.csv")}
    found = opened_asks(NAME, asks, None, {"text": ("message",)})
    assert found["labels"].names == ("card", "film")
    assert found["examples"].rows == (("lost", "card"),)
    assert Path(found["examples"].where).name == "few.csv"
