"""Optional packages: whether one is here, asked before anything is read or built."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec

from glossator.errors import MissingPackageError

__all__ = ["found", "missing", "require"]

_PACKAGES = {
    "excel": "python_calamine",
    "hub": "huggingface_hub",
    "otel": "opentelemetry.exporter.otlp.proto.http",
    "ray": "ray",
    "ray-serve": "ray",
    "search": "usearch",
    "serve": "uvicorn",
    "wandb": "wandb",
}


def require(extra: str) -> None:
    """Refuse to go on without the package of an extra; it is looked for and not loaded.

    Args:
        extra: its name in `pip install 'glossator[EXTRA]'`: `excel`, `hub`, `otel`, `ray`,
            `search`, `serve` or `wandb`.

    Raises:
        MissingPackageError: the package is not installed.
    """
    if not found(extra):
        raise missing(extra)


def found(extra: str) -> bool:
    """Whether the package of an extra is installed; it is looked for and not loaded."""
    package = _PACKAGES[extra]
    if package in sys.modules:
        return sys.modules[package] is not None
    spec = _spec(package)
    # A folder of that name, which W&B itself makes where it runs, has no origin.
    return spec is not None and spec.origin is not None


def missing(extra: str) -> MissingPackageError:
    """The error that names the package of an extra and the line that installs it."""
    return MissingPackageError(
        f"{_PACKAGES[extra]} is not installed: pip install 'glossator[{extra}]'"
    )


def _spec(package: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(package)
    except ModuleNotFoundError:  # the package that it lies in is not there either
        return None
