"""A model folder read once, into a place that nobody else writes to: what is hashed is loaded."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glossator.artifact.manifest import MANIFEST, READ, digests_in
from glossator.errors import ChangedFileError, GlossatorError, ModelFolderError
from glossator.files import safe_join

__all__ = ["Sealed", "sealed"]

_PIECE = 1 << 20
_MOST_OF_MANIFEST = 16 << 20
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not hold us


@dataclass(frozen=True)
class Sealed:
    """A copy of a model folder whose bytes are known.

    Attributes:
        folder: where it lies, for as long as it is open.
        version: the SHA-256 of the manifest; without one `unverified-` and that of the files.
    """

    folder: Path
    version: str


@contextlib.contextmanager
def sealed(
    folder: Path, *, root: Path | None = None, allow_unverified: bool = False
) -> Iterator[Sealed]:
    """A model folder for the length of a block, each byte read once, hashed, and kept apart.

    Between a check of a folder and the reading of it, its files could be exchanged; here there is
    no between. Files that the manifest does not name are not there.

    Args:
        folder: the model folder.
        root: the folder that it must lie in, by its own name; then no link is followed.
        allow_unverified: take one without a manifest.

    Raises:
        ChangedFileError: a file is missing, or its bytes are not those of the manifest.
        ModelFolderError: there is no such folder, or no manifest that vouches for it.
        OSError: there is no room for the copy.
    """
    with tempfile.TemporaryDirectory(prefix="glossator-") as place:
        copy = Path(place, folder.name or "model")
        copy.mkdir(mode=0o700)
        with _opened(folder, root) as handle:
            source = _Source(folder, handle, follow=root is None)
            version = source.copy_to(copy, allow_unverified)
        try:
            yield Sealed(copy, version)
        except GlossatorError as error:
            _name_the_original(error, copy, folder)
            raise


@contextlib.contextmanager
def _opened(folder: Path, root: Path | None) -> Iterator[int]:
    """A handle of the folder, which stays the same one whatever becomes of its name."""
    try:
        if root is None:
            handle = os.open(folder, _OPEN | os.O_DIRECTORY)
        else:
            above = os.open(root, _OPEN | os.O_DIRECTORY)
            try:
                handle = _below(above, folder.name, os.O_DIRECTORY)
            finally:
                os.close(above)
    except OSError as error:
        raise ModelFolderError(f"{folder} is no model folder: {error.strerror}") from None
    try:
        yield handle
    finally:
        os.close(handle)


def _below(handle: int, name: str, flags: int = 0) -> int:
    return os.open(name, _OPEN | os.O_NOFOLLOW | flags, dir_fd=handle)


class _Source:
    """The files of a folder, reached from its handle alone."""

    def __init__(self, folder: Path, handle: int, *, follow: bool):
        self._folder, self._handle, self._follow = folder, handle, follow

    def copy_to(self, copy: Path, allow_unverified: bool) -> str:
        """Copy what is read, and give the version."""
        try:
            manifest = self._bytes_of(MANIFEST)
        except FileNotFoundError:
            if allow_unverified:
                return self._copy_unverified(copy)
            raise ModelFolderError(
                f"{self._folder} has no {MANIFEST}, so that nothing vouches for its bytes; "
                "--allow-unverified serves it all the same"
            ) from None
        except OSError as error:
            raise self._unreadable(MANIFEST, error) from None
        expected = digests_in(manifest, self._folder)
        for name, digest in expected.items():
            if self._copy(name, copy) != digest:
                raise ChangedFileError(
                    f"{name} was changed after the folder was written", file=self._folder / name
                )
        (copy / MANIFEST).write_bytes(manifest)
        return hashlib.sha256(manifest).hexdigest()

    def _copy_unverified(self, copy: Path) -> str:
        names = sorted(name for name in os.listdir(self._handle) if name.endswith(READ))
        digests = {name: self._copy(name, copy) for name in names}
        return f"unverified-{hashlib.sha256(json.dumps(digests).encode()).hexdigest()}"

    def _copy(self, name: str, copy: Path) -> str:
        """Copy a file, and give the SHA-256 of what was copied."""
        target, digest = safe_join(copy, name), hashlib.sha256()
        try:
            handle = self._open(name)
        except FileNotFoundError:
            message = f"{name} is missing; {MANIFEST} names it"
            raise ChangedFileError(message, file=self._folder / name) from None
        except OSError as error:
            raise self._unreadable(name, error) from None
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(handle, "rb") as file, target.open("xb") as written:
            while piece := file.read(_PIECE):
                digest.update(piece)
                written.write(piece)
        return digest.hexdigest()

    def _bytes_of(self, name: str) -> bytes:
        with os.fdopen(self._open(name), "rb") as file:
            found = file.read(_MOST_OF_MANIFEST + 1)
        if len(found) > _MOST_OF_MANIFEST:
            raise ModelFolderError(
                f"larger than {_MOST_OF_MANIFEST:,} bytes", file=self._folder / name
            )
        return found

    def _open(self, name: str) -> int:
        """A handle of a regular file.

        Raises:
            OSError: there is none, or it is a link and those are not followed.
        """
        *folders, last = name.split("/")
        handle = os.dup(self._handle)
        try:
            for part in folders:
                handle, above = _below(handle, part, os.O_DIRECTORY), handle
                os.close(above)
            # Another program's cache may hold links to its files; a folder was named by hand then.
            found = os.open(last, _OPEN | (0 if self._follow else os.O_NOFOLLOW), dir_fd=handle)
        finally:
            os.close(handle)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise OSError(0, "not a regular file")
        return found

    def _unreadable(self, name: str, error: OSError) -> ModelFolderError:
        return ModelFolderError(f"cannot be read: {error.strerror}", file=self._folder / name)


def _name_the_original(error: GlossatorError, copy: Path, folder: Path) -> None:
    """Errors speak of the folder that a user knows."""
    error.message = error.message.replace(str(copy), str(folder))
    if error.file is not None:
        error.file = error.file.replace(str(copy), str(folder))
