"""Which task a table is for, and the columns that it reads."""

from __future__ import annotations

import pytest

from glossator.errors import ConfigError
from glossator.tasks.registry import (
    choose,
    columns_for,
    columns_scored,
    config_named,
    configs,
    kind_named,
    options_of,
    roles,
)


@pytest.mark.parametrize(
    ("typed", "columns", "task", "read"),
    [
        ({}, ["text", "label"], "text-classification", {"text": "text", "label": "label"}),
        ({}, ["id", "text", "labels"], "text-classification", {"text": "text", "label": "labels"}),
        (
            {}, ["text", "text_pair", "label"], "text-classification",
            {"text": "text", "text_pair": "text_pair", "label": "label"},
        ),
        ({}, ["tokens", "tags"], "token-classification", {"tokens": "tokens", "tags": "tags"}),
        (
            {}, ["text", "entities"], "token-classification",
            {"text": "text", "entities": "entities"},
        ),
        (
            {"text": ("body",), "entities": ("marks",)}, ["body", "marks", "label"],
            "token-classification", {"text": "body", "entities": "marks"},
        ),
        # What is missing is told by the table, in the words of the plainest task.
        ({}, ["a", "b"], "text-classification", None),
    ],
)  # fmt: skip
def test_the_task_is_read_off_the_columns(typed, columns, task, read):
    config, found = choose(None, typed, columns, "t.csv")
    assert config.name == task
    assert read is None or found == {role: (name,) for role, name in read.items()}


def test_a_named_task_wins():
    config, found = choose("text-regression", {"label": ("stars",)}, ["text", "stars"], "t.csv")
    assert (config.name, found["label"]) == ("text-regression", ("stars",))


@pytest.mark.parametrize(
    ("name", "typed", "columns", "said"),
    [
        (None, {}, ["text", "label", "entities"], "fits several tasks: .*name one with --task"),
        ("text-regression", {"tags": ("x",)}, ["text"], "reads no column --tags; it reads: --text"),
        (None, {"tags": ("x",), "label": ("y",)}, [], "no task reads --tags, --label together"),
        ("text-generation", {}, ["text"], "cannot be learned from a table"),
        ("token-clasification", {}, [], "did you mean 'token-classification'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name, typed, columns, said):
    with pytest.raises(ConfigError, match=said):
        choose(name, typed, columns, "t.csv")


def test_options_of_another_task_are_refused_by_name():
    config = config_named("text-regression")
    with pytest.raises(ConfigError, match="--decoder is no option of text-regression"):
        options_of(config, {"decoder": "crf"})


def test_a_model_reads_other_tables_by_other_columns():
    config = config_named("token-classification")
    trained = {"tokens": ("tokens",), "tags": ("tags",)}
    assert columns_for(config, trained, {}) == trained
    assert columns_for(config, trained, {"tags": ("gold",)})["tags"] == ("gold",)
    assert columns_for(config, trained, {"text": ("body",)}) == {
        "text": ("body",),
        "entities": ("entities",),
    }
    with pytest.raises(ConfigError, match="reads no column --label"):
        columns_for(config, trained, {"label": ("x",)})


def test_what_several_kinds_have_means_the_same_in_each():
    """Options and roles of all kinds are flags of one command."""
    every = roles()
    for config in configs():
        assert all(every[role.name] == role for role in config.roles), config.name
        assert kind_named(config.name).config is config
        for shape in config.shapes:
            assert set(shape) <= {role.name for role in config.roles}
            # Vectors may learn from texts alone; nobody gets them who does not ask for them.
            assert config.named_only or set(config.targets) & set(shape)


def test_a_column_that_is_learned_is_not_read_too():
    columns = ["title", "text", "label"]
    with pytest.raises(ConfigError, match=r"column 'label' is what is learned .*--text.*leave it"):
        choose(None, {"text": ("text", "label")}, columns, "t.csv")
    _, found = choose(None, {"text": ("title", "text")}, columns, "t.csv")
    assert found == {"text": ("title", "text"), "label": ("label",)}


TEXTS = {"text": ("text",)}
ANSWERS = {"text": ("question",), "text_pair": ("answer",)}


@pytest.mark.parametrize(
    ("learned", "typed", "present", "found"),
    [
        (TEXTS, {}, ["text", "id"], TEXTS),
        (TEXTS, {}, ["TEXT", "label"], {"text": "text", "label": "label"}),
        (TEXTS, {}, ["text", "text_pair"], {"text": "text", "text_pair": "text_pair"}),
        (TEXTS, {}, ["a", "b"], TEXTS),
        (TEXTS, {"text": ("a",)}, ["a", "label"], {"text": "a"}),
        (TEXTS, {"label": ("topic",)}, ["text", "topic"], {"text": "text", "label": "topic"}),
        (TEXTS, {"text_pair": ("b",)}, [], {"text": "text", "text_pair": "b"}),
        (ANSWERS, {}, ["question", "answer", "label"], ANSWERS),
        (ANSWERS, {"text": ("a",)}, ["a", "answer"], {"text": "a", "text_pair": "answer"}),
        (ANSWERS, {"text": ("a",)}, ["a"], {"text": "a"}),
        (ANSWERS, {"label": ("topic",)}, ["question", "topic"], {
            "text": "question", "label": "topic",
        }),
    ],
)  # fmt: skip
def test_named_columns_say_what_a_model_is_scored_by(learned, typed, present, found):
    config = config_named("feature-extraction")
    read = columns_scored(config, learned, typed, present)
    assert read == {
        role: (names,) if isinstance(names, str) else names for role, names in found.items()
    }


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"negative": ("c",), "label": ("d",)}, "reads no rows with --negative --label; it reads"),
        ({"tags": ("c",)}, "reads no column --tags"),
        ({"label": ("c", "d")}, "--label names one column, got 2"),
        ({"label": ("text",)}, "column 'text' is what is learned"),
    ],
)
def test_columns_that_no_rows_have_together_are_refused(typed, said):
    with pytest.raises(ConfigError, match=said):
        columns_scored(config_named("feature-extraction"), TEXTS, typed, ["text", "c", "d"])
