"""Reading the small JSON files of a model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glossator.errors import ModelFolderError

__all__ = ["read_json"]


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file of a model folder.

    Raises:
        ModelFolderError: the file is missing, is not JSON, or holds no object.
    """
    try:
        value = json.loads(file.read_bytes(), parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise ModelFolderError(f"{file.parent} has no {file.name}", file=file) from None
    except OSError as error:
        raise ModelFolderError(f"cannot be read: {error.strerror}", file=file) from error
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"not valid JSON: {error}", file=file) from error
    if not isinstance(value, dict):
        raise ModelFolderError(f"holds a {type(value).__name__}; expected an object", file=file)
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")
