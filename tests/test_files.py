from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from glossator.errors import InputError, OutputExistsError
from glossator.files import (
    durable_write,
    new_folder,
    refuse_existing,
    replace_folder,
    safe_join,
    sha256_file,
)


def content(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


CALLS = ("chmod", "fsync", "mkdir", "rename", "replace")


def count_and_fail(monkeypatch, at: int | None) -> list[str]:
    """Every call that may touch the disk is listed; the one numbered `at` raises OSError."""
    made: list[str] = []

    def wrapped(name):
        real = getattr(os, name)

        def call(*args, **kwargs):
            made.append(name)
            if len(made) - 1 == at:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, wrapped(name))
    return made


def naive_folder(path: Path) -> None:
    """What a careless writer does: the old one goes first."""
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)
    for name in ("a", "b"):
        with open(path / name, "w") as file:
            os.fsync(file)
            file.write("new")


def careful_folder(path: Path) -> None:
    with new_folder(path, overwrite=True) as temporary:
        for name in ("a", "b"):
            durable_write(temporary / name, "new")


def broken_states(tmp_path: Path, write, old: dict[str, str] | None) -> list[str]:
    """After which calls that fail there is something at `folder` other than all old or all new."""
    broken = []
    for number in range(100):
        root = tmp_path / str(number)
        folder = root / "model"
        if old is not None:
            folder.mkdir(parents=True)
            for name, text in old.items():
                (folder / name).write_text(text)
        before = content(folder)
        with pytest.MonkeyPatch.context() as patch:
            made = count_and_fail(patch, number)
            try:
                write(folder)
            except OSError as error:
                assert error.errno == 28  # noqa: PT017 (the loop ends where none is raised)
        if number >= len(made):
            return broken
        if content(folder) not in (before, {"a": b"new", "b": b"new"}):
            broken.append(f"{number}: {made[number]}")
        left = [p.name for p in root.iterdir() if p != folder] if root.exists() else []
        if left:
            broken.append(f"{number}: {made[number]} left {left}")
    raise AssertionError("still failing after 100 calls")


@pytest.mark.parametrize("old", [None, {"a": "old", "c": "old"}], ids=["fresh", "overwriting"])
def test_a_folder_is_all_old_or_all_new_whatever_call_fails(tmp_path, old):
    assert broken_states(tmp_path, careful_folder, old) == []


def test_the_fault_injection_finds_a_careless_writer(tmp_path):
    assert broken_states(tmp_path, naive_folder, {"a": "old", "c": "old"})


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_happens_inside_leaves_the_old_folder(tmp_path, error):
    folder = tmp_path / "model"
    careful_folder(folder)

    def interrupted():
        with new_folder(folder, overwrite=True) as temporary:
            (temporary / "a").write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert content(folder) == {"a": b"new", "b": b"new"}
    assert list(tmp_path.iterdir()) == [folder]


def test_files_of_a_new_folder_can_be_read_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        with new_folder(tmp_path / "model") as temporary:
            (temporary / "a").touch(mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "model" / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("data", [b"x\x00y", "caf\u00e9\n", b""])
def test_what_is_written_is_there(tmp_path, data):
    durable_write(tmp_path / "a" / "b", data)
    assert (tmp_path / "a" / "b").read_bytes() == (data.encode() if isinstance(data, str) else data)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    durable_write(path, "old")
    for number in range(100):
        with monkeypatch.context() as patch:
            made = count_and_fail(patch, number)
            try:
                durable_write(path, "new")
            except OSError:
                assert path.read_text() in ("old", "new")
        assert [p.name for p in tmp_path.iterdir()] == ["file"]
        if number >= len(made):
            break
        durable_write(path, "old")
    assert path.read_text() == "new"


def test_only_what_was_asked_for_is_replaced(tmp_path):
    file, empty, other, ours = (tmp_path / name for name in ("file", "empty", "other", "ours"))
    file.write_text("x")
    for folder in (empty, other, ours):
        folder.mkdir()
    (other / "thesis.tex").write_text("x")
    (ours / "manifest.json").write_text("{}")
    refuse_existing(tmp_path / "nothing", overwrite=False, marker="manifest.json")
    for path in (file, empty, other, ours):
        with pytest.raises(OutputExistsError, match="exists; --overwrite replaces it"):
            refuse_existing(path, overwrite=False, marker="manifest.json")
    for path in (empty, ours):
        refuse_existing(path, overwrite=True, marker="manifest.json")
    for path in (file, other):
        with pytest.raises(OutputExistsError, match=r"holds no manifest\.json"):
            refuse_existing(path, overwrite=True, marker="manifest.json")
        refuse_existing(path, overwrite=True)


def test_replacing_a_folder_with_itself_gone_keeps_the_old_one(tmp_path):
    folder = tmp_path / "model"
    careful_folder(folder)
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "nothing", folder)
    assert content(folder) == {"a": b"new", "b": b"new"}
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../a",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "a/",
        "a\\b",
        "c:a",
        "a\0b",
        "a\nb",
        "link/a",
    ],
)
def test_names_that_lead_outside_are_refused(tmp_path, name):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="unsafe file name"):
        safe_join(tmp_path / "root", name)


@pytest.mark.parametrize("name", ["a", "a/b.json", "..a", "a..", "%2e%2e", "\uff0e\uff0e"])
def test_names_that_only_look_odd_pass(tmp_path, name):
    assert safe_join(tmp_path, name) == tmp_path / name


def test_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_file(tmp_path / "a").startswith("ba7816bf8f01cfea")
