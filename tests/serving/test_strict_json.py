"""JSON of a request, of which nothing is guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.serving.strict_json import MAX_DEPTH, NotJson, parse

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_json_is_read_as_it_is(value):
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"\xff", "UTF-8"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "Infinity"),
        (b"1e999", "too large"),
        (b"1" * 5000, "too many digits"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "twice"),
        (b"[" * 10_000 + b"]" * 10_000, "nested deeper"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "nested deeper"),
    ],
)
def test_what_is_refused(body, said):
    with pytest.raises(NotJson, match=said) as refused:
        parse(body)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize(
    "body", [b'"' + b'\\"' * 1_000_000, b'["' + b'\\"[' * 500_000, b'"\\' * 500_001, b'"' * 999_999]
)
def test_a_body_of_quotes_is_read_once(body):
    """Where each quote begins a string that is looked for to the end, this takes hours."""
    with pytest.raises(NotJson, match="not JSON"):
        parse(body)


def test_brackets_in_texts_are_no_depth():
    text = '[{"\\"' * 500
    assert parse(json.dumps([text]).encode()) == [text]
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse(deep) == json.loads(deep)
