"""Vectors of texts: what they learn from, how they are made, and that others make the same."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from task_rows import labels, twins
from torch.nn import functional as F

import glossator
from glossator.artifact.opening import load
from glossator.errors import ConfigError, InputError, ModelFolderError, TextError
from glossator.tasks.contrastive import cosine_error, in_batch_negatives, supervised_contrastive
from glossator.tasks.kinds.feature_extraction.config import Options
from glossator.tasks.kinds.feature_extraction.sentence_files import Told, told_in, written_files
from glossator.tasks.kinds.feature_extraction.task import KIND, FeatureExtraction, Grades
from glossator.tasks.learnable import filler
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row
from glossator.text.tokenizer import Tokenizer

SHAPES = {
    "pairs": ("text", "text_pair"),
    "triples": ("text", "text_pair", "negative"),
    "grades": ("text", "text_pair", "label"),
    "classes": ("text", "label"),
    "texts": ("text",),
}


def columns(shape):
    return {name: (name,) for name in SHAPES[shape]}


def read(shape, *, targets=True, **values):
    reader = KIND.reader(columns(shape), Options())
    row = {"text": "a card", "text_pair": "a bank", "negative": "a film", "label": "2", **values}
    return reader.read(Row("t", 3, row), targets=targets)


def fitted(folder, rows, **options):
    settings = {"epochs": 1, "max_length": 24, "batch_size": 8, "precision": "float32"}
    return glossator.fit(
        rows, task="feature-extraction", model=folder, progress=False, **settings, **options
    )


# Rows


@pytest.mark.parametrize(
    ("shape", "texts", "target"),
    [
        ("pairs", ("a card", "a bank"), None),
        ("triples", ("a card", "a bank", "a film"), None),
        ("grades", ("a card", "a bank"), 2.0),
        ("classes", ("a card",), "2"),
        ("texts", ("a card",), None),
    ],
)
def test_a_row_has_the_texts_of_its_columns(shape, texts, target):
    found = read(shape)
    assert isinstance(found, Record)
    assert (found.texts, found.target) == (texts, target)
    # A vector is asked of one text, whatever else the row has.
    assert read(shape, targets=False).input == ("a card",)


@pytest.mark.parametrize(
    ("shape", "given", "kind"),
    [
        ("pairs", {"text": " "}, "empty_text"),
        ("pairs", {"text_pair": ""}, "empty_text_pair"),
        ("triples", {"negative": "\u200b"}, "empty_negative"),
        ("triples", {"negative": None}, "not_text"),
        ("grades", {"label": "alike"}, "not_a_number"),
        ("grades", {"label": "nan"}, "not_a_number"),
        ("classes", {"label": " "}, "empty_label"),
    ],
)
def test_a_row_that_says_too_little_is_rejected_by_name(shape, given, kind):
    found = read(shape, **given)
    assert isinstance(found, Rejection)
    assert found.kind == kind


def test_a_text_is_not_held_against_itself():
    same = {"text": ("text",), "text_pair": ("text",)}
    with pytest.raises(ConfigError, match="--text and --text-pair are both text"):
        KIND.reader(same, Options())


def findings(shape, *rows):
    examiner = KIND.reader(columns(shape), Options()).examiner()
    for values in rows:
        examiner.add("train", read(shape, **values))
    return {x.kind: x.severity for x in examiner.findings()}


@pytest.mark.parametrize(
    ("shape", "rows", "expected"),
    [
        ("pairs", [{}, {"text": "b"}], {"one_text": "error"}),
        ("pairs", [{}, {"text_pair": "b"}], {"pairs": "info"}),
        ("grades", [{}, {}], {"constant": "error"}),
        ("grades", [{}, {"label": 3}], {"numbers": "info"}),
        ("classes", [{}, {}], {"one_class": "error"}),
        ("classes", [{"label": "a"}, {"label": "b"}], {"no_pairs": "error"}),
        ("classes", [{}, {}, {"label": "b"}], {"single_rows": "warning"}),
        ("texts", [{}, {}], {"texts_alone": "info"}),
    ],
)
def test_what_nothing_can_be_learned_from_is_told_beforehand(shape, rows, expected):
    assert findings(shape, *rows) == expected


def test_a_temperature_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="contrast_temperature is 0"):
        Options(contrast_temperature=0)


# Losses


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_each_anchor_is_told_from_all_other_candidates():
    anchors, candidates = drawn(3, 4), drawn(5, 4, seed=1)
    right = torch.tensor([2, 0, 4])
    found = in_batch_negatives(anchors, candidates, right, temperature=0.1)
    for i in range(3):
        cosines = F.cosine_similarity(anchors[i][None], candidates) / 0.1
        expected = -cosines.log_softmax(0)[right[i]]
        assert float(found[i]) == pytest.approx(float(expected), rel=1e-5)


def test_a_second_copy_of_what_is_right_is_no_negative():
    anchors, candidates = drawn(1, 4), drawn(2, 4, seed=1)
    twice = torch.cat([candidates, candidates[:1]])
    left_out = torch.tensor([[True, False, True]])
    once = in_batch_negatives(anchors, candidates, torch.tensor([0]), temperature=0.1)
    again = in_batch_negatives(
        anchors, twice, torch.tensor([0]), temperature=0.1, left_out=left_out
    )
    as_negative = in_batch_negatives(anchors, twice, torch.tensor([0]), temperature=0.1)
    assert float(again) == pytest.approx(float(once), rel=1e-6)
    assert float(as_negative) > float(once)


def test_a_class_draws_its_vectors_together():
    vectors, classes = drawn(4, 3), torch.tensor([7, 7, 7, 9])
    found = supervised_contrastive(vectors, classes, temperature=0.5)
    unit = F.normalize(vectors, dim=-1)
    for i in range(3):
        others = [j for j in range(4) if j != i]
        logits = torch.stack([unit[i] @ unit[j] / 0.5 for j in others])
        chances = logits.log_softmax(0)
        expected = -torch.stack([chances[n] for n, j in enumerate(others) if j < 3]).mean()
        assert float(found[i]) == pytest.approx(float(expected), rel=1e-5)
    assert float(found[3]) == 0


def test_a_pair_is_as_alike_as_its_number_says():
    one = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    other = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    assert cosine_error(one, other, torch.tensor([1.0, 1.0])).tolist() == [0.0, 1.0]


# The task


@pytest.fixture(scope="module")
def tokenizer(tiny_model_folder):
    return Tokenizer.load(tiny_model_folder)


def task_of(tokenizer, shape="pairs", **given):
    aim = {"triples": "pairs"}.get(shape, shape)
    return FeatureExtraction(tokenizer, max_length=12, aim=aim, **given)


def test_a_long_text_is_the_mean_over_all_its_windows(tokenizer, tiny_model_folder):
    task = task_of(tokenizer, options=Options(normalize=False))
    text = "card film market team bank week league the was in " * 3
    record = Record(Row("t", 1, {}), (text,), None, (text,))
    (row,) = task.encode([record])
    assert row.windows == len(row) > 1
    assert sum(e.weight for e in row) == pytest.approx(1)
    answers = [np.full(4, float(i), np.float32) for i in range(len(row))]
    lengths = np.array([len(e.tokens) for e in row])
    expected = (np.arange(len(row)) * lengths).sum() / lengths.sum()
    assert task.combine(record, row, answers)[0].tolist() == pytest.approx([expected] * 4)


def test_what_fills_a_batch_up_has_no_part_in_the_loss(tokenizer):
    task = task_of(tokenizer)
    records = [read("triples", text=f"a card {i}", text_pair=f"bank {i}") for i in range(4)]
    examples = [e for row in task.encode(records) for e in row]
    vectors = drawn(len(examples), 6)
    loss, count = task.compare(vectors, task.collate(examples, 0))
    filled = [*examples, filler(examples[0], 5, task.specs)]
    again, same = task.compare(torch.cat([vectors, drawn(1, 6, seed=9)]), task.collate(filled, 0))
    assert (float(again), float(same)) == (float(loss), float(count) == 4 and 4.0)


def test_equal_texts_are_no_negatives_of_each_other(tokenizer):
    task = task_of(tokenizer)
    records = [read("pairs", text=f"a card {i}", text_pair="bank") for i in range(3)]
    examples = [e for row in task.encode(records) for e in row]
    loss, _ = task.compare(drawn(len(examples), 6), task.collate(examples, 0))
    assert float(loss) == 0  # there is nothing to tell the right one from


def test_two_of_a_class_stand_side_by_side(tokenizer):
    task = task_of(tokenizer, "classes")
    records = [read("classes", text=f"card {i}", label=f"c{i % 10}") for i in range(40)]
    rows = task.encode(records)
    order = task.order(rows, 3, 0)
    assert sorted(order.tolist()) == list(range(40))
    pairs = order.reshape(-1, 2)
    assert all(records[a].target == records[b].target for a, b in pairs.tolist())
    assert order.tolist() == task.order(rows, 3, 0).tolist()
    assert order.tolist() != task.order(rows, 3, 1).tolist()
    assert task_of(tokenizer).order(rows, 3, 0) is None


def test_a_prefix_stands_before_each_text(tokenizer):
    options = Options(prefix="the ", pair_prefix="bank ")
    task = task_of(tokenizer, options=options)
    plain = task_of(tokenizer)
    first, second = (
        [e.tokens.tolist() for e in t.encode([record])[0]]
        for t, record in (
            (task, read("pairs")),
            (plain, read("pairs", text="the a card", text_pair="bank a bank")),
        )
    )
    assert first == second
    found = task.asked(asks=KIND.config.asks(document=True))
    assert [e.tokens.tolist() for e in found.encode([read("pairs", targets=False)])[0]] == [
        e.tokens.tolist()
        for e in plain.encode([read("pairs", targets=False, text="bank a card")])[0]
    ]


@given(st.text(min_size=1).filter(lambda x: not x.isspace()))
def test_any_text_has_a_vector_of_length_one(text):
    vectors = np.array([[3.0, 4.0]], np.float32)
    task = FeatureExtraction.__new__(FeatureExtraction)
    task.options = Options()
    assert np.linalg.norm(task._scaled(vectors)) == pytest.approx(1)
    assert task._scaled(np.zeros((1, 2), np.float32)).tolist() == [[0, 0]]


# Scores, and two models against each other


def test_scores_say_what_was_found(tokenizer):
    scores = task_of(tokenizer).scores()
    records = [read("pairs", text=f"a {i}", text_pair=f"b {i}") for i in range(3)]
    answers = [
        np.array([[1, 0], [1, 0]], np.float32),
        np.array([[0, 1], [0, 1]], np.float32),
        np.array([[1, 0.1], [-1, 0]], np.float32),  # the last of three
    ]
    scores.add(records, [], answers)
    found = scores.result()
    assert found["mrr"] == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert found["recall_at_1"] == pytest.approx(2 / 3)
    assert found["recall_at_10"] == 1
    (misses,) = [x for x in scores.sections("dev") if x.id == "misses"]
    (quote,) = misses.figures[0].quotes
    assert (quote.text, quote.gold, quote.answer) == ("a 2", "b 2", "b 0")


def map_of(scores, records, answers):
    """The map of rows, and what is said beside it."""
    scores.add(records, [], answers)
    (section,) = [x for x in scores.sections("dev") if x.id == "map"]
    return section.figures[0], " ".join(section.aside)


def test_a_map_shows_labels_and_rings_round_misses(tokenizer):
    records = [read("classes", text=f"a {i}", label="ab"[i % 2]) for i in range(4)]
    answers = [np.array([x], np.float32) for x in ([1, 0], [0, 1], [1, 0.1], [-1, 0.1])]
    drawn, said = map_of(task_of(tokenizer, "classes").scores(), records, answers)
    assert (drawn.names, drawn.groups.tolist()) == (["a", "b"], [0, 1, 0, 1])
    assert drawn.ringed.tolist() == [False, True, False, False]
    assert "fixed seed" in said
    assert "drawn by a seed" not in said


def test_a_map_of_pairs_shows_their_sides(tokenizer):
    records = [read("pairs", text=f"a {i}", text_pair=f"b {i % 2}") for i in range(3)]
    answers = [np.eye(2, dtype=np.float32)] * 3
    drawn, _ = map_of(task_of(tokenizer).scores(), records, answers)
    assert drawn.groups.tolist() == [0, 0, 0, 1, 1]  # equal texts to be found are one
    assert drawn.vectors.shape == (5, 2)
    graded = [read("grades", text=f"a {i}") for i in range(3)]
    drawn, said = map_of(task_of(tokenizer, "grades").scores(), graded, answers)
    assert drawn.groups.tolist() == [0, 1, 0, 1, 0, 1]
    assert not drawn.ringed.any()
    assert "ring" not in said


def test_a_map_of_many_texts_says_how_many_it_shows(tokenizer):
    answers = np.random.default_rng(0).normal(size=(2500, 1, 3)).astype(np.float32)
    records = [read("texts")] * 2500
    drawn, said = map_of(task_of(tokenizer, "texts").scores(), records, answers)
    assert len(drawn.vectors) == 2000
    assert "2,000 of 2,500 texts, the first" in said
    labels = [read("classes", label=str(i % 7)) for i in range(2500)]
    drawn, said = map_of(task_of(tokenizer, "classes").scores(), labels, answers)
    assert len(drawn.vectors) == len(drawn.groups) == len(drawn.ringed) == 2000
    assert "2,000 of 2,500 texts, drawn by a seed" in said


def test_texts_alone_say_nothing_of_two_models(tokenizer):
    scores = task_of(tokenizer, "texts").scores(paired=True)
    scores.add([read("texts")] * 2, [], [np.eye(2, dtype=np.float32)[:1]] * 2)
    assert scores.result() == {"uniformity": pytest.approx(0)}
    with pytest.raises(InputError, match="do not say which"):
        scores.paired(scores)


def test_numbers_that_nothing_learned_are_shown_from_the_least_to_the_greatest(tokenizer):
    task = task_of(tokenizer, "texts").scored_by(columns("grades"))
    scores = task.scores()
    records = [read("grades", text=f"a {i}", label=str(i)) for i in (1, 5, 3)]
    answers = [np.array([[1, 0], x], np.float32) for x in ([0, 1], [1, 0], [-1, 0])]
    scores.add(records, [], answers)
    found, _, misses = scores.sections("scored")
    assert found.figures[0].x.tolist() == [0, 1, 0.5]
    quote = misses.figures[0].quotes[0]
    assert (quote.text, quote.gold, quote.answer) == ("a 3\na bank", "0.50", "-1.00")
    assert scores.result()["spearman"] == pytest.approx(0.5)
    learned = task_of(tokenizer, "grades", grades=Grades(low=0, high=5))
    scores = learned.scored_by(columns("grades")).scores()
    scores.add(records, [], answers)
    assert scores.sections("scored")[0].figures[0].x.tolist() == [0.2, 1, 0.6]


def test_what_it_is_scored_by_is_not_what_it_learned(tokenizer):
    task = task_of(tokenizer, "pairs")
    other = task.scored_by(columns("classes"))
    assert (other.aim, other.measures[0].name) == ("classes", "accuracy")
    assert (task.aim, task.measures[0].name) == ("pairs", "mrr")
    assert other.saved() == task.saved()
    assert other.words() == task.words()


# Scores from Python

PAIRS = [("a card", "the card"), ("a film", "a slow film"), ("the bank", "a bank")]


@pytest.fixture(scope="module")
def vectorial(tiny_model_folder):
    return load(tiny_model_folder, task="feature-extraction")


def test_a_score_is_of_what_is_given(vectorial):
    cosines = [float(vectorial.embed([a])[0] @ vectorial.embed([b])[0]) for a, b in PAIRS]
    numbers = np.argsort(np.argsort(cosines))
    assert vectorial.score(PAIRS, numbers) == pytest.approx(1)
    assert vectorial.score(PAIRS, -numbers) == pytest.approx(-1)
    assert 0 < vectorial.score(PAIRS) <= 1
    texts = [text for pair in PAIRS for text in pair]
    assert 0 <= vectorial.score(texts, ["card", "card", "film", "film", "bank", "bank"]) <= 1
    same = [(text, text) for text in texts]
    assert vectorial.score(same) == 1
    rows = [{"text": a, "text_pair": b, "id": 3} for a, b in PAIRS]
    assert vectorial.score(rows) == vectorial.score(PAIRS)
    assert vectorial.score(rows, numbers) == pytest.approx(1)
    assert vectorial.score([row | {"label": 9} for row in rows], numbers) == pytest.approx(1)
    assert vectorial.task.aim == "texts", "it is as it was"


@pytest.mark.parametrize(
    ("inputs", "targets", "error", "said"),
    [
        ([], None, InputError, "got 0 and 0"),
        (PAIRS, [1], InputError, "got 1 and 3"),
        (["a", "b"], None, InputError, "give pairs, or labels"),
        (PAIRS, ["a", "b", "c"], TextError, "text 0: .* expected a number"),
        ([("a", "b", "c", "d")], None, InputError, "expected a text, or 2 to 3 texts"),
        ([("a", "b", "c")], [1], ConfigError, "reads no rows with"),
        ([None, "a"], ["x", "y"], TextError, "text 0"),
        ([(" ", "a"), ("a", "")], None, InputError, "texts of all 2 are empty"),
        ("a", None, InputError, "a single string"),
    ],
)
def test_what_cannot_be_scored_is_refused(vectorial, inputs, targets, error, said):
    with pytest.raises(error, match=said):
        vectorial.score(inputs, targets)


def test_pairs_that_show_nothing_are_left_out_with_a_warning(vectorial):
    with pytest.warns(UserWarning, match=r"show nothing \(1 of 4, the first is text 3\)"):
        assert vectorial.score([*PAIRS, ("a", " ")]) == vectorial.score(PAIRS)


# Folders


def vectors(model, texts, **asks):
    return np.stack([x.embedding for x in model.predict(texts, **asks)])


TEXTS = ["a card", "the film was slow and boring .", "市场", "bank"]


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
@pytest.mark.parametrize("normalize", [True, False])
def test_sentence_transformers_gives_the_same_vectors(
    tiny_model_folder, tmp_path, pooling, normalize
):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = fitted(tiny_model_folder, twins(), pooling=pooling, normalize=normalize)
    model.save(tmp_path / "model")
    theirs = sentence_transformers.SentenceTransformer(str(tmp_path / "model"), device="cpu")
    ours = vectors(load(tmp_path / "model"), TEXTS)
    np.testing.assert_allclose(ours, theirs.encode(TEXTS), atol=1e-5)
    theirs.save_pretrained(str(tmp_path / "theirs"))
    again = load(tmp_path / "theirs")
    assert again.task.name == "feature-extraction"
    np.testing.assert_allclose(vectors(again, TEXTS), ours, atol=1e-5)


def test_a_prefix_is_a_prompt_of_theirs(tiny_model_folder, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = fitted(tiny_model_folder, twins(), prefix="the ", pair_prefix="bank ")
    model.save(tmp_path / "model")
    theirs = sentence_transformers.SentenceTransformer(str(tmp_path / "model"), device="cpu")
    found = theirs.encode(TEXTS, prompt_name="document")
    np.testing.assert_allclose(vectors(model, TEXTS, document=True), found, atol=1e-5)
    np.testing.assert_allclose(vectors(model, TEXTS), theirs.encode(TEXTS), atol=1e-5)


@given(
    st.sampled_from(["mean", "cls", "last"]),
    st.booleans(),
    st.one_of(st.none(), st.integers(8, 99)),
)
def test_what_is_written_is_read(tmp_path_factory, pooling, normalize, length):
    folder = tmp_path_factory.mktemp("files")
    told = Told(pooling, normalize, length)
    for name, text in written_files(told, 8).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    assert told_in(folder) == told


@pytest.mark.parametrize(
    ("modules", "error"),
    [
        ("nonsense", "malformed"),
        ('{"type": "x"}', "malformed"),
        ('[{"idx": 0}]', "malformed"),
        (
            json.dumps(
                [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "../.."}]
            ),
            "outside",
        ),
    ],
)
def test_a_folder_that_lies_is_refused(tiny_model_folder, tmp_path, modules, error):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    (folder / "modules.json").write_text(modules)
    with pytest.raises(ModelFolderError, match=error):
        load(folder)


def test_modules_that_are_not_known_here_answer_nothing(tiny_model_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    kinds = ["x.Transformer", "x.Pooling", "x.Dense"]
    (folder / "modules.json").write_text(json.dumps([{"type": x, "path": ""} for x in kinds]))
    with pytest.raises(ModelFolderError, match="answers nothing yet"):
        load(folder)


def test_the_files_are_in_the_manifest(tiny_model_folder, tmp_path):
    fitted(tiny_model_folder, labels()).save(tmp_path / "model")
    named = json.loads((tmp_path / "model" / "manifest.json").read_text())["files"]
    assert {"modules.json", "1_Pooling/config.json"} <= named.keys()
