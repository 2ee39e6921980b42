"""Glossator: from raw text to a guarded endpoint with BERT-family language models.

Importing this loads neither torch nor any room of the house; a name is looked up when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glossator.artifact.opening import load
    from glossator.artifact.predictor import Predictor
    from glossator.finetuning.fit import fit
    from glossator.tasks.prediction import Prediction

__all__ = ["Prediction", "Predictor", "__version__", "fit", "load"]

__version__ = "0.1.0"

_HOMES = {
    "Prediction": "glossator.tasks.prediction",
    "Predictor": "glossator.artifact.predictor",
    "fit": "glossator.finetuning.fit",
    "load": "glossator.artifact.opening",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        choices = ", ".join(__all__)
        raise AttributeError(f"module 'glossator' has no attribute {name!r}; it has: {choices}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
