"""The families of encoders and decoders, by the `model_type` of a `config.json`.

Nothing here imports torch: a family's files are imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from glossator.errors import ModelFolderError, did_you_mean

if TYPE_CHECKING:
    from glossator.models.family import Family

__all__ = ["DECODERS", "ENCODERS", "MODEL_TYPES", "by_model_type"]

# model_type -> folder here
_FOLDERS = {
    "bert": "bert",
    "camembert": "roberta",
    "distilbert": "distilbert",
    "electra": "electra",
    "gpt2": "gpt2",
    "modernbert": "modernbert",
    "roberta": "roberta",
    "xlm-roberta": "roberta",
}
MODEL_TYPES = tuple(_FOLDERS)
DECODERS = ("gpt2",)
ENCODERS = tuple(name for name in MODEL_TYPES if name not in DECODERS)


def by_model_type(name: str) -> Family:
    """The family of a `model_type`.

    Raises:
        ModelFolderError: no family has that model type; the message lists those there are.
    """
    if name not in _FOLDERS:
        raise ModelFolderError(
            f"model_type {name!r} is not supported; expected one of "
            f"{', '.join(MODEL_TYPES)}{did_you_mean(str(name), MODEL_TYPES)}"
        )
    module = importlib.import_module(f"glossator.models.families.{_FOLDERS[name]}.hf")
    family: Family = module.FAMILY
    return family
