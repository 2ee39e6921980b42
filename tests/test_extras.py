"""Optional packages are looked for before anything is read or built."""

from __future__ import annotations

import sys

import pytest

from glossator.errors import MissingPackageError
from glossator.extras import require


@pytest.fixture
def without(monkeypatch):
    """Let a package be one that is not installed."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        ("ray", "ray"),
        ("wandb", "wandb"),
        ("huggingface_hub", "hub"),
        ("python_calamine", "excel"),
        ("usearch", "search"),
        ("opentelemetry.exporter.otlp.proto.http", "otel"),
    ],
)
def test_a_missing_package_is_told_with_the_line_that_installs_it(without, package, extra):
    without(package)
    with pytest.raises(MissingPackageError, match=rf"pip install 'glossator\[{extra}\]'") as found:
        require(extra)
    assert isinstance(found.value, ImportError)
    assert found.value.exit_code == 2


def test_a_folder_of_its_name_is_no_package(tmp_path, monkeypatch):
    """As W&B leaves one where it runs."""
    (tmp_path / "wandb").mkdir()
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(MissingPackageError):
        require("wandb")


def test_a_package_that_is_here_is_not_loaded(tmp_path, monkeypatch):
    """The control."""
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "__init__.py").write_text("raise SystemExit")
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    require("wandb")
    assert "wandb" not in sys.modules


def test_a_package_whose_parent_is_missing_is_told_too(without):
    without("opentelemetry")
    without("opentelemetry.exporter")
    sys.modules.pop("opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(MissingPackageError):
        require("otel")


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """Call the command line in a folder where no table and no model is."""
    from glossator.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(words)
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (["fit", "no.csv", "--ray", "local"], "ray"),
        (["fit", "no.csv", "--track", "wandb"], "wandb"),
        (["pretrain", "no.txt", "--tokenizer", "no", "--output", "m", "--track", "wandb"], "wandb"),
        (["predict", "no", "no.csv", "--ray", "local"], "ray"),
        (["fit", "no.csv", "--hub", "--model", "someone/bert"], "huggingface_hub"),
    ],
)
def test_it_is_told_before_a_table_or_a_model_is_looked_at(call, without, tmp_path, words, package):
    without(package)
    code, said = call(*words)
    assert code == 2
    assert said.startswith(f"error: {package} is not installed: pip install 'glossator[")
    assert not list(tmp_path.iterdir())
