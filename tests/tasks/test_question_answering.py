"""Question answering: cells of answers, windows, what is right found again, decisions, scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import ConfigError, InputError, TextError
from glossator.tasks.kinds.question_answering.config import Decision, Options
from glossator.tasks.kinds.question_answering.decision import best_cut, decided_on
from glossator.tasks.kinds.question_answering.gold import Gold, gold_of
from glossator.tasks.kinds.question_answering.groups import length_group, question_group
from glossator.tasks.kinds.question_answering.reading import QuestionReader
from glossator.tasks.kinds.question_answering.spans import Ranked
from glossator.tasks.kinds.question_answering.task import KIND
from glossator.tasks.offsets import Unfit
from glossator.tasks.task import Base
from glossator.text.characters import begins_inside_character
from glossator.text.frames import plain_row
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row

COLUMNS = {"question": ("question",), "context": ("context",), "answers": ("answers",)}
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
CONTEXT = "Ann met Bo in Oslo, and Bo left."


@pytest.mark.parametrize(
    "cell",
    [
        {"text": ["Ann", "Oslo"], "answer_start": [0, 14]},
        [{"text": "Ann", "start": 0}, {"text": "Oslo", "answer_start": 14}],
        [{"start": 0, "end": 3}, {"text": "Oslo", "start": 14, "end": 18}],
        ["Ann", "Oslo", "Ann"],
        [" Ann", {"text": " Oslo", "start": 13}],
        [{"text": "Ann", "start": 5}, "Oslo"],
        '[{"text": "Ann", "start": 0}, "Oslo"]',
        {"text": ["Ann", "Oslo"]},
        {"text": np.array(["Ann", "Oslo"], object), "answer_start": np.array([0, 14])},
        np.array([{"text": "Ann", "start": np.int64(0)}, {"text": "Oslo"}]),
    ],
)
def test_answers_are_read_in_whatever_shape(cell):
    found = gold_of(plain_row({"answers": cell})["answers"], CONTEXT)
    assert (found.places, found.texts) == (((0, 3), (14, 18)), ("Ann", "Oslo"))


@pytest.mark.parametrize("cell", [[], {"text": [], "answer_start": []}, "[]"])
def test_an_empty_list_says_that_there_is_no_answer(cell):
    assert gold_of(cell, CONTEXT) == Gold((), ())


@pytest.mark.parametrize(("cell", "place"), [("Oslo", (14, 18)), ({"text": "Ann"}, (0, 3))])
def test_one_answer_needs_no_list(cell, place):
    assert gold_of(cell, CONTEXT).places == (place,)


@pytest.mark.parametrize(
    ("cell", "kind", "said"),
    [
        ("", "not_answers", r"\[\] says that there is none"),
        (None, "not_answers", "the answers are null"),
        (5, "not_answers", "the answers are 5"),
        ([5], "not_answers", "answer 1 is 5"),
        ([""], "not_answers", "answer 1 is empty"),
        ([{"start": 3}], "not_answers", r"answer 1 is \{'start': 3\}; expected a list"),
        ([{"text": "Ann", "start": "0"}], "not_answers", "offset is '0'; expected a number"),
        ([{"text": "Ann", "start": True}], "not_answers", "offset is True"),
        ({"text": ["Ann"], "answer_start": [0, 1]}, "not_answers", "1 texts and 2 starts"),
        ([{"start": 30, "end": 99}], "wrong_offset", "30 to 99 are not in a context of 32"),
        (["Rome"], "not_in_context", "answer 1 'Rome' does not stand in the context"),
        ([{"text": "Rome", "start": 3}], "not_in_context", "not stand at 3, and nowhere"),
        (["Bo"], "several_places", "'Bo' stands several times in the context; give the place"),
        ([{"text": "Bo", "start": -1}], "several_places", "not stand at -1, and stands several"),
        ([{"text": "\ud800", "start": 1}], "not_in_context", "nowhere"),
    ],
)
def test_answers_that_cannot_be_used_are_refused_by_name(cell, kind, said):
    with pytest.raises(Unfit, match=said) as caught:
        gold_of(cell, CONTEXT)
    assert caught.value.kind == kind


def test_an_answer_without_a_place_is_left_out_where_others_have_one():
    found = gold_of(["Ann", "Rome"], CONTEXT)
    assert found.texts == ("Ann",)
    assert "'Rome'" in found.lost[0]


@pytest.mark.parametrize(
    ("start", "units"),
    [
        (len(f"é{FAMILY} ".encode()), "bytes"),
        (len(f"é{FAMILY} ".encode("utf-16-le")) // 2, "UTF-16 units"),
        (1, ""),
    ],
)
def test_an_offset_in_other_units_is_told(start, units):
    context = f"é{FAMILY} Bo met Bo"
    with pytest.raises(Unfit, match=f"counted in {units}" if units else "give the place"):
        gold_of([{"text": "Bo", "start": start}], context)
    once = gold_of([{"text": "met", "start": start + 3}], context)
    assert (once.texts, once.moved) == (("met",), (units,))


def read(question, context, answers, reader=None):
    values = {"question": question, "context": context, "answers": answers}
    return (reader or QuestionReader(COLUMNS)).read(Row("t.jsonl", 7, values), targets=True)


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ({"question": "who?", "answers": []}, "missing_column", "no column 'context'"),
        ({"question": " ", "context": "a", "answers": []}, "empty_question", "question is empty"),
        ({"question": "a", "context": "\n", "answers": []}, "empty_context", "context is empty"),
        ({"question": [], "context": "a", "answers": []}, "not_text", "a list"),
        ({"question": "a", "context": "a"}, "missing_column", "no column 'answers'"),
        ({"question": "a", "context": "a", "answers": ["b"]}, "not_in_context", "'answers': ans"),
    ],
)
def test_rows_that_cannot_be_used_are_rejected_by_name(values, kind, said):
    found = QuestionReader(COLUMNS).read(Row("t.jsonl", 7, values), targets=True)
    assert isinstance(found, Rejection)
    assert (found.kind, found.line, said in found.message) == (kind, 7, True), found.message


def test_rows_on_one_context_stay_together():
    one, other = (read(q, CONTEXT, []) for q in ("who?", "where?"))
    assert one.together == other.together
    assert one.texts != other.texts


def test_a_pair_or_a_mapping_is_asked():
    reader = QuestionReader({"question": ("q",), "context": ("c",), "answers": ("a",)})
    assert reader.given(("who?", "Ann")) == {"q": "who?", "c": "Ann"}
    found = reader.given({"question": "who?", "context": "Ann"})
    assert (found["q"], found["c"]) == ("who?", "Ann")
    with pytest.raises(TextError, match="expected a pair of strings"):
        reader.given("who?")


def test_findings_name_what_is_odd():
    examiner = QuestionReader(COLUMNS).examiner()
    rows = [("who?", ["Ann"]), ("where?", [{"text": "Oslo", "start": 3}]), ("why?", [])]
    for question, answers in rows:
        examiner.add("train", read(question, CONTEXT, answers))
    examiner.add("train", read("x?", "Al", ["Al", "Bo"]))
    examiner.add("dev", read("when?", CONTEXT, ["Ann"]))
    found = {x.kind: x.message for x in examiner.findings()}
    assert (
        "3 rows with an answer, of 3 characters (median) and 4 at most; 1 without"
        in (found["answers"])
    )
    assert found["contexts"].startswith("4 questions on 2 contexts")
    assert "1 answer not at the offset given: kept" in found["moved_answers"]
    assert "1 answer at no place of the context" in found["lost_answers"]
    assert "dev: 1 row of 1 on a context that is also in train" in found["shared_contexts"]


def test_a_table_without_any_answer_teaches_nothing():
    examiner = QuestionReader(COLUMNS).examiner()
    examiner.add("train", read("who?", CONTEXT, []))
    assert [(x.kind, x.severity) for x in examiner.findings()] == [("no_answers", "error")]


# Windows and what is found in them


@pytest.fixture(scope="module")
def base(tiny_model_folder):
    return Base.of(tiny_model_folder, 24)


def learned(base, *, nullable=False, **options):
    gold = Gold((), ()) if nullable else Gold(((0, 1),), ("a",))
    record = Record(Row("t", 1, {}), None, gold, ("a", "a"))
    return KIND.learn([record], base, COLUMNS, Options(**options))


PIECES = [
    "card",
    "the",
    "我",
    "爱北京",
    FAMILY,
    "e\u0301a",
    "ＡＢ",
    "שלום",
    "xxxxxxx",
    ",",
    "3.5",
    "  ",
]


@st.composite
def asked(draw):
    """A question on a context of several scripts, with an answer between its characters."""
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=60))
    context = draw(st.sampled_from([" ", "", "  "])).join(pieces) + " end"
    whole = [i for i in range(len(context) + 1) if not begins_inside_character(context, i)]
    a, b = sorted(draw(st.lists(st.sampled_from(whole), min_size=2, max_size=2, unique=True)))
    answers = [{"start": a, "end": b}] if context[a:b].strip() else []
    return read(draw(st.sampled_from(["where is the card ?", "谁"])), context, answers)


@given(record=asked(), stride=st.sampled_from([0, 3, 128]))
@settings(max_examples=150, deadline=None)
def test_what_is_right_is_found_again_whatever_the_windows(base, record, stride):
    """Logits that say the right place give the right answer, unless windows cut through it."""
    task = learned(base, nullable=True, stride=stride)
    (row,) = task.encode([record])
    tokens = np.concatenate([np.arange(*example.span) for example in row])
    assert set(tokens.tolist()) == set(range(len(row.offsets)))
    answers, held = [], False
    for example in row:
        starts, ends, goal = example.arrays
        logits = np.zeros(len(starts), np.float32), np.zeros(len(ends), np.float32)
        logits[0][goal[1]] = logits[1][goal[2]] = 20
        held |= bool(goal[1])
        answers.append(logits)
    found = task.decode(record, row, task.combine(record, row, answers))
    context = record.input.context
    if not held:
        assert found.answers == ()
        assert found.no_answer > 0.9
        return
    (answer,) = found.answers
    (place,) = record.target.places
    assert answer.start <= place[0] < place[1] <= answer.end
    assert context[answer.start : answer.end] == answer.text
    assert answer.score > 0.9
    # A token is not cut; what it stands for beyond the answer is part of it.
    inside = (row.offsets[:, 0] < place[1]) & (row.offsets[:, 1] > place[0])
    assert answer.start == row.offsets[inside, 0].min()
    assert answer.end >= row.offsets[inside, 1].max()


@given(st.text(max_size=60), st.text(max_size=300), st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_a_model_says_answers_lie_in_their_context(base, question, context, nullable):
    task = learned(base, nullable=nullable, max_answer_length=9)
    values = {"question": question, "context": context}
    record = task.reader(COLUMNS).read(Row("t", 1, values), targets=False)
    if isinstance(record, Rejection):
        return
    (row,) = task.encode([record])
    draw = torch.Generator().manual_seed(len(context))
    answers = [
        tuple(torch.randn(len(e.arrays[i]), generator=draw).numpy() for i in (0, 1)) for e in row
    ]
    found = task.asked(top_k=1000).decode(record, row, task.combine(record, row, answers))
    places = [(x.start, x.end) for x in found.answers]
    assert len(set(places)) == len(places)
    assert nullable or places or not task.tokenizer.encode([context])[0].size
    for x in found.answers:
        assert 0 <= x.start < x.end <= len(context)
        assert context[x.start : x.end] == x.text
        assert not begins_inside_character(context, x.start)
        assert not begins_inside_character(context, x.end)
    scores = [x.score for x in found.answers]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) + (found.no_answer or 0) <= 1 + 1e-9


@pytest.mark.parametrize("context", ["\u200d\u0301\u0301", "\u0301", FAMILY, "\u2581", "\ufffd"])
def test_a_context_that_shows_next_to_nothing_is_answered(base, context):
    for nullable in (False, True):
        task = learned(base, nullable=nullable)
        record = read("who?", context, [])
        (row,) = task.encode([record])
        flat = [tuple(np.zeros(len(e.arrays[i]), np.float32) for i in (0, 1)) for e in row]
        found = task.decode(record, row, task.combine(record, row, flat))
        assert all(context[x.start : x.end] == x.text for x in found.answers)
        assert task.decided([record], [task.combine(record, row, flat)]).decision


@given(st.integers(1, 80), st.sampled_from([0, 2, 128]), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_each_stretch_is_counted_in_one_window_alone(base, words, stride, longest):
    """With equal logits everywhere, the sum over all stretches is how many there are."""
    task = learned(base, stride=stride, max_answer_length=longest)
    record = read("the card", " ".join(["card"] * words), [])
    (row,) = task.encode([record])
    flat = [tuple(np.zeros(len(e.arrays[i]), np.float32) for i in (0, 1)) for e in row]
    ranked = Ranked(task.combine(record, row, flat))
    every = np.exp(np.logaddexp.reduce(ranked.table[:, 2]))
    held = {
        (i, j)
        for a, b in (e.span for e in row)
        for i in range(a, b)
        for j in range(i, min(b, i + longest))
    }
    assert every == pytest.approx(len(held))


def test_the_question_stands_whole_in_each_window(base):
    task = learned(base)
    record = read("where is the card ?", " ".join(["film"] * 70), [])
    (row,) = task.encode([record])
    (question,) = task.tokenizer.encode(["where is the card ?"])
    assert row.windows > 4
    for example in row:
        assert len(example.tokens) <= 24
        assert example.tokens[1 : 1 + len(question)].tolist() == question.tolist()
        a, b = example.span
        assert example.segments.sum() == b - a + 1
    assert sum(e.weight for e in row) == pytest.approx(1)


def test_a_question_that_is_too_long_is_named(base):
    task = learned(base)
    long = " ".join(["card"] * 17)
    assert isinstance(read(" ".join(["card"] * 16), "card", []), Record)
    found = read(long, "card", [], reader=task.reader(COLUMNS))
    assert (found.kind, found.message) == (
        "long_question",
        "the question has 17 tokens; a window of 24 has room for 16 beside the context; shorten it",
    )
    with pytest.raises(InputError, match=r"t.jsonl:7: the question has 17 .* raise --max-length"):
        task.encode([read(long, "card", [])])


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="--stride must be 0 or more, got -1"):
        Options(stride=-1)
    with pytest.raises(ConfigError, match="--max-answer-length must be 1 or more, got 0"):
        Options(max_answer_length=0)


def test_the_loss_is_that_of_softmaxes_over_the_allowed_places(base):
    task = learned(base)
    records = [
        read("where ?", "the card is in the bank , and the film is not", ["bank", "film"]),
        read("where ?", "nothing", []),
    ]
    examples = [e for row in task.encode(records) for e in row]
    batch = task.collate(examples, 0)
    draw = torch.Generator().manual_seed(1)
    logits = torch.randn(len(batch.inputs.tokens), 2, generator=draw)
    total, weight = task.loss(lambda _: logits, batch)
    expected, begin = 0.0, 0
    for example in examples:
        for side in (0, 1):
            places, goal = example.arrays[side], example.arrays[2][side + 1]
            chances = logits[begin + torch.from_numpy(places), side].log_softmax(0)
            expected -= float(chances[goal]) * example.weight / 2
        begin += len(example.tokens)
    assert float(total) == pytest.approx(expected, rel=1e-5)
    assert float(weight) == pytest.approx(2)


# Decisions and scores


def test_the_best_cut_is_where_answering_gains_most():
    scores = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    assert best_cut(scores, np.array([1.0, 1.0, -1.0, 1.0, -1.0])) == 1.5
    assert best_cut(scores, np.full(5, -1.0)) == 6.0
    assert best_cut(scores, np.full(5, 1.0)) == 0.0
    assert best_cut(np.array([2.0, 2.0]), np.array([1.0, -1.0])) in (1.0, 3.0)


def ranked(*rows):
    return Ranked(np.array([(0, 0, -np.inf), *rows], np.float64))


def test_dev_rows_decide_when_there_is_no_answer():
    records = [read("who?", "Ann Bo", ["Ann"]), read("who?", "Ann Bo", [])] * 10
    found = [ranked((0, 3, 2.0), (4, 6, -1.0)), ranked((0, 3, 1.0), (4, 6, -1.0))] * 10
    decision = decided_on(records, found, nullable=True)
    assert 1.0 < decision.threshold < 2.0
    assert decided_on(records, found, nullable=False).threshold == 0.0


def test_the_temperature_makes_scores_true():
    """A model that is right seven times in ten, and ten times as sure as that tells."""
    draw = np.random.default_rng(0)
    right = draw.random(400) < 0.7
    records = [read("?", "Ann Bo", ["Ann" if x else "Bo"]) for x in right]
    found = [ranked((0, 3, 5.0), (4, 6, 0.0))] * 400
    temperature = decided_on(records, found, nullable=False).temperature
    chance = found[0].probabilities(temperature, nullable=False)[1]
    assert chance == pytest.approx(right.mean(), abs=0.02)


def test_probabilities_add_up_and_none_is_among_them():
    one = Ranked(np.array([(0, 0, np.log(2)), (0, 3, np.log(4)), (4, 6, 0.0)]))
    assert one.probabilities(1.0, nullable=True).tolist() == pytest.approx([1 / 8, 4 / 8, 1 / 8])
    assert one.probabilities(1.0, nullable=False).tolist() == pytest.approx([0, 4 / 7, 1 / 7])
    assert ranked().probabilities(1.0, nullable=False).tolist() == [0.0]


@pytest.mark.parametrize(
    ("question", "group"),
    [
        ("In which year did it end?", "which"),
        ("How many were there?", "how many"),
        ("Whose showhow is it?", "other"),
        ("张舒雅是哪一年香港小姐冠军？", "何时"),
        ("为什么？", "为什么"),
        ("他是谁", "谁"),
    ],
)
def test_questions_are_grouped_by_the_word_that_asks(question, group):
    assert question_group(question) == group


def test_answers_are_grouped_by_their_length():
    names = [length_group(x)[1] for x in (None, "a" * 5, "a" * 6, "a" * 41)]
    assert names == [
        "no answer",
        "1 to 5 characters",
        "6 to 10 characters",
        "41 characters and more",
    ]


def scored(base, *, nullable, shift=0.0, **asked):
    """Scores of two right answers, one wrong one, and where there is none a given one."""
    task = learned(base, nullable=nullable)
    task.decision = Decision(threshold=0.5)
    records = [
        read("who is it?", "Ann the Bo", ["Ann"]),
        read("谁？", "我爱北京", ["北京"]),
        read("who?", "Ann Bo", ["Ann"]),
        read("when?", "Ann Bo", [] if nullable else ["Bo"]),
    ]
    tables = [
        ranked((0, 3, 3.0 + shift)), ranked((2, 4, 2.0)),
        ranked((4, 6, 1.0), (0, 3, 0.0)), ranked((0, 3, 1.0)),
    ]  # fmt: skip
    scores = task.scores(**asked)
    scores.add(records, task.encode(records), [x.table for x in tables])
    return scores


def test_scores_sections_and_marks(base):
    scores = scored(base, nullable=True)
    found = scores.result()
    assert (found["exact_match"], found["f1"]) == (0.5, 0.5)
    assert (found["answered_f1"], found["unanswered"]) == (pytest.approx(2 / 3), 0.0)
    assert found["f1_ci"][0] < 0.5 < found["f1_ci"][1]
    assert 0 <= found["ece"] <= 1
    questions, mistakes, _ = scores.sections("test")
    titles = [figure.title for figure in questions.figures]
    assert titles == [
        "By the length of the answer", "By the word that asks", "By the length of the context",
        "By the score above which there is an answer",
    ]  # fmt: skip
    quotes = mistakes.figures[0].quotes
    assert {quote.gold for quote in quotes} == {"Ann", "no answer"}
    wrong = next(quote for quote in quotes if quote.gold == "Ann")
    marked = {(mark.kind, wrong.text[mark.start : mark.end]) for mark in wrong.marks}
    assert marked == {("missed", "Ann"), ("wrong", "Bo")}
    assert scores.remarks() == []


def test_two_models_are_compared_row_by_row(base):
    a, b = (scored(base, nullable=False, paired=True) for _ in range(2))
    found = a.paired(b)
    assert found.same
    assert [x.metric for x in found.differences] == ["f1", "exact_match"]
    assert found.differences[0].a == 0.5


def test_answers_that_are_too_long_to_be_found_are_told(base):
    task = learned(base, max_answer_length=2)
    record = read("who?", "the card is new", ["the card is"])
    scores = task.scores()
    scores.add([record], task.encode([record]), [ranked((0, 8, 1.0)).table])
    assert [x.kind for x in scores.remarks()] == ["long_answers"]


def test_real_answers_stand_where_they_are_read(data_dir):
    """CMRC 2018: a row is used where one of its answers has a place."""
    path = data_dir / "cmrc2018_zh" / "train.jsonl"
    lost = moved = used = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found = read(row["question"], row["context"], row["answers"])
        if isinstance(found, Rejection):
            assert found.kind == "not_in_context"
            continue
        used += 1
        lost, moved = lost + len(found.target.lost), moved + len(found.target.moved)
        for (start, end), text in zip(found.target.places, found.target.texts, strict=True):
            assert row["context"][start:end] == text
            assert text in {x["text"].strip() for x in row["answers"]}
    assert (lost + moved, used > 2200) == (139, True)
