"""Several tasks on one encoder."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch

from glossator.errors import ConfigError, InputError
from glossator.tasks.kinds.multi_task.config import Options
from glossator.tasks.kinds.multi_task.sampling import epoch_counts, epoch_rows
from glossator.tasks.kinds.multi_task.task import KIND
from glossator.tasks.learnable import filler
from glossator.tasks.task import Base, characters_of
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row

COLUMNS = {"member": ("task",)}
LABELS = ["card", "film", "market"]


def intents(count=12, task="intent"):
    return [
        {"task": task, "text": f"the {LABELS[i % 3]} {i}", "label": LABELS[i % 3]}
        for i in range(count)
    ]


def tags(count=9, task="tags"):
    words, named = ["met", "ann", "lee"], ["O", "B-P", "I-P"]
    cuts = [2 + i % 2 for i in range(count)]
    return [{"task": task, "tokens": words[:cut], "tags": named[:cut]} for cut in cuts]


def read(rows, options=None, targets=True):
    reader = KIND.reader(COLUMNS, options or Options())
    found = [reader.read(Row("t.jsonl", i, row), targets=targets) for i, row in enumerate(rows, 1)]
    return reader, found


def learned(folder, rows, **options):
    told = Options(**options)
    _, records = read(rows, told)
    base = Base.of(folder, 24)
    task = KIND.learn(records, base, COLUMNS, told)
    return task, task.build(base, 1), records


# Sampling


@pytest.mark.parametrize(
    ("sizes", "temperature", "counts"),
    [
        ([900, 100], 1.0, [900, 100]),
        ([900, 100], 2.0, [750, 250]),  # 30 to 10
        ([900, 100], 1e9, [500, 500]),
        ([7, 7, 7], 5.0, [7, 7, 7]),
        ([10**6, 1], 1.0, [10**6, 1]),
        ([5], 3.0, [5]),
    ],
)
def test_the_share_of_a_task_is_a_root_of_its_rows(sizes, temperature, counts):
    assert epoch_counts(sizes, temperature).tolist() == counts


def test_an_epoch_has_as_many_rows_as_all_tasks():
    draw = np.random.default_rng(0)
    for _ in range(200):
        sizes = draw.integers(1, 2000, draw.integers(1, 6)).tolist()
        counts = epoch_counts(sizes, float(draw.uniform(1, 20)))
        assert counts.sum() == sum(sizes)
        assert counts.min() >= 1


def test_all_rows_of_a_task_come_before_one_comes_again():
    tasks = np.array([0] * 40 + [1] * 6)
    epochs = [epoch_rows(tasks, 3.0, 7, epoch) for epoch in range(5)]
    for task in (0, 1):
        size = int((tasks == task).sum())
        counts = np.zeros(size, int)
        for epoch in epochs:
            assert len(epoch) == 46
            own = epoch[tasks[epoch] == task]
            counts += np.bincount(own - 40 * task, minlength=size)
            assert counts.max() - counts.min() <= 1
    assert len({tuple(epoch) for epoch in epochs}) == 5
    again = epoch_rows(tasks, 3.0, 7, 4)
    assert (again == epochs[4]).all()
    assert (epoch_rows(tasks, 3.0, 8, 4) != epochs[4]).any()


def test_an_order_is_its_own_only_where_a_temperature_asks_for_it(tiny_model_folder):
    task, _, records = learned(tiny_model_folder, [*intents(), *tags()])
    rows = task.encode(records)
    assert task.order(rows, 0, 0) is None
    task, _, _ = learned(tiny_model_folder, [*intents(), *tags()], temperature=2.0)
    assert len(task.order(rows, 0, 0)) == 21


# The model


def test_the_encoder_stands_in_it_once(tiny_model_folder):
    _, model, _ = learned(tiny_model_folder, [*intents(), *tags()])
    names = list(model.state_dict())
    assert names == [name for name, _ in model.named_parameters()]
    prefixes = {name.partition(".")[0] for name in names}
    assert prefixes == {"encoder", "extra"}
    assert not [name for name in names if "encoder" in name[1:]]
    for one in (model, copy.deepcopy(model)):
        assert all(one.of(name).encoder is one.encoder for name in ("intent", "tags"))


def test_both_tasks_move_the_encoder(tiny_model_folder):
    task, model, records = learned(tiny_model_folder, [*intents(), *tags()])
    examples = [example for row in task.encode(records) for example in row]
    parameter = model.encoder.blocks[0].attention.output.weight

    def gradient(some):
        loss, _ = task.loss(model, task.collate(some, 0))
        return torch.autograd.grad(loss, parameter)[0]

    whole, first, second = map(gradient, (examples, examples[:12], examples[12:]))
    assert first.abs().max() > 0
    assert second.abs().max() > 0
    torch.testing.assert_close(whole, first + second)


def test_a_row_of_one_task_weighs_as_much_as_one_of_another(tiny_model_folder):
    """The loss of tags counts words, of which a row has two or three."""
    task, model, records = learned(tiny_model_folder, [*intents(), *tags()])
    examples = [example for row in task.encode(records) for example in row]
    _, count = task.loss(model, task.collate(examples, 0))
    assert float(count) == pytest.approx(21)
    _, count = task.loss(model, task.collate(examples[12:], 0))
    assert float(count) == pytest.approx(9)


def test_a_batch_without_one_of_the_tasks_is_one_of_the_other(tiny_model_folder):
    task, model, records = learned(tiny_model_folder, [*intents(), *tags()])
    rows = task.encode(records)
    alone = task.answer(model, task.collate(list(rows[0]), 0))
    among = task.answer(model, task.collate([e for row in rows for e in row], 0))
    np.testing.assert_allclose(alone[0], among[0], atol=1e-5)
    batch = task.collate([*rows[0], filler(rows[0][0], 5, task.specs)], 0)
    assert [part.task for part in batch.parts] == ["intent"]


# Rows


def test_each_row_is_read_as_its_task_reads_it():
    _, found = read([*intents(1), *tags(1)])
    assert [record.input[0].member.kind for record in found] == [
        "text-classification",
        "token-classification",
    ]
    assert [record.asked for record in found] == ["intent", "tags"]


def test_equal_texts_of_two_tasks_are_two_rows_and_stay_together():
    one = {"task": "a", "text": "the card", "label": "x"}
    _, found = read([one, {**one, "task": "b", "label": "y"}])
    assert found[0].together == found[1].together
    assert found[0].asked != found[1].asked


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"task": "a b", "text": "x", "label": "y"}, "task_name"),
        ({"task": ["a"], "text": "x", "label": "y"}, "task_name"),
        ({"task": "", "text": "x", "label": "y"}, "missing_column"),
        ({"text": "x", "label": "y"}, "missing_column"),
        ({"task": "intent", "text": " ", "label": "y"}, "empty_text"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(row, kind):
    _, found = read([*intents(2), row])
    assert isinstance(found[-1], Rejection)
    assert found[-1].kind == kind


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"task": "fill-mask"}, "task 'intent': fill-mask cannot be learned from a table"),
        ({"task": "text-generation"}, "cannot be learned from a table"),
        ({"task": "multi-task"}, "cannot be one of its own tasks"),
        ({"task": "text-classifcation"}, "did you mean"),
        ({"label": "intnt"}, "column 'intnt' is not in t.jsonl"),
        ({"label": 3}, "expected the name of a column"),
        ({"decoder": "crf"}, "no option of text-classification"),
        ({"class_weights": "heavy"}, "class_weights is 'heavy'"),
    ],
)
def test_what_is_said_wrongly_of_a_task_names_the_task(said, told):
    with pytest.raises(InputError) as caught:
        read(intents(2), Options(members=json.dumps({"intent": said})))
    assert told in caught.value.message
    assert "task 'intent'" in caught.value.message
    assert caught.value.file == "t.jsonl"


@pytest.mark.parametrize("given", ["nonsense", "[]", '{"a": 1}', "3"])
def test_members_are_an_object_of_objects(given):
    with pytest.raises(ConfigError, match="--members is"):
        Options(members=given)


@pytest.mark.parametrize("given", [0.5, float("inf"), float("nan")])
def test_a_temperature_is_a_number_from_1(given):
    with pytest.raises(ConfigError, match="--temperature"):
        Options(temperature=given)


def test_a_task_that_is_said_and_has_no_rows_is_refused(tiny_model_folder):
    with pytest.raises(InputError, match="task 'ghost' has no training row"):
        learned(tiny_model_folder, intents(), members='{"ghost": {}}')


def test_a_task_that_looks_again_at_its_rows_is_refused(tiny_model_folder):
    members = '{"intent": {"out_of_scope": "energy"}}'
    with pytest.raises(ConfigError, match="task 'intent' looks at its training rows again"):
        learned(tiny_model_folder, intents(), members=members)


# Answers


def answered(task, model, rows, only=None):
    asked = task.asked(asks=None)
    asked.only = only
    reader = asked.reader(COLUMNS)
    records = [reader.read(Row("t", 1, row), targets=False) for row in rows]
    assert all(isinstance(record, Record) for record in records), records
    encoded = asked.encode(records)
    batch = asked.collate([example for row in encoded for example in row], 0)
    answers = iter(asked.answer(model, batch))
    return [
        asked.decode(
            record, row, asked.combine(record, row, [next(answers) for _ in row])
        ).to_json()
        for record, row in zip(records, encoded, strict=True)
    ]


def test_a_row_that_names_no_task_is_answered_by_all_that_can_read_it(tiny_model_folder):
    task, model, _ = learned(tiny_model_folder, [*intents(), *intents(task="other"), *tags()])
    named, bare, both, alone = answered(
        task, model, [
            {"task": "other", "text": "the card"}, {"text": "the card"},
            {"text": "the card", "tokens": ["ann"]}, {"tokens": ["ann"]},
        ],
    )  # fmt: skip
    assert named["tasks"].keys() == {"other"}
    assert bare["tasks"].keys() == {"intent", "other"}
    assert bare["tasks"]["other"]["label"] == named["tasks"]["other"]["label"]
    assert both["tasks"].keys() == {"intent", "other", "tags"}
    assert alone["tasks"].keys() == {"tags"}
    for answer in (named, bare, both, alone):
        assert answer.keys() == {"tasks", "n_tokens", "windows"}
        assert answer["n_tokens"] == max(x["n_tokens"] for x in answer["tasks"].values())


def test_one_task_alone_answers_where_it_is_asked_for(tiny_model_folder):
    task, model, _ = learned(tiny_model_folder, [*intents(), *intents(task="other")])
    (found,) = answered(task, model, [{"text": "the card"}], only="other")
    assert found["tasks"].keys() == {"other"}
    task.only = "other"
    refused = task.reader(COLUMNS).read(Row("t", 1, {"task": "intent", "text": "x"}), targets=False)
    assert refused.kind == "other_task"


def test_columns_that_only_some_of_the_tasks_read_are_told(tiny_model_folder):
    task, _, _ = learned(tiny_model_folder, intents() + tags())
    reader = task.reader(COLUMNS)
    assert (reader.inputs, reader.also) == ({}, ["task", "text", "tokens"])
    alike, _, _ = learned(tiny_model_folder, intents(task="a") + intents(task="b"))
    reader = alike.reader(COLUMNS)
    assert (reader.inputs, reader.also) == ({"text": ("text",)}, ["task"])


def test_what_is_read_of_a_row_is_what_its_tasks_read(tiny_model_folder):
    task, _, records = learned(tiny_model_folder, intents() + tags())
    assert [characters_of(task, x) for x in records] == [
        sum(map(len, x.input[0].record.texts)) for x in records
    ]


def test_a_right_answer_that_may_be_of_two_tasks_is_of_none(tiny_model_folder):
    task, _, _ = learned(tiny_model_folder, [*intents(), *intents(task="other")])
    row = Row("t", 1, {"text": "x", "label": "card"})
    found = task.reader(COLUMNS).read(row, targets=True)
    assert isinstance(found, Rejection)
    assert "--only intent" in found.message


def test_scores_are_by_task_and_a_task_without_rows_has_none(tiny_model_folder):
    task, model, records = learned(tiny_model_folder, [*intents(), *tags()])
    scores = task.scores(intervals=False)
    rows = task.encode(records[:12])
    answers = task.answer(model, task.collate([e for row in rows for e in row], 0))
    combined = [task.combine(x, r, [a]) for x, r, a in zip(records, rows, answers, strict=False)]
    scores.add(records[:12], rows, combined)
    found = scores.result()
    assert found["mean"] == found["intent.accuracy"]
    assert found["tags.f1"] is None
    assert {measure.name for measure in task.measures} <= found.keys()
    assert scores.sections("dev")[0].id == "tasks"
    assert all("tags" not in section.title for section in scores.sections("dev"))
