"""An option may be a column to one kind of task and a wish to another."""

from __future__ import annotations

import dataclasses

from glossator.cli.task_options import ASKS, COLUMNS, OPTIONS, told


def test_what_is_a_column_to_one_kind_is_a_wish_to_another():
    typed = COLUMNS(text=("body",), entities="ner-model")
    assert told("relation-extraction", typed, ASKS()) == (
        {"text": ("body",)},
        {"entities": "ner-model"},
    )
    assert told("token-classification", typed, ASKS()) == (
        {"text": ("body",), "entities": ("ner-model",)},
        {},
    )


def test_wishes_that_are_typed_as_such_stay():
    assert told("text-generation", COLUMNS(), ASKS(beams=3)) == ({}, {"beams": 3})
    assert told("text-generation", COLUMNS()) == ({}, {})


def test_no_option_is_offered_twice():
    names = [field.name for cls in (COLUMNS, ASKS) for field in dataclasses.fields(cls)]
    assert len(names) == len(set(names))
    assert {"entities", "head", "tail"} <= {field.name for field in dataclasses.fields(COLUMNS)}
    assert "no_relation" in {field.name for field in dataclasses.fields(OPTIONS)}
