"""The manifest of a model folder: which files it has, and what is in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glossator.errors import ChangedFileError, InputError, ModelFolderError
from glossator.files import durable_write, safe_join, sha256_file

__all__ = ["MANIFEST", "READ", "digests_in", "read_json", "verify", "version_of", "write_manifest"]

MANIFEST = "manifest.json"
READ = (".jinja", ".json", ".md", ".safetensors", ".txt")
"""Endings of what is read of a folder that another program wrote."""

_VERSION = 1
# All that is read from a model folder of ours; a manifest that lacks one vouches for nothing.
_REQUIRED = (
    "README.md",
    "config.json",
    "glossator.json",
    "metrics.json",
    "model.safetensors",
    "tokenizer.json",
)


def write_manifest(folder: Path) -> None:
    """Write the SHA-256 of every file of `folder`; the last file to be written."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    digests = {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
    text = json.dumps({"version": _VERSION, "files": digests}, indent=2)
    durable_write(folder / MANIFEST, text + "\n")


def verify(folder: Path) -> None:
    """Check every file that the manifest of `folder` names.

    Raises:
        ChangedFileError: a file is missing or its bytes are not those that were written.
        ModelFolderError: the manifest is missing, malformed or of another version, lacks a
            file that is needed, or names a path outside the folder.
    """
    for name, digest in _digests(read_json(folder / MANIFEST), folder).items():
        path = _inside(folder, name)
        if not path.is_file():
            raise ChangedFileError(f"{name} is missing; {MANIFEST} names it", file=path)
        if sha256_file(path) != digest:
            raise ChangedFileError(f"{name} was changed after the folder was written", file=path)


def version_of(folder: Path) -> str:
    """What tells the files of a model folder from those of any other, the same wherever it lies.

    The SHA-256 of the manifest; of a folder from elsewhere, which has none, `unverified-` and that
    of its files, as the endpoint calls its versions.

    Raises:
        OSError: a file cannot be read.
    """
    if (folder / MANIFEST).is_file():
        return sha256_file(folder / MANIFEST)
    files = sorted(path for path in folder.iterdir() if path.name.endswith(READ))
    digests = {path.name: sha256_file(path) for path in files}
    return f"unverified-{hashlib.sha256(json.dumps(digests).encode()).hexdigest()}"


def digests_in(manifest: bytes, folder: Path) -> Mapping[str, str]:
    """The SHA-256 of each file that a manifest names, as it was read from `folder`.

    Raises:
        ModelFolderError: as for `verify`.
    """
    found = _digests(_json_object(manifest, folder / MANIFEST), folder)
    for name in found:
        _inside(folder, name)
    return found


def _digests(manifest: Mapping[str, Any], folder: Path) -> Mapping[str, str]:
    files = manifest.get("files")
    if manifest.get("version") != _VERSION or not isinstance(files, dict):
        raise ModelFolderError(
            f"not a manifest of version {_VERSION} with files in it", file=folder / MANIFEST
        )
    for name in _REQUIRED:
        if name not in files:
            raise ModelFolderError(f"the manifest does not name {name}", file=folder / MANIFEST)
    return files


def _inside(folder: Path, name: str) -> Path:
    try:
        return safe_join(folder, name)
    except InputError as error:
        raise ModelFolderError(error.message, file=folder / MANIFEST) from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of a model folder.

    Raises:
        ModelFolderError: the file is missing or holds no JSON object.
    """
    try:
        return _json_object(path.read_bytes(), path)
    except FileNotFoundError:
        raise ModelFolderError(f"{path.name} is missing", file=path) from None
    except OSError as error:
        raise ModelFolderError(f"not readable as JSON: {error}", file=path) from error


def _json_object(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"not readable as JSON: {error}", file=path) from error
    if not isinstance(value, dict):
        raise ModelFolderError("expected a JSON object", file=path)
    return value
