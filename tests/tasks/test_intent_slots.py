"""What a text asks for and the details it gives, each where it stands and in any script."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glossator.errors import ConfigError, ModelFolderError
from glossator.models import checkpoint
from glossator.tasks.answers import answer_rows
from glossator.tasks.kinds.entities.units import kept_words
from glossator.tasks.kinds.intent_slots.config import CONFIG, Options
from glossator.tasks.kinds.intent_slots.reading import Frame
from glossator.tasks.kinds.intent_slots.task import KIND, FrameAnswer
from glossator.tasks.registry import choose
from glossator.tasks.task import Base
from glossator.text.characters import begins_inside_character
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row
from glossator.text.tagging import Span

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
BY_TAG = {name: (name,) for name in ("tokens", "tags", "intent")}
BY_PLACE = {name: (name,) for name in ("text", "entities", "intent")}
ROW = {"tokens": ["play", "the", "film"], "tags": ["O", "B-a", "I-a"], "intent": "play"}
CPU = torch.device("cpu")


def read(columns=BY_TAG, options=None, **values):
    reader = KIND.reader(columns, options or Options())
    return reader.read(Row("t.jsonl", 7, values), targets=True)


def framed(intent, *slots):
    """A record that says what there is to learn."""
    spans = tuple(Span(0, 1, label) for label in slots)
    return Record(Row("t", 1, {}), None, Frame(intent, spans), ("a",))


def learned(base, *intents, labels=("a", "b"), columns=BY_PLACE, **options):
    records = [framed(intent, *labels) for intent in intents]
    return KIND.learn(records, base, columns, Options(**options))


@pytest.fixture(scope="module")
def base(tiny_model_folder):
    return Base.of(tiny_model_folder, 16)


@pytest.fixture(scope="module")
def trained(base):
    """A task and a model whose answers differ from text to text."""
    task = learned(base, "ask", "play", "rate")
    model = task.build(base, 1)
    with torch.no_grad():
        model.tagger.output.weight.mul_(60)
        model.extra["intent"].output.weight.mul_(60)
    return task, model


# Which task, and which rows


@pytest.mark.parametrize(
    ("columns", "task"),
    [
        (["tokens", "tags", "intent"], "intent-slots"),
        (["id", "intent", "text", "entities"], "intent-slots"),
        (["tokens", "tags"], "token-classification"),
        (["text", "entities"], "token-classification"),
        (["tokens", "tags", "label"], "token-classification"),
    ],
)
def test_the_richer_task_is_read_off_the_columns(columns, task):
    config, found = choose(None, {}, columns, "t.jsonl")
    assert config.name == task
    assert {name for names in found.values() for name in names} <= set(columns)


def test_a_table_of_frames_can_still_be_one_of_entities():
    config, found = choose("token-classification", {}, [*ROW], "t.jsonl")
    assert (config.name, set(found)) == ("token-classification", {"tokens", "tags"})


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"tags": ["O", "O"]}, "uneven", "3 words and 2 tags; expected one each"),
        ({"tags": ["O", "O", "X-a"]}, "not_a_tag", "word 3: 'X-a' is no tag; expected O, or B-"),
        ({"tags": ["O", "O", "B-"]}, "not_a_tag", "word 3: 'B-'"),
        ({"tags": {"a": 1}}, "not_a_list", "'tags' holds an object; expected a list"),
        ({"intent": " \u200b"}, "empty_intent", "the intent is empty"),
        ({"intent": None}, "not_text", "column 'intent' holds null"),
        ({"intent": ["play"]}, "not_text", "column 'intent' holds a list"),
        ({"tokens": 5}, "not_a_list", "'tokens' holds 5 (int); expected a list of strings"),
        ({"tokens": ["play", 1, "x"]}, "not_a_list", "expected a list of strings"),
        ({"tokens": ["a b", "c", "d"]}, "not_a_word", "word 1 is 'a b'"),
        ({"tokens": [], "tags": []}, "empty_text", "empty"),
    ],
)
def test_what_cannot_be_used_is_rejected_by_its_row(changed, kind, said):
    found = read(**{**ROW, **changed})
    assert isinstance(found, Rejection)
    assert (found.source, found.line, found.kind) == ("t.jsonl", 7, kind)
    assert said in found.message


def test_a_row_without_an_intent_is_rejected():
    found = read(**{name: ROW[name] for name in ("tokens", "tags")})
    assert isinstance(found, Rejection)
    assert (found.kind, "no column 'intent'" in found.message) == ("missing_column", True)


def test_both_ways_to_write_a_frame_are_one():
    by_place = {"text": "play the film", "entities": [{"start": 5, "end": 13, "label": "a"}]}
    found = [read(**ROW), read(BY_PLACE, intent="play", **by_place)]
    assert [x.target for x in found] == [Frame("play", (Span(5, 13, "a"),))] * 2
    assert len({hash(x.target) for x in found}) == 1


def test_a_text_alone_is_enough_to_be_answered(trained):
    task, _ = trained
    reader = task.reader(BY_TAG)
    for given_value in ("play the film", ["play", "the", "film"], {"text": "play the film"}):
        found = reader.read(Row("t", 1, reader.given(given_value)), targets=False)
        assert isinstance(found, Record)
        assert (found.input.text, found.target) == ("play the film", None)


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_learns_no_intent_is_refused(weight):
    with pytest.raises(ConfigError, match="--intent-weight must be a number above 0"):
        Options(intent_weight=weight)


# What is looked at before training


def findings(train, **others):
    examiner = KIND.reader(BY_TAG, Options()).examiner()
    for part, records in {"train": train, **others}.items():
        for record in records:
            examiner.add(part, record)
    return {x.kind: x for x in examiner.findings()}, examiner


def test_intents_and_slots_are_counted_before_they_are_learned():
    many = [framed("play", "a")] * 12 + [framed("rate", "b")] * 11 + [framed("Play", "a")] * 2
    found, examiner = findings(many, test=[framed("stop", "c"), framed("play", "a")])
    assert found["intents"].message.startswith("3 intents; the largest is 'play' with 12 rows")
    assert "'Play' (2)" in found["few_rows"].message
    assert "test: 1 row with an intent that no training row has" in found["unknown_intent"].message
    assert "'Play' (2)" in found["label_variants"].message
    assert found["unknown_label"].count == 1
    assert found["entities"].count == 25
    assert examiner.counts == {"play": 13, "rate": 11, "Play": 2, "stop": 1}
    assert examiner.tell(Frame("play", (Span(0, 1, "a"),))) == "'play' [a at 0 to 1]"


def test_nothing_to_learn_is_an_error_that_says_what_does():
    found, _ = findings([framed("play", "a")] * 3)
    assert found["one_intent"].severity == "error"
    assert "every row has the intent 'play'" in found["one_intent"].message
    assert "--task token-classification" in found["one_intent"].message
    found, _ = findings([framed("play"), framed("rate")])
    assert found["no_entities"].severity == "error"
    assert "--task text-classification learns intents alone" in found["no_entities"].message


def test_the_rarest_name_of_a_row_is_what_a_split_shares_out():
    reader = KIND.reader(BY_TAG, Options())
    records = [framed("play", "a"), framed("play", "a", "b"), framed("play"), framed("rate", "a")]
    expected = [("intent", "play"), ("slot", "b"), ("intent", "play"), ("intent", "rate")]
    assert reader.strata(records) == expected


# Windows, loss and answers


def test_a_row_counts_once_in_both_losses_however_many_windows_it_has(base):
    task = learned(base, "ask", "play")
    long, short = "card " * 60, "card the"
    records = [
        read(BY_PLACE, text=text, entities=[], intent="play") for text in (long.strip(), short)
    ]
    rows = task.encode(records)
    assert rows[0].windows > 3
    for row in rows:
        assert sum(example.weight for example in row) == pytest.approx(1)
        assert sum(float(example.arrays[2].sum()) for example in row) == pytest.approx(1, rel=1e-5)
        assert {int(example.arrays[3]) for example in row} == {1}


@pytest.mark.parametrize("decoder", ["tags", "crf"])
def test_the_loss_is_the_mean_over_rows_of_words_and_intent(base, decoder):
    """Against the same by hand, of rows of one window each."""
    task = learned(base, "ask", "play", decoder=decoder, intent_weight=0.25)
    model = task.build(base, 3)
    records = [read(**ROW), read(tokens=["week"], tags=["O"], intent="ask")]
    examples = [example for row in task.encode(records) for example in row]
    total, count = task.loss(model, task.collate(examples, 0))
    by_hand = 0.0
    for record, example in zip(records, examples, strict=True):
        (answer,) = task.answer(model, task.collate([example], 0))
        intents = torch.from_numpy(answer.intents).log_softmax(-1)
        tags, right = torch.from_numpy(answer.tags), torch.from_numpy(example.arrays[1])
        if decoder == "crf":
            likely = model.extra["crf"].log_likelihood(tags, right, torch.tensor([len(right)]))
            words = likely.detach().sum() / len(right)
        else:
            words = tags.log_softmax(-1).gather(1, right[:, None]).mean()
        by_hand -= float(words + 0.25 * intents[task.intents.index(record.target.intent)])
    assert float(count) == 2
    assert float(total.detach()) == pytest.approx(by_hand, rel=1e-5)


def test_a_long_text_has_the_mean_intent_of_its_windows_and_each_word_once(base):
    task = learned(base, "ask", "play", "rate")
    record = read(BY_PLACE, text=" ".join(["card"] * 40), entities=[], intent="ask")
    (row,) = task.encode([record])
    draw = np.random.default_rng(0)
    answers = [
        FrameAnswer(
            draw.normal(size=3).astype(np.float32),
            draw.normal(size=(len(x.arrays[0]), 5)).astype(np.float32),
        )
        for x in row
    ]
    found = task.combine(record, row, answers)
    assert len(answers) > 2
    np.testing.assert_allclose(found.intents, np.mean([x.intents for x in answers], 0), rtol=1e-6)
    assert found.tags.shape == (40, 5)
    prediction = task.asked(top_k=2).decode(record, row, found)
    assert [x.label for x in prediction.labels] == [
        task.intents[i] for i in np.argsort(-found.intents)[:2]
    ]
    assert (prediction.label, prediction.windows) == (prediction.labels[0].label, row.windows)


ALPHABET = ["card", "the", "我", "爱", FAMILY, "e\u0301a", "ＡＢ", "שלום", "x" * 7, ",", "3.5"]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(ALPHABET), max_size=40).map(" ".join),
    st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join),
)


@given(st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_slots_lie_in_their_text_whatever_it_holds(trained, texts):
    task, model = trained
    reader = task.reader(BY_PLACE)
    read_rows = [reader.read(Row("t", i, {"text": x}), targets=False) for i, x in enumerate(texts)]
    records = [x for x in read_rows if isinstance(x, Record)]
    rows = task.encode(records)
    given_answers = answer_rows(task, model, records, rows, token_budget=512, device=CPU)
    for record, row, answer in zip(records, rows, given_answers, strict=True):
        found = task.decode(record, row, answer)
        text, last = record.input.text, 0
        assert found.text == text == record.row.values["text"]
        for slot in found.entities:
            assert last <= slot.start < slot.end <= len(text)
            assert text[slot.start : slot.end] == slot.text
            assert not begins_inside_character(text, slot.end)
            assert slot.label in task.labels
            assert 0 < slot.score <= 1
            last = slot.end
        assert sum(x.score for x in found.labels) == pytest.approx(1)
        assert found.score == found.labels[0].score == max(x.score for x in found.labels)


@given(st.lists(TEXTS, min_size=2, max_size=5), st.randoms())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_text_has_one_frame_alone_and_among_others(trained, texts, draw):
    task, model = trained
    reader = task.reader(BY_PLACE)
    read_rows = [reader.read(Row("t", i, {"text": x}), targets=False) for i, x in enumerate(texts)]
    records = [x for x in read_rows if isinstance(x, Record)]

    def frames(these, **told):
        rows = task.encode(these)
        answers = answer_rows(task, model, these, rows, token_budget=512, device=CPU, **told)
        return answers, [task.decode(*x).to_json() for x in zip(these, rows, answers, strict=True)]

    logits, together = frames(records, alone=True)
    order = draw.sample(range(len(records)), len(records))
    _, shuffled = frames([records[i] for i in order], alone=True)
    assert shuffled == [together[i] for i in order]
    assert [frames([record], alone=True)[1][0] for record in records] == together
    # In one batch products add up in another order, and no more than that.
    for one, other in zip(frames(records)[0], logits, strict=True):
        np.testing.assert_allclose(one.tags, other.tags, atol=2e-3)
        np.testing.assert_allclose(one.intents, other.intents, atol=2e-3)


@st.composite
def marked(draw):
    """A row of words of several scripts with tags that are rightly spelled."""
    words = draw(st.lists(st.sampled_from([x for x in ALPHABET if x]), min_size=1, max_size=40))
    tags = []
    for _ in words:
        inside = [f"I-{tags[-1][2:]}"] if tags and tags[-1] != "O" else []
        tags.append(draw(st.sampled_from(["O", "B-a", "B-b", *inside])))
    return {"tokens": words, "tags": tags, "intent": draw(st.sampled_from(["ask", "play"]))}


@given(row=marked(), scheme=st.sampled_from(["BIO", "BIOES"]))
@settings(max_examples=100, deadline=None)
def test_a_right_model_gives_the_frame_back_whatever_the_windows(base, row, scheme):
    """Logits that say what is right are a right frame: no slot is cut by a window."""
    record = read(**row)
    task = learned(base, "ask", "play", columns=BY_TAG, scheme=scheme)
    (encoded,) = task.encode([record])
    right = task.intents.index(row["intent"])
    answers = [
        FrameAnswer(
            np.eye(2, dtype=np.float32)[right] * 20,
            np.eye(len(task.word_tags.names), dtype=np.float32)[x.arrays[1]] * 20,
        )
        for x in encoded
    ]
    assert set(np.concatenate(kept_words(encoded))) == set(range(len(row["tokens"])))
    found = task.decode(record, encoded, task.combine(record, encoded, answers))
    assert found.label == row["intent"]
    assert tuple(Span(x.start, x.end, x.label) for x in found.entities) == record.target.slots
    scores = task.scores(intervals=False)
    scores.add([record], [encoded], [task.combine(record, encoded, answers)])
    result = scores.result()
    assert result["frame_accuracy"] == result["intent_accuracy"] == 1
    assert result["slot_f1"] == (1 if record.target.slots else 0)


# Decisions and scores


def answered(task, records, draw, *, right=0.7):
    """Answers that are right in a share of the intents and of the words."""
    rows, answers = task.encode(records), []
    for record, row in zip(records, rows, strict=True):
        parts = []
        for example in row:
            tags = draw.normal(size=(len(example.arrays[1]), len(task.word_tags.names)))
            hit = draw.random(len(tags)) < right
            tags[np.arange(len(tags))[hit], example.arrays[1][hit]] += 6
            intents = draw.normal(size=len(task.intents))
            if draw.random() < right:
                intents[int(example.arrays[3])] += 6
            parts.append(FrameAnswer(intents.astype(np.float32), tags.astype(np.float32)))
        answers.append(task.combine(record, row, parts))
    return rows, answers


def table(draw, count=120):
    rows = []
    for _ in range(count):
        length = int(draw.integers(1, 9))
        tags = draw.choice(["O", "O", "B-a", "B-b"], length).tolist()
        words = draw.choice(["card", "film", "the", "week"], length).tolist()
        rows.append(read(tokens=words, tags=tags, intent=str(draw.choice(["ask", "play"]))))
    return rows


def test_scores_are_those_counted_by_hand(base):
    draw = np.random.default_rng(1)
    task, records = learned(base, "ask", "play", columns=BY_TAG), table(draw)
    rows, answers = answered(task, records, draw)
    task = task.decided(records, answers)
    assert task.decision.temperature != 1
    assert task.decision.intent_temperature != 1
    scores = task.scores(paired=True)
    for start in range(0, len(records), 50):
        part = slice(start, start + 50)
        scores.add(records[part], rows[part], answers[part])
    whole = intents = hits = said = there = 0
    causes = {}
    for record, row, answer in zip(records, rows, answers, strict=True):
        found = task.decode(record, row, answer)
        slots = {(x.start, x.end, x.label) for x in found.entities}
        gold = {(x.start, x.end, x.label) for x in record.target.slots}
        cause = (found.label == record.target.intent, slots == gold)
        causes[cause] = causes.get(cause, 0) + 1
        intents, whole = intents + cause[0], whole + all(cause)
        hits, said, there = hits + len(slots & gold), said + len(slots), there + len(gold)
    result = scores.result()
    assert result["frame_accuracy"] == pytest.approx(whole / 120)
    assert result["intent_accuracy"] == pytest.approx(intents / 120)
    assert result["slot_f1"] == pytest.approx(2 * hits / (said + there))
    assert result["slot_precision"] == pytest.approx(hits / said)
    assert result["slot_recall"] == pytest.approx(hits / there)
    assert result["slots"] == there
    assert 0 < whole < intents < 120
    for name in ("frame_accuracy", "intent_accuracy", "slot_f1", "slot_precision"):
        low, high = result[f"{name}_ci"]
        assert low < result[name] < high
    assert {x.name for x in task.measures} <= result.keys()
    sections = {x.id: x for x in scores.sections("test")}
    shown = {row[0]: row[-1] for row in sections["frames"].figures[0].rows}
    assert shown == {
        "all right": causes[True, True],
        "the intent alone wrong": causes[False, True],
        "slots alone wrong": causes[True, False],
        "both wrong": causes[False, False],
    }
    assert {row[0] for row in sections["labels"].figures[0].rows} == {"a", "b"}
    by_intent = {row[0]: row for row in sections["intents"].figures[0].rows}
    assert sum(row[-1] for row in by_intent.values()) == 120
    assert sum(row[-2] * row[-1] for row in by_intent.values()) == pytest.approx(whole)
    worst = sections["mistakes"].figures[0].quotes[0]
    assert worst.marks
    assert worst.gold in ("ask", "play")
    assert scores.remarks() == []


def test_two_models_are_compared_on_whole_frames_first(base):
    draw = np.random.default_rng(2)
    task, records = learned(base, "ask", "play", columns=BY_TAG), table(draw)
    rows, weak = answered(task, records, draw, right=0.5)
    _, strong = answered(task, records, draw, right=0.95)
    both = []
    for answers in (weak, strong):
        both.append(task.scores(paired=True))
        both[-1].add(records, rows, answers)
    found, reverse = both[0].paired(both[1]), both[1].paired(both[0])
    assert [x.metric for x in found.differences] == ["frame_accuracy", "slot_f1", "intent_accuracy"]
    assert (found.b_is_better, reverse.b_is_better, found.same) == (True, False, False)
    assert found.p_value < 0.01
    for difference in found.differences:
        for number, scores in (("a", both[0]), ("b", both[1])):
            value = scores.result()[difference.metric]
            assert getattr(difference, number) == pytest.approx(value)
        assert difference.low < difference.difference < difference.high
    same = both[0].paired(both[0])
    assert (same.same, same.p_value, same.differences[0].difference) == (True, 1.0, 0)


def test_an_intent_that_training_has_not_is_wrong_and_told(base):
    task = learned(base, "ask", "play", columns=BY_TAG)
    draw = np.random.default_rng(3)
    records = [read(**{**ROW, "intent": "stop", "tags": ["O", "B-c", "O"]}), *table(draw, 8)]
    rows, answers = answered(task, records, draw, right=1.0)
    task.decided(records[:1], answers[:1])  # there is nothing to fit, and that is no error
    scores = task.scores()
    scores.add(records, rows, answers)
    result = scores.result()
    assert result["intent_accuracy"] == pytest.approx(8 / 9)
    told = {x.kind: x.message for x in scores.remarks()}
    assert told["unknown_intent"] == (
        "1 row has an intent that the model does not have, counted as wrong: 'stop'"
    )
    assert told["unknown_label"].startswith("1 slot has a label")


# Folders


def saved(task, model, folder):
    checkpoint.save(model, folder)
    task.tokenizer.save(folder)
    return Base.of(folder, 16)


def test_a_folder_whose_intent_head_was_lost_is_refused(trained, tmp_path):
    task, model = trained
    folder = saved(task, model, tmp_path / "model")
    (tmp_path / "model" / "heads.safetensors").unlink()
    with pytest.raises(
        ModelFolderError, match="head of this model is missing, that of its intents"
    ):
        KIND.restore(folder, task.saved()).open(folder)


def test_a_folder_from_elsewhere_is_no_frame(base, trained, tmp_path):
    task, model = trained
    assert KIND.restore(saved(task, model, tmp_path / "model"), None) is None
    assert KIND.restore(base, None) is None


@pytest.mark.parametrize(
    ("intents", "labels", "tagger", "intent"),
    [
        (("rate", "ask", "play"), ("a", "b"), True, True),
        (("ask", "play", "stop"), ("a", "b"), True, False),
        (("ask", "play"), ("a", "b"), True, False),
        (("ask", "play", "rate"), ("a", "c"), False, True),
    ],
)
def test_heads_are_kept_where_they_were_trained_for_the_same(
    trained, tmp_path, intents, labels, tagger, intent
):
    """Above all one that has as many intents, but others."""
    task, model = trained
    folder = saved(task, model, tmp_path / "model")
    again = learned(folder, *intents, labels=labels)
    found = again.build(folder, 5)
    old = model.extra["intent"].output.weight
    new = found.extra["intent"].output.weight
    assert torch.equal(found.tagger.output.weight, model.tagger.output.weight) == tagger
    assert (old.shape == new.shape and torch.equal(old, new)) == intent
    assert any("intents was put on model" in note for note in found.notes) == (not intent)
    raw = json.loads((tmp_path / "model" / "config.json").read_text())
    assert raw["intents"] == ["ask", "play", "rate"]
    checkpoint.save(found, tmp_path / "next")
    raw = json.loads((tmp_path / "next" / "config.json").read_text())
    assert raw["intents"] == list(again.intents)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_the_intent_is_read_as_the_family_reads_a_text(tiny_model_folder, tmp_path, pooling):
    transformers = pytest.importorskip("transformers")
    size = json.loads((tiny_model_folder / "config.json").read_text())["vocab_size"]
    config = transformers.ModernBertConfig(
        vocab_size=size, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, classifier_pooling=pooling, max_position_embeddings=64,
        pad_token_id=0, bos_token_id=None, eos_token_id=None, cls_token_id=None, sep_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.ModernBertModel(config).save_pretrained(tmp_path / "m")
    shutil.copy(tiny_model_folder / "tokenizer.json", tmp_path / "m")
    base = Base.of(tmp_path / "m", 16)
    task = learned(base, "ask", "play", columns=BY_TAG)
    model = task.build(base, 0)
    (row,) = task.encode([read(**ROW)])
    batch = task.collate(list(row), 0)
    (answer,) = task.answer(model, batch)
    with torch.no_grad():
        states = model.encoder(batch.inputs).last.float()
        text = states[:1] if pooling == "cls" else states.mean(0, keepdim=True)
        expected = model.extra["intent"](text)[0]
    np.testing.assert_allclose(answer.intents, expected.numpy(), atol=1e-5)


def test_it_says_what_it_reads(trained):
    task, _ = trained
    said = task.words()
    assert "which of 3 intents" in said.does
    assert "slots of 2 labels" in said.does
    assert (said.opens_as, said.labels) == (CONFIG.opens_as, ("ask", "play", "rate"))
