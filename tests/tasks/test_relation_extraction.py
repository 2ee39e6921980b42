"""Which relation two pieces of a text have."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glossator.artifact.folder import Details
from glossator.artifact.opening import load, opened_asks
from glossator.artifact.predictor import Predictor
from glossator.errors import ConfigError, InputError, ModelFolderError, TextError
from glossator.tasks.kinds.relation_extraction.config import CONFIG, Options, RelationAsks
from glossator.tasks.kinds.relation_extraction.places import Pair
from glossator.tasks.kinds.relation_extraction.prediction import Piece
from glossator.tasks.kinds.relation_extraction.task import KIND
from glossator.tasks.kinds.relation_extraction.windows import (
    MARKS,
    encode_pairs,
    kept,
    left_out,
    marks_of,
)
from glossator.tasks.task import Base
from glossator.text.characters import begins_inside_character
from glossator.text.frames import plain_row
from glossator.text.preflight import preflight
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row

COLUMNS = {name: (name,) for name in ("text", "head", "tail", "relation")}
MARKED = {name: (name,) for name in ("text", "relation")}
TEXT = "the team won the bank , and the film"


def read(columns=COLUMNS, options=None, targets=True, line=3, **values):
    row = {"text": TEXT, "head": "team", "tail": "bank", "relation": "met"} | values
    reader = KIND.reader(columns, options or Options())
    return reader.read(Row("t", line, row), targets=targets)


# Heads and tails


@pytest.mark.parametrize(
    "given",
    [
        "team",
        " team ",
        {"start": 4, "end": 8},
        {"start": 3, "end": 9},
        {"start": 4, "end": 8, "text": "team"},
        {"start": 4, "text": "team"},
        {"text": "team"},
        [4, 8],
        (4, 8),
        plain_row({"head": np.array([4, 8])})["head"],
        plain_row({"start": np.int64(4), "end": np.int64(8)}),
        '{"start": 4, "end": 8}',
        "[4, 8]",
    ],
)
def test_a_head_is_a_piece_or_a_place(given):
    found = read(head=given)
    assert isinstance(found, Record), found
    assert found.input == Pair(TEXT, (4, 8), (17, 21))
    assert found.target == "met"


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("mouse", "not_in_text", "the head 'mouse' does not stand in the text"),
        ("the", "several_places", "'the' stands in the text 3 times; give its place"),
        (" ", "empty_head", "the head is empty"),
        (None, "not_a_place", "the head is null; expected a piece of the text, {start, end}"),
        (["team"], "not_a_place", "a list"),
        ([4, 99], "wrong_offset", "characters 4 to 99 are not in a text of 36"),
        ([8, 4], "wrong_offset", "characters 8 to 4"),
        ([-4, 8], "wrong_offset", "characters -4"),
        ([True, 8], "not_a_place", "True and 8"),
        ({"start": 4, "end": "8"}, "not_a_place", "4 and '8'"),
        ({"start": 5, "end": 8, "text": "team"}, "wrong_offset", "'eam', expected 'team'"),
        ([3, 4], "empty_piece", "nothing but spaces"),
        ([17, 21], "same_place", "head and tail are the same characters, 17 to 21"),
        ("[4]", "not_in_text", "'[4]'"),
    ],
)
def test_heads_that_cannot_be_used_are_rejected_by_name(given, kind, said):
    found = read(head=given)
    assert isinstance(found, Rejection), found
    assert (found.kind, found.line) == (kind, 3)
    assert said in found.message


def test_where_a_piece_stands_several_times_its_places_are_told():
    assert "it begins at 0, 13, 28" in read(head="the").message
    assert "aa' stands in the text 2 times" in read(text="aaa b", head="aa", tail="b").message


def test_rows_without_a_column_or_a_relation_are_rejected_by_name():
    assert read(relation=None).kind == "not_text"
    assert read(relation=" ").kind == "empty_relation"
    row = Row("t", 1, {"text": "a b", "tail": "b", "relation": "x"})
    found = KIND.reader(COLUMNS, Options()).read(row, targets=True)
    assert (found.kind, found.message) == ("missing_column", "the row has no column 'head'")


@pytest.mark.parametrize(("piece", "unit"), [("Oslo", "bytes"), ("Bern", "UTF-16 units")])
def test_offsets_in_other_units_are_told(piece, unit):
    """Each of the emoji is one character, two units of UTF-16 and four bytes."""
    text = "\U0001f600\U0001f600 café Oslo Bern"
    start = 15
    assert text.index(piece) == {"Oslo": 8, "Bern": 13}[piece]
    found = read(text=text, head={"start": start, "end": start + 4, "text": piece}, tail="café")
    assert found.kind == "wrong_offset"
    assert f"they look counted in {unit}, count characters" in found.message


def test_half_a_character_is_no_head():
    text = "e\u0301t ! \U0001f44d\U0001f3fd oui"
    assert read(text=text, head=[0, 1], tail="oui").kind == "half_character"
    assert read(text=text, head=[6, 7], tail="oui").kind == "half_character"
    assert read(text=text, head="e", tail="oui").kind == "not_in_text"


# Marks


def test_marks_are_taken_out_of_the_text():
    found = read(MARKED, text="A <e1> ridge </e1> rises from the<e2>surge</e2>.")
    assert found.input == Pair("A  ridge  rises from thesurge.", (3, 8), (24, 29))
    turned = read(MARKED, text="<e2>Oslo</e2> has <e1>Ann</e1>")
    assert turned.input == Pair("Oslo has Ann", (9, 12), (0, 4))


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("no marks at all", "no_marks", "the text marks no head and tail"),
        ("<e1>a</e1> b", "missing_mark", "the text has no <e2>"),
        ("<e1>a</e1> <e2>b", "missing_mark", "the text has no </e2>"),
        ("<e1>a</e1> <e1>b</e1> <e2>c</e2>", "doubled_mark", "<e1> stands in the text 2 times"),
        ("<e1>a <e2>b</e2></e1>", "nested_marks", "<e2> is nested inside <e1>"),
        ("<e2>a <e1>b</e1></e2>", "nested_marks", "<e1> is nested inside <e2>"),
        ("<e1>a <e2>b</e1> c</e2>", "crossing_marks", "<e2> begins before </e1>"),
        ("</e1>a<e1> <e2>b</e2>", "crossing_marks", "</e1> stands before its <e1>"),
        ("<e1> </e1> <e2>b</e2>", "empty_piece", "head between <e1> and </e1> is nothing but"),
        ("<e1>a</e1> <e2></e2>", "empty_piece", "tail between <e2> and </e2>"),
    ],
)
def test_marks_that_cannot_be_read_are_rejected_by_name(text, kind, said):
    found = read(MARKED, text=text)
    assert isinstance(found, Rejection), found
    assert found.kind == kind
    assert said in found.message


def test_where_there_are_columns_marks_are_text():
    found = read(text="<e1>team</e1> bank")
    assert found.input == Pair("<e1>team</e1> bank", (4, 8), (14, 18))


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(WORDS, WORDS, WORDS, WORDS, WORDS, st.booleans())
def test_marked_pieces_are_given_back_as_they_stand(before, head, between, tail, after, turned):
    assume(not any("<" in x for x in (before, head, between, tail, after)))
    one, other = (2, 1) if turned else (1, 2)
    text = f"{before}<e{one}>{head}</e{one}>{between}<e{other}>{tail}</e{other}>{after}"
    found = read(MARKED, text=text)
    pieces = (tail, head) if turned else (head, tail)
    if isinstance(found, Rejection):
        assert found.blank or not all(piece.strip() for piece in pieces)
        return
    pair = found.input
    assert pair.text == before + head + between + tail + after
    for piece, (start, end) in zip(pieces, (pair.head, pair.tail), strict=True):
        assert 0 <= start < end <= len(pair.text)
        assert pair.text[start:end] in piece
        assert pair.text[start:end].strip() == piece.strip()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=2, max_size=30), st.data())
def test_a_place_is_inside_its_text_or_rejected(text, data):
    places = st.tuples(st.integers(-2, len(text) + 2), st.integers(-2, len(text) + 2))
    head, tail = data.draw(places), data.draw(places)
    found = read(text=text, head=head, tail=json.dumps(tail))
    if isinstance(found, Rejection):
        return
    for (start, end), (first, last) in ((found.input.head, head), (found.input.tail, tail)):
        assert first <= start < end <= last
        assert text[start:end].strip() == text[first:last].strip()
        assert not begins_inside_character(text, end)


# Windows


@given(st.integers(8, 60), st.data())
def test_a_window_holds_both_pieces_and_no_more_than_it_can(limit, data):
    length = data.draw(st.integers(4, 200))
    spans = st.integers(0, length - 2).flatmap(
        lambda a: st.tuples(st.just(a), st.integers(a + 2, length))
    )
    head, tail = data.draw(spans), data.draw(spans)
    runs = kept(length, head, tail, limit)
    held = [place for start, stop in runs for place in range(start, stop)]
    assert held == sorted(set(held))
    assert held[0] >= 0
    assert held[-1] < length
    assert len(held) <= limit
    for start, stop in (head, tail):
        assert {start, stop - 1} <= set(held), "a mark is lost"
    together = max(head[1], tail[1]) - min(head[0], tail[0])
    if length <= limit:
        assert len(held) == length
    elif together <= limit:
        assert len(runs) == 1
        assert len(held) == limit, "room is left"


def test_context_goes_to_both_sides_and_to_the_end_of_a_text():
    assert kept(100, (50, 53), (57, 60), 20) == [(45, 65)]
    assert kept(100, (0, 3), (7, 10), 20) == [(0, 20)]
    assert kept(100, (90, 93), (97, 100), 20) == [(80, 100)]
    assert kept(100, (10, 13), (87, 90), 20) == [(7, 17), (84, 94)]
    assert kept(100, (87, 90), (10, 13), 20) == [(7, 17), (84, 94)]
    assert kept(100, (10, 40), (87, 90), 20) == [(10, 19), (39, 40), (84, 94)]


@pytest.fixture(scope="module")
def base(tiny_model_folder):
    return Base.of(tiny_model_folder, 24)


def rows(count=24):
    told = [("team", "bank"), ("film", "card"), ("market", "team")]
    found = []
    for number in range(count):
        head, tail = told[number % 3]
        relation = ("met", "no_relation")[number % 2]
        text = f"the {head} {relation[:3]} the {tail} in week {number}"
        found.append(read(text=text, head=head, tail=tail, relation=relation, line=number))
    return found


def learned(base, records=None, columns=COLUMNS, **options):
    return KIND.learn(records or rows(), base, columns, Options(**options))


def predictor(base, task):
    details = Details(
        task=CONFIG.name, columns=COLUMNS, max_length=base.max_length, base_model="tiny"
    )
    return Predictor(task.build(base, 0), task, details)


def test_marks_stand_round_head_and_tail(base):
    tokenizer = base.tokenizer
    vocabulary = tokenizer.vocabulary
    head, tail = marks_of(tokenizer)
    assert head != tail
    for order in (("team", "bank"), ("bank", "team")):
        record = read(head=order[0], tail=order[1])
        (row,) = encode_pairs(tokenizer, [record.input], [7], (head, tail), 40)
        (example,) = row
        pieces = [vocabulary[i] for i in example.tokens]
        for mark, word, place in zip((head, tail), order, example.arrays[0], strict=True):
            assert pieces[place : place + 3] == [mark, word, mark]
        plain = [x for i, x in enumerate(pieces) if x not in (head, tail) or x == ","]
        assert plain[1:-1] == TEXT.split()
        assert example.arrays[1] == 7
        assert (row.n_tokens, left_out(tokenizer, row)) == (9, 0)


def test_pieces_may_overlap(base):
    """Closing marks go first, and the outer piece is outside."""
    tokenizer, vocabulary = base.tokenizer, base.tokenizer.vocabulary
    (head, tail), text = marks_of(base.tokenizer), "the top team lost"
    told = {
        ((0, 12), (8, 12)): f"{head} the top {tail} team {tail} {head} lost",
        ((8, 12), (0, 12)): f"{tail} the top {head} team {head} {tail} lost",
        ((0, 7), (4, 12)): f"{head} the {tail} top {head} team {tail} lost",
        ((0, 7), (0, 12)): f"{tail} {head} the top {head} team {tail} lost",
        ((4, 7), (8, 12)): f"the {head} top {head} {tail} team {tail} lost",
    }
    for places, expected in told.items():
        (row,) = encode_pairs(tokenizer, [Pair(text, *places)], [0], (head, tail), 40)
        assert " ".join(vocabulary[i] for i in row[0].tokens[1:-1]) == expected
        assert [vocabulary[row[0].tokens[i]] for i in row[0].arrays[0]] == [head, tail]


def test_a_vocabulary_of_pieces_of_text_has_marks_too(multilingual_folder):
    """Where a piece of a space and a mark stands for the mark, and Chinese is not cut by spaces."""
    base = Base.of(multilingual_folder)
    tokenizer, text = base.tokenizer, "东方航空AH股临时停牌传将与上航合并"
    marks = marks_of(tokenizer)
    assert marks == ("@", "#")
    (row,) = encode_pairs(tokenizer, [Pair(text, (0, 4), (14, 16))], [0], marks, 64)
    example = row[0]
    assert tokenizer.decode(example.tokens).replace(" ", "") == (
        "@东方航空@AH股临时停牌传将与#上航#合并"
    )
    assert [tokenizer.decode([example.tokens[i]]).strip() for i in example.arrays[0]] == ["@", "#"]
    assert tokenizer.shows(example.tokens[1:-1]).all()


def test_what_a_window_has_no_room_for_is_told(base):
    around = "how slow and boring that was " * 5
    text = f"{around}the team won the bank {around}"
    task = learned(base, [*rows(), read(text=text)])
    record = read(text=text)
    (row,) = task.encode([record])
    assert len(row[0].tokens) == 24
    answer = task.decode(record, row, np.zeros(2))
    assert answer.left_out == answer.n_tokens - (24 - 2 - MARKS) == 65 - 18
    assert answer.to_json()["relations"][0]["left_out"] == answer.left_out


def test_a_window_without_room_is_refused(tiny_model_folder):
    with pytest.raises(ConfigError, match="a window of 9 tokens has room for 7"):
        learned(Base.of(tiny_model_folder, 9))


def test_a_vocabulary_without_marks_is_refused():
    tokenizer = SimpleNamespace(
        encode_words=lambda texts: [(np.array([1]), np.array([0]))] * len(texts),
        shows=lambda ids: np.array([True] * len(ids)),
        unknown_id=1,
    )
    with pytest.raises(ConfigError, match="the vocabulary has 0 of the marks"):
        marks_of(tokenizer)


# Answers


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=40)


@given(st.data())
def test_pieces_of_any_text_are_given_back_alone_and_among_others(base, data):
    records = []
    for number, text in enumerate(data.draw(st.lists(TEXTS, min_size=2, max_size=4))):
        cuts = data.draw(st.lists(st.integers(0, len(text)), min_size=4, max_size=4).map(sorted))
        head, tail = cuts[:2], cuts[2:]
        if data.draw(st.booleans()):
            head, tail = tail, head
        found = read(text=text, head=head, tail=tail, targets=False, line=number)
        records += [found] if isinstance(found, Record) else []
    assume(records)
    model = predictor(base, learned(base))
    together = model.answers(
        [{"text": x.input.text, "head": x.input.head, "tail": x.input.tail} for x in records]
    )
    for record, answer in zip(records, together, strict=True):
        for piece, place in ((answer.head, record.input.head), (answer.tail, record.input.tail)):
            assert (piece.start, piece.end) == place
            assert answer.text[piece.start : piece.end] == piece.text
        (alone,) = model.answer_records([record])
        assert alone.head == answer.head
        for one, other in zip(alone.labels, answer.labels, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-5)


def test_which_piece_is_the_head_makes_a_difference(base):
    model = predictor(base, learned(base))
    one, other = model.predict([(TEXT, "team", "bank"), (TEXT, "bank", "team")])
    assert (one.head.text, other.head.text) == ("team", "bank")
    assert one.labels != other.labels


def test_an_answer_is_json_and_lists_what_is_asked(base):
    model = predictor(base, learned(base))
    (found,) = model.predict([{"text": TEXT, "head": [4, 8], "tail": "bank"}], top_k=1)
    assert json.loads(json.dumps(found.to_json())) == {
        "relations": [
            {
                "head": {"start": 4, "end": 8, "text": "team"},
                "tail": {"start": 17, "end": 21, "text": "bank"},
                "label": found.label,
                "score": round(found.score, 6),
                "left_out": 0,
            }
        ],
        "labels": [{"label": found.label, "score": round(found.score, 6)}],
        "n_tokens": 9,
        "windows": 1,
    }
    assert model.classes_.tolist() == ["met", "no_relation"]
    assert model.predict_proba([(TEXT, "team", "bank")]).sum() == pytest.approx(1)
    assert model.score([(TEXT, "team", "bank")], [found.label]) == 1
    with pytest.raises(InputError, match="expected a string"):
        model.score([(TEXT, "team", "bank")], [3])


def test_what_is_no_input_is_named(base):
    model = predictor(base, learned(base))
    with pytest.raises(TextError, match=r"text 0 is 'only a text'.*a text, its head and its tail"):
        model.predict(["only a text"])
    with pytest.raises(TextError, match="text 1: the head 'mouse' does not stand in the text"):
        model.predict([(TEXT, "team", "bank"), (TEXT, "mouse", "bank")])


def test_a_folder_answers_as_its_model_did(base, tmp_path):
    model = predictor(base, learned(base, class_weights="auto", no_relation="met"))
    model.details = dataclasses.replace(model.details, saved=model.task.saved())
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.task.saved() == model.task.saved()
    assert again.task.negative == "met"
    inputs = [(TEXT, "team", "bank")]
    assert again.predict(inputs)[0].to_json() == model.predict(inputs)[0].to_json()


def test_the_head_of_other_relations_is_not_gone_on_with(base, tmp_path):
    """As many relations of other names are other relations."""
    task = learned(base)
    model = predictor(base, task)
    model.details = dataclasses.replace(model.details, saved=task.saved())
    model.save(tmp_path / "model")
    there = Base.of(tmp_path / "model", 24)
    named = [dataclasses.replace(x, target={"met": "sold"}.get(x.target, x.target)) for x in rows()]
    same, other = learned(there), learned(there, named)
    kept, new = same.build(there, 5), other.build(there, 5)
    (before,) = model.model.extra.values()
    (again,) = kept.extra.values()
    (fresh,) = new.extra.values()
    np.testing.assert_array_equal(again.output.weight.detach(), before.output.weight.detach())
    assert kept.notes == ()
    assert (fresh.output.weight != before.output.weight).any()
    assert "a new head" in new.notes[0]


def test_a_folder_that_lost_its_head_is_refused(base, tmp_path):
    model = predictor(base, learned(base))
    model.details = dataclasses.replace(model.details, saved=model.task.saved())
    model.save(tmp_path / "model")
    (tmp_path / "model" / "heads.safetensors").unlink()
    there = Base.of(tmp_path / "model", 24)
    with pytest.raises(ModelFolderError, match="holds no head for its 2 relations"):
        KIND.restore(there, model.task.saved()).open(there)


# What is learned of rows


def test_what_says_that_there_is_no_relation(base):
    assert learned(base).negative == "no_relation"
    assert learned(base, no_relation="met").negative == "met"
    assert learned(base, no_relation="").negative is None
    assert learned(base).chosen_by[0] == "micro_f1"


def test_relations_with_directions_are_judged_by_their_official_score(base):
    named = [
        dataclasses.replace(x, target={"met": "Met(e1,e2)"}.get(x.target, "Other")) for x in rows()
    ]
    task = learned(base, named)
    assert task.directed
    assert task.measures[0].name == task.chosen_by[0] == "macro_f1"


def test_rare_relations_can_weigh_more(base):
    few = [x for i, x in enumerate(rows()) if x.target == "met" or i < 4]
    task = learned(base, few, class_weights="auto")
    weights = dict(zip(task.labels, task.class_weights.tolist(), strict=True))
    assert weights["no_relation"] == pytest.approx(6 * weights["met"])


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="--label-smoothing"):
        Options(label_smoothing=1.0)


# Before anything is learned


def found_in(items, tokenizer=None, limit=None, **parts):
    reader = KIND.reader(COLUMNS, Options())
    checked = preflight(
        items, examiner=reader.examiner(), tokenizer=tokenizer, limit=limit, **parts
    )
    return {finding.kind: finding for finding in checked.findings}


def test_findings_tell_what_rows_have():
    found = found_in(rows(), dev=[read(relation="sold"), *rows(4)])
    assert "'no_relation' (12 training rows) says that there is no relation" in (
        found["no_relation"].message
    )
    assert "2 relations" in found["relations"].message
    assert found["unknown_relation"].message.startswith("dev: 1 row with a relation that no")
    assert "100% of rows" in found["order"].message
    assert "windows" not in found


def test_a_name_that_no_row_has_is_an_error():
    reader = KIND.reader(COLUMNS, Options(no_relation="nil"))
    checked = preflight(rows(), examiner=reader.examiner())
    (found,) = [x for x in checked.findings if x.kind == "no_negative"]
    assert found.severity == "error"
    assert "'nil' of --no-relation" in found.message


def test_one_relation_teaches_nothing():
    assert found_in([x for x in rows() if x.target == "met"])["one_class"].severity == "error"


def test_rows_that_are_too_long_are_counted_beforehand(base):
    around = "how slow and boring that was " * 5
    items = [
        *rows(),
        read(text=f"{around} the team won the bank", line=90),
        read(text=f"the team {around} won the bank", line=91),
    ]
    limit = base.max_length - base.tokenizer.specials
    found = found_in(items, base.tokenizer, limit)
    assert found["long_pairs"].count == 2
    assert found["long_pairs"].examples == ("t:90", "t:91")
    assert found["far_apart"].examples == ("t:91",)
    assert "windows" not in found, "which says that nothing is cut off"
    assert "long_pairs" not in found_in(rows(), base.tokenizer, limit)


def test_the_same_text_with_another_pair_is_another_row():
    items = [read(line=1), read(line=2, head="film"), read(line=3, head="bank", tail="team")]
    assert {len(x.texts) for x in items} == {3}
    assert len({x.texts for x in items}) == 3
    assert {x.together for x in items} == {TEXT}
    found = found_in([*items, read(line=4, relation="sold")])
    assert any("sold" in x.message for x in found.values() if x.kind != "relations")


# Scores


def scored(task, records, right):
    """Scores of answers of which so many are right."""
    scores, wanted = task.scores(paired=True), task.targets(records)
    logits = np.zeros((len(records), len(task.labels)), np.float32)
    for number, label in enumerate(wanted):
        logits[number, label if number < right else 1 - label] = 3
    scores.add(records, task.encode(records), list(logits))
    return scores


def test_scores_sections_and_marks(base):
    task, records = learned(base), rows()
    scores = scored(task, records, 20)
    result = scores.result()
    assert result["accuracy"] == pytest.approx(20 / 24)
    assert {measure.name for measure in task.measures} <= result.keys()
    sections = scores.sections("test")
    assert [section.id for section in sections] == ["relations", "mistakes", "confidence"]
    mistakes = sections[1].figures[0].quotes
    assert len(mistakes) == 4
    quote = mistakes[0]
    assert {quote.text[x.start : x.end] for x in quote.marks} == {
        records[quote.line].row.values[side] for side in ("head", "tail")
    }
    assert quote.gold == records[quote.line].target


def test_a_relation_that_is_unknown_is_wrong_and_told(base):
    task = learned(base)
    records = [*rows(), read(relation="sold")]
    answers = [np.eye(2, dtype=np.float32)[max(0, x)] for x in task.targets(records)]
    scores = task.scores()
    scores.add(records, task.encode(records), answers)
    assert scores.result()["accuracy"] == pytest.approx(24 / 25)
    (told,) = scores.remarks()
    assert "1 row with a relation that the model does not have" in told.message


def test_two_models_are_compared_row_by_row(base):
    task, records = learned(base), rows()
    worse, better = scored(task, records, 6), scored(task, records, 22)
    found = worse.paired(better)
    assert found.b_is_better
    assert found.p_value < 0.05
    assert [x.metric for x in found.differences] == ["micro_f1", "macro_f1", "accuracy"]
    assert worse.paired(worse).same


def test_always_the_same_answer_is_no_skill(base):
    task, records = learned(base), rows()
    scores = task.scores()
    scores.add(records, task.encode(records), [np.array([2.0, 1.0], np.float32)] * len(records))
    assert "answers 'met' for every row" in scores.remarks()[0].message


# Entities that another model finds


@dataclasses.dataclass(frozen=True)
class Found:
    start: int
    end: int
    label: str
    text: str
    score: float = 1.0


class Names:
    """Finds the words that it is told."""

    def __init__(self, *words):
        self.words, self.asked = words, 0
        self.task = SimpleNamespace(name="token-classification")

    def answers(self, inputs):
        self.asked += len(inputs)
        return [
            SimpleNamespace(
                entities=tuple(
                    Found(text.index(x), text.index(x) + len(x), "THING", x)
                    for x in self.words
                    if x in text
                )
            )
            for text in inputs
        ]


def test_each_pair_of_entities_is_asked(base):
    task = learned(base)
    turned = [*rows(), read(head="bank", tail="team")]
    both = learned(base, turned)
    for each, count in ((task, 3), (both, 6)):
        model = predictor(base, each)
        (row,) = model.asked(None, {"entities": Names("team", "bank", "film")}).encode(
            [read(targets=False)]
        )
        assert len(row) == row.windows == len(set(row.pairs)) == count


def test_the_relations_of_a_text_are_those_of_its_pairs_but_none(base):
    """The same as each pair by itself, without those that have no relation."""
    model = predictor(base, learned(base, [*rows(), read(head="bank", tail="team")]))
    text = "the film met the bank , the card and the team"
    names = Names("film", "bank", "card", "team")
    answers = model.predict([text, "nothing here", "the team"], entities=names)
    entities = [Piece(x.start, x.end, x.text) for x in answers[0].entities]
    assert [x.text for x in entities] == ["film", "bank", "card", "team"]
    expected = {}
    for head in entities:
        for tail in entities:
            if head != tail:
                given = {"text": text, "head": [head.start, head.end], "tail": tail.text}
                (alone,) = model.predict([given])
                if alone.label != "no_relation":
                    expected[head.text, tail.text] = alone
    found = {(x.head.text, x.tail.text): x for x in answers[0].relations}
    assert found.keys() == expected.keys()
    for pair, one in found.items():
        assert one.label == expected[pair].label
        assert one.score == pytest.approx(expected[pair].score, abs=1e-5)
        assert one.head.label == "THING"
    for answer, count in zip(answers[1:], (0, 1), strict=True):
        assert (answer.relations, len(answer.entities), answer.windows) == ((), count, 0)
    assert json.loads(json.dumps(answers[0].to_json()))["windows"] == 12


def test_marks_and_columns_are_not_asked_for_where_entities_are_found(base):
    model = predictor(base, learned(base))
    asked = model.asked(None, {"entities": Names("team")})
    assert asked.reader({"text": ("body",), **COLUMNS}).inputs == {"text": ("text",)}
    with pytest.raises(TextError, match="expected a text, or a mapping"):
        model.predict([3], entities=Names("team"))


def test_what_finds_no_entities_is_refused(base):
    model = predictor(base, learned(base))
    with pytest.raises(ConfigError, match=r"glossator\.load"):
        model.predict([TEXT], entities="a folder")
    with pytest.raises(ConfigError, match="a model of relation-extraction; expected token-class"):
        model.predict([TEXT], entities=model)
    with pytest.raises(ConfigError, match="knows no relation that says that there is none"):
        predictor(base, learned(base, no_relation="")).predict([TEXT], entities=Names("team"))


class Chosen:
    """Names relations by what stands between head and tail, in the place of a trained model."""

    def __init__(self, task):
        self.task = task

    def answers(self, records, rows):
        found = []
        for record, row in zip(records, rows, strict=True):
            logits = np.zeros((len(row.pairs), len(self.task.labels)), np.float32)
            for number, (head, tail) in enumerate(row.pairs):
                between = record.input.text[row.entities[head].end : row.entities[tail].start]
                met = between.strip() == "won"
                logits[number, self.task.labels.index("met" if met else "no_relation")] = 5
            found.append(logits)
        return found


def test_both_models_together_are_scored_text_by_text(base):
    """One is found, one has a head that is not, one is not seen, and one is invented."""
    task = learned(base).asked(asks=RelationAsks(entities=Names("team", "bank", "film")))
    texts = ["the team won the bank", "the card won the bank", "a film and a team", "bank won film"]
    told = [
        (0, "team", "bank", "met"),
        (0, "bank", "team", "no_relation"),
        (1, "card", "bank", "met"),
        (2, "film", "team", "met"),
        (3, "bank", "film", "no_relation"),
    ]
    texts = [text.replace("won the", "won") for text in texts]
    records = [
        read(text=texts[n], head=head, tail=tail, relation=relation, line=line)
        for line, (n, head, tail, relation) in enumerate(told)
    ]
    scores = task.scores()
    for part in (records[:1], records[1:]):  # a text may come again in another part
        rows = task.encode(part)
        scores.add(part, rows, Chosen(task).answers(part, rows))
    found = scores.result()
    assert (found["precision"], found["recall"]) == (pytest.approx(1 / 2), pytest.approx(1 / 3))
    assert found["f1"] == pytest.approx(2 * 1 / (2 + 3))
    assert (found["pairs_found"], found["relations"]) == (pytest.approx(2 / 3), 3)
    assert found["f1_ci"][0] <= found["f1"] <= found["f1_ci"][1]
    assert {measure.name for measure in task.measures} <= found.keys()
    relations, mistakes = scores.sections("test")
    assert relations.figures[0].rows == [("met", found["f1"], 1 / 2, found["recall"], 3)]
    wrong = {quote.text: (quote.gold, quote.answer) for quote in mistakes.figures[0].quotes}
    assert wrong == {
        texts[1]: ("card met bank", "nothing more"),
        texts[2]: ("film met team", "nothing more"),
        texts[3]: ("nothing more", "bank met film"),
    }
    assert scores.paired(scores).same


def test_the_rows_on_a_text_ask_for_it_once(base):
    names = Names("team", "bank", "film")
    task = learned(base).asked(asks=RelationAsks(entities=names))
    rows = task.encode(
        [read(line=1), read(line=2, head="film"), read(line=3, text="film bank team")]
    )
    assert ([len(row) for row in rows], names.asked) == ([3, 0, 3], 2)
    again = task.encode([read(line=1, targets=False), read(line=2, targets=False)])
    assert [len(row) for row in again] == [3, 3], "each row that is answered has its answer"


def test_a_folder_that_was_asked_for_is_opened(base, tmp_path):
    model = predictor(base, learned(base))
    model.details = dataclasses.replace(model.details, saved=model.task.saved())
    folder = tmp_path / "model"
    model.save(folder)
    opened = opened_asks(CONFIG.name, {"entities": str(folder)})
    assert opened["entities"].task.name == CONFIG.name
    assert opened_asks(CONFIG.name, {"entities": model}) == {"entities": model}
    with pytest.raises(ModelFolderError, match="does not exist"):
        opened_asks(CONFIG.name, {"entities": str(tmp_path / "nowhere")})


def test_it_says_what_it_reads():
    assert CONFIG.shapes[0] == ("text", "head", "tail", "relation")
    assert CONFIG.opens_as == "AutoModel"
    assert RelationAsks().entities is None
