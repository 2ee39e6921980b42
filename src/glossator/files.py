"""Writing that survives a crash, paths that stay inside their root, digests."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glossator.errors import InputError, OutputExistsError

__all__ = [
    "disk_errors_named",
    "durable_write",
    "new_folder",
    "refuse_existing",
    "replace_folder",
    "replaced_file",
    "safe_join",
    "sha256_file",
]


# What a full disk, a quota and a limit of the size of files say.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def disk_errors_named(path: str | Path, temporary: Path | None = None) -> Iterator[None]:
    """Turn what a full disk makes a library raise in this block into an OSError that names `path`.

    Files written in Python do not know their names when they fail, and those written in Rust (of
    safetensors and tokenizers) raise errors of their own, with the system's number in the text.

    Args:
        path: what is being written.
        temporary: what it is called until it is whole; errors that name that name `path` instead.

    Raises:
        OSError: the disk is full, or `temporary` cannot be written.
    """
    try:
        yield
    except Exception as error:
        number = _system_number(error)
        named = getattr(error, "filename", None)
        ours = temporary is not None and _is_inside(named, temporary)
        if number is None or not (ours or (named is None and number in _FULL)):
            raise
        place = Path(path)
        if ours and temporary is not None and named is not None:
            place = place / Path(os.fsdecode(named)).relative_to(temporary)
        raise OSError(number, os.strerror(number), str(place)) from error


def _system_number(error: Exception) -> int | None:
    """The number that the system gave for an error, if it is one of the system's."""
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def _is_inside(name: Any, folder: Path) -> bool:
    return isinstance(name, str | bytes | Path) and Path(os.fsdecode(name)).is_relative_to(folder)


def durable_write(path: str | Path, data: bytes | str) -> None:
    """Write `data` to `path` whole or not at all: temporary file, fsync, rename, folder fsync.

    Raises:
        OSError: the disk is full or read-only; `path` then holds what it held before.
    """
    with replaced_file(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


@contextlib.contextmanager
def replaced_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place at the end, or goes on an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        with disk_errors_named(path, temporary):
            yield temporary
            _fsync(temporary)
            os.chmod(temporary, 0o644 & ~_umask())
            os.replace(temporary, path)
            _fsync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: str | Path, *, overwrite: bool = False, marker: str = "") -> Iterator[Path]:
    """Yield an empty folder beside `path` that becomes `path` by one rename when the block ends.

    An error leaves what stood at `path` untouched. With `overwrite` an older folder is moved
    aside first and deleted only after the new one stands.

    Raises:
        OutputExistsError: `path` exists and may not be replaced, see `refuse_existing`.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite, marker=marker)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    try:
        with disk_errors_named(path, temporary):
            yield temporary
            for file in sorted(temporary.rglob("*")):
                if file.is_file():  # safetensors makes files that only their owner can read
                    os.chmod(file, 0o644 & ~_umask())
                _fsync(file)
            os.chmod(temporary, 0o755 & ~_umask())
            _fsync(temporary)
            replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_existing(path: Path, *, overwrite: bool, marker: str = "") -> None:
    """Raise OutputExistsError if `path` exists and may not be replaced.

    Args:
        path: of a file or a folder.
        overwrite: whether it may be replaced at all.
        marker: then only a folder that is empty or holds a file of this name may be, so that
            a slip of the pen deletes nobody's home.
    """
    if not path.exists():
        return
    if not overwrite:
        raise OutputExistsError(f"{path} exists; --overwrite replaces it")
    if marker and not (path.is_dir() and ((path / marker).exists() or not any(path.iterdir()))):
        raise OutputExistsError(
            f"{path} exists and is nothing that --overwrite may replace: it holds no {marker}"
        )


def replace_folder(new: Path, path: Path) -> None:
    """Give the folder `new` the name `path`; what stood there goes only after that.

    Raises:
        OSError: it cannot be renamed; what stood at `path` stands there still.
    """
    if not path.exists():
        os.rename(new, path)
    else:
        aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".old"))
        old = aside / path.name
        try:
            os.rename(path, old)
            os.rename(new, path)
        except BaseException:
            if old.exists():
                os.rename(old, path)
            aside.rmdir()
            raise
        shutil.rmtree(aside, ignore_errors=True)
    _fsync(path.parent)


def safe_join(root: str | Path, name: str) -> Path:
    """The path of `name` under `root`; `name` is one plain relative path with forward slashes.

    Raises:
        InputError: `name` is absolute, holds `..`, a backslash, a drive, a NUL or another control
            character, or leads outside `root` through a link.
    """
    parts = name.split("/")
    plain = name and not any(ord(c) < 32 or c in '\\:"' for c in name)
    if not plain or any(part in ("", ".", "..") for part in parts):
        raise InputError(f"unsafe file name {name!r}: expected a relative path inside {root}")
    joined = Path(root, *parts)
    if not joined.resolve().is_relative_to(Path(root).resolve()):
        raise InputError(f"unsafe file name {name!r}: it leads outside {root}")
    return joined


def sha256_file(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
