from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.config import from_mapping, read_toml, to_mapping, to_toml
from glossator.errors import ConfigError
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.models.config import RuntimeConfig
from glossator.tasks.kinds.text_classification.config import Options
from glossator.text.config import TableConfig
from glossator.training.config import TrainingConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.5
    place: Path | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner = dataclasses.field(default_factory=Inner)
    kind: Literal["a", "b"] = "a"
    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    number: int | None = None
    on: bool = False


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
shares = st.floats(0, 0.45, allow_nan=False)
configs = st.builds(
    FitConfig,
    task=words,
    columns=st.fixed_dictionaries(
        {},
        optional={
            "text": st.lists(words, min_size=1, max_size=3).map(tuple),
            "label": words.map(lambda name: (name,)),
        },
    ),
    options=st.fixed_dictionaries(
        {}, optional={"class_weights": st.sampled_from(["none", "auto"]), "focal_gamma": shares}
    ),
    data=st.builds(
        DataConfig,
        dev=st.none() | words,
        group=st.none() | words,
        dev_fraction=shares,
        test_fraction=shares,
    ),
    table=st.builds(
        TableConfig,
        format=st.sampled_from([None, "csv", "tsv", "jsonl", "parquet"]),
        delimiter=st.sampled_from([None, ";", "\t"]),
        quoting=st.sampled_from([None, "none", "minimal"]),
        columns=st.lists(words, max_size=3).map(tuple),
    ),
    model=st.builds(ModelConfig, model=words, hub=st.booleans(), max_length=st.integers(8, 9999)),
    training=st.builds(
        TrainingConfig,
        epochs=st.integers(1, 2**40),
        learning_rate=st.none() | st.just("auto") | st.floats(1e-9, 0.5),
        schedule=st.sampled_from(["linear", "cosine", "constant"]),
        seed=st.integers(0, 2**63 - 1),
    ),
    runtime=st.builds(RuntimeConfig, device=words, threads=st.none() | st.integers(1, 64)),
)


@given(configs)
@settings(max_examples=60, deadline=None)
def test_a_config_comes_back_from_toml(config):
    assert from_mapping(FitConfig, tomllib.loads(to_toml(config))) == config


def test_the_round_trip_would_see_a_lost_field():
    config = FitConfig(training=TrainingConfig(seed=7))
    fields = tomllib.loads(to_toml(config))
    del fields["training"]["seed"]
    assert from_mapping(FitConfig, fields) != config


@given(
    st.dictionaries(
        words,
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | words,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
            max_leaves=5,
        ),
        max_size=3,
    )
    | st.dictionaries(
        st.sampled_from([f.name for f in dataclasses.fields(Outer)]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | words
        | st.lists(words | st.none())
        | st.dictionaries(st.sampled_from(["rate", "place"]), st.floats() | words | st.integers()),
    )
)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_there_is_a_config_or_a_config_error(mapping):
    try:
        config = from_mapping(Outer, mapping)
    except ConfigError:
        return
    assert from_mapping(Outer, to_mapping(config)) == config or "nan" in repr(config)


def test_plain_values_become_what_the_fields_are():
    mapping = {
        "inner": {"rate": 2, "place": "a/b"},
        "names": ["x", "y"],
        "kind": "b",
        "number": None,
        "on": True,
    }
    config = from_mapping(Outer, mapping)
    assert config == Outer(
        inner=Inner(rate=2.0, place=Path("a/b")), names=("x", "y"), kind="b", on=True
    )
    assert type(config.inner.rate) is float


def test_a_single_name_needs_no_list():
    given = from_mapping(FitConfig, {"columns": {"text": "message"}})
    assert given.columns == {"text": ("message",)}


def test_dashes_stand_for_underscores():
    assert from_mapping(DataConfig, {"dev-fraction": 0.2}).dev_fraction == 0.2


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"numbr": 1}, "unknown option 'numbr'; there are: inner, .*; did you mean 'number'"),
        ({"inner": {"rat": 1}}, "unknown option 'rat'.*did you mean 'rate'"),
        ({"inner": 3}, "inner is 3; expected a table of options"),
        ({"inner": {"rate": "fast"}}, "rate is 'fast'; expected float"),
        ({"inner": {"rate": True}}, "rate is True; expected float"),
        ({"inner": {"rate": 10**400}}, "rate is 10000.*; expected float"),
        ({"kind": "c"}, "kind is 'c'; expected one of: a, b"),
        ({"kind": ["a"]}, r"kind is \['a'\]; expected one of: a, b"),
        ({"names": 3}, "names is 3; expected a list of str"),
        ({"names": ["a", 3]}, "names is 3; expected str"),
        ({"counts": "12"}, "counts is '12'; expected int"),
        ({"number": 1.5}, "number is 1.5; expected int"),
        ({"number": True}, "number is True; expected int"),
        ({"on": 1}, "on is 1; expected bool"),
        ({"on": None}, "on is None; expected bool"),
        ({"number": list(range(10**6))}, r"number is \[0, 1, 2, 3, 4, 5, \.\.\.\]; expected int"),
    ],
)
def test_wrong_values_are_named_with_what_was_expected(mapping, message):
    with pytest.raises(ConfigError, match=message) as caught:
        from_mapping(Outer, mapping, file="run.toml")
    assert caught.value.file == "run.toml"
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (TrainingConfig, {"epochs": 0}, "--epochs must be 1 or more, got 0"),
        (TrainingConfig, {"learning_rate": 1.0}, "--learning-rate must be between 0 and 1"),
        (TrainingConfig, {"learning_rate": float("nan")}, "--learning-rate must be"),
        (TrainingConfig, {"learning_rate": "fast"}, "is 'fast'; expected float or auto"),
        (TrainingConfig, {"learning_rate": ["auto"]}, r"\['auto'\]; expected float or auto"),
        (TrainingConfig, {"learning_rate": True}, "is True; expected float or auto"),
        (TrainingConfig, {"batch_size": 0}, "--batch-size"),
        (TrainingConfig, {"token_budget": 0}, "--token-budget"),
        (TrainingConfig, {"warmup": 1.0}, "--warmup"),
        (TrainingConfig, {"clip_norm": 0.0}, "--clip-norm"),
        (Options, {"label_smoothing": 1.0}, "--label-smoothing"),
        (Options, {"focal_gamma": -1.0}, "--focal-gamma"),
        (TrainingConfig, {"patience": 0}, "--patience"),
        (TrainingConfig, {"seed": -1}, "--seed must be from 0"),
        (TrainingConfig, {"seed": 2**64}, "--seed must be from 0"),
        (Options, {"focal_gamma": 1.0, "label_smoothing": 0.1}, "exclude each other"),
        (DataConfig, {"dev_fraction": 0.9}, "--dev-fraction must be from 0 to below 0.9"),
        (DataConfig, {"dev_fraction": float("nan")}, "--dev-fraction"),
        (DataConfig, {"dev_fraction": 0.5, "test_fraction": 0.5}, "too little to learn from"),
        (ModelConfig, {"max_length": 7}, "--max-length must be 8 or more, got 7"),
        (RuntimeConfig, {"threads": 0}, "--threads must be 1 or more, got 0"),
    ],
)
def test_values_out_of_range_are_refused_and_name_the_file(cls, values, message):
    with pytest.raises(ConfigError, match=message) as caught:
        from_mapping(cls, values, file="run.toml")
    assert caught.value.file == "run.toml"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = \nb = 1", "line 1"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"\xff\xfe", "not a TOML file"),
        (b"a = " + b"9" * 5000, "not a TOML file"),
        (b"a = " + b"[" * 50_000, "not a TOML file"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path, content, message):
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_toml(path)
    assert caught.value.file == str(path)


def test_a_toml_file_that_is_missing_or_a_folder(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_toml(tmp_path / "run.toml")
    with pytest.raises(ConfigError, match="not a TOML file"):
        read_toml(tmp_path)
