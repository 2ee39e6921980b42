"""The bytes that are hashed are the bytes that are loaded."""

from __future__ import annotations

import os
import shutil

import pytest

from glossator.artifact import sealing
from glossator.artifact.manifest import MANIFEST, write_manifest
from glossator.artifact.sealing import sealed
from glossator.errors import ChangedFileError, ModelFolderError

NAMES = (
    "README.md",
    "config.json",
    "glossator.json",
    "metrics.json",
    "model.safetensors",
    "tokenizer.json",
    "heads/first.safetensors",
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "topics" / "heads").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def folder(root):
    """As far as bytes go, a model folder."""
    for number, name in enumerate(NAMES):
        (root / "topics" / name).write_bytes(bytes(range(number, 200)) * 50)
    write_manifest(root / "topics")
    return root / "topics"


@pytest.fixture
def opened(monkeypatch):
    """The files that were opened to be read, as (device, number)."""
    found, real = [], os.open

    def told(*given, **named):
        handle = real(*given, **named)
        state = os.fstat(handle)
        found.append((state.st_dev, state.st_ino))
        return handle

    monkeypatch.setattr(sealing.os, "open", told)
    return found


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def identity(path):
    return (path.stat().st_dev, path.stat().st_ino)


@pytest.mark.parametrize("inside", [True, False])
def test_the_copy_is_whole_and_goes(folder, root, inside):
    with sealed(folder, root=root if inside else None) as copy:
        assert content(copy.folder) == content(folder)
        assert copy.folder.name == "topics"
        assert copy.folder.stat().st_mode & 0o077 == 0
        kept = copy.folder
    assert not kept.exists()


@pytest.mark.parametrize("name", [*NAMES, MANIFEST])
def test_one_other_byte_in_any_file_is_refused(folder, name):
    for place in (0, -1, 37):
        raw = bytearray((folder / name).read_bytes())
        raw[place] ^= 0xFF
        (folder / name).write_bytes(raw)
        with pytest.raises(ModelFolderError), sealed(folder):
            pass
        raw[place] ^= 0xFF
        (folder / name).write_bytes(raw)
    with sealed(folder):
        pass


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_missing_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ChangedFileError, match=f"{name} is missing"), sealed(folder):
        pass


def test_each_file_is_opened_once(folder, opened):
    with sealed(folder):
        pass
    for name in (*NAMES, MANIFEST):
        assert opened.count(identity(folder / name)) == 1


def test_what_is_exchanged_after_the_check_is_not_loaded(folder):
    right = content(folder)
    with sealed(folder) as copy:
        for name in NAMES:
            (folder / name).write_bytes(b"other")
        assert content(copy.folder) == right
        assert content(folder) != right


def test_what_is_exchanged_while_it_is_read_is_refused(folder, monkeypatch):
    """The manifest has been read when the last file changes in its place."""
    real = sealing.digests_in

    def late(*given):
        found = real(*given)
        (folder / "tokenizer.json").write_bytes(b"other")
        return found

    monkeypatch.setattr(sealing, "digests_in", late)
    with pytest.raises(ChangedFileError, match=r"tokenizer.json was changed"), sealed(folder):
        pass


def test_what_the_manifest_does_not_name_is_not_there(folder):
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    with sealed(folder) as copy:
        assert not (copy.folder / "pytorch_model.bin").exists()


def test_without_a_manifest_it_is_refused_or_its_version_says_so(folder):
    (folder / MANIFEST).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(ModelFolderError, match="--allow-unverified"), sealed(folder):
        pass
    with sealed(folder, allow_unverified=True) as copy:
        first = copy.version
        assert not (copy.folder / "pytorch_model.bin").exists()
        assert (copy.folder / "model.safetensors").exists()
    (folder / "model.safetensors").write_bytes(b"other")
    with sealed(folder, allow_unverified=True) as copy:
        assert copy.version.startswith("unverified-")
        assert copy.version != first


def test_a_manifest_is_held_to_also_where_none_is_asked_for(folder):
    (folder / "config.json").write_bytes(b"{}")
    with pytest.raises(ChangedFileError), sealed(folder, allow_unverified=True):
        pass


def test_under_a_root_no_link_is_followed(folder, root, tmp_path, opened):
    outside = tmp_path / "outside"
    shutil.copytree(folder, outside)
    strangers = {identity(path) for path in (outside, *outside.rglob("*"))}
    (root / "linked").symlink_to(outside)
    mixed = root / "mixed"
    shutil.copytree(folder, mixed)
    (mixed / "config.json").unlink()
    (mixed / "config.json").symlink_to(outside / "config.json")
    deep = root / "deep"
    shutil.copytree(folder, deep)
    shutil.rmtree(deep / "heads")
    (deep / "heads").symlink_to(outside / "heads")
    manifest = root / "manifest"
    shutil.copytree(folder, manifest)
    (manifest / MANIFEST).unlink()
    (manifest / MANIFEST).symlink_to(outside / MANIFEST)
    for name in ("linked", "mixed", "deep", "manifest"):
        for allow in (False, True):
            with (
                pytest.raises(ModelFolderError),
                sealed(root / name, root=root, allow_unverified=allow),
            ):
                pass
    assert not strangers & set(opened)
    with sealed(root / "linked"):
        pass
    assert strangers & set(opened), "the detector sees nothing"


@pytest.mark.parametrize(
    "name", ["../outside.json", "/etc/passwd", "a\\b", "a//b", "./a", "a\0b", "heads/../../x"]
)
def test_a_manifest_that_names_what_lies_elsewhere_is_refused(folder, root, name, opened):
    import json

    (root / "outside.json").write_bytes(b"secret")
    raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    raw["files"][name] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(ModelFolderError, match="unsafe file name"), sealed(folder, root=root):
        pass
    assert identity(root / "outside.json") not in opened


def test_a_pipe_does_not_hold_it(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(ModelFolderError, match="not a regular file"), sealed(folder):
        pass


def test_errors_name_the_folder_and_not_the_copy(folder):
    with pytest.raises(ModelFolderError) as caught, sealed(folder) as copy:
        raise ModelFolderError(f"{copy.folder} is odd", file=copy.folder / "config.json")
    assert caught.value.message == f"{folder} is odd"
    assert caught.value.file == str(folder / "config.json")
