"""What sentence-transformers reads of a model folder beside the encoder: the same in both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.errors import ModelFolderError
from glossator.models.json_file import read_json
from glossator.models.pooling import Pooling

__all__ = ["Told", "told_in", "written_files"]

_MODULES = "modules.json"
_POOLING = "1_Pooling"
_NORMALIZE = "2_Normalize"
_KINDS = "sentence_transformers.models."
_MODES: dict[Pooling, str] = {
    "mean": "pooling_mode_mean_tokens",
    "cls": "pooling_mode_cls_token",
    "last": "pooling_mode_lasttoken",
}


@dataclass(frozen=True)
class Told:
    """How the vector of a text is made.

    Attributes:
        pooling: what stands for it.
        normalize: whether it has the length 1.
        max_length: tokens of it that are read at most; None: as many as the model can.
    """

    pooling: Pooling
    normalize: bool
    max_length: int | None = None


def told_in(folder: Path) -> Told | None:
    """What a folder says of its vectors; None where it says nothing, or of modules unknown here.

    Raises:
        ModelFolderError: a file of it is malformed.
    """
    path = folder / _MODULES
    if not path.is_file():
        return None
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
        place = next((module["path"] for module in modules[1:2]), "")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelFolderError(f"malformed: {error!r}", file=path) from error
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    pooling = _pooling(read_json(_inside(folder, str(place)) / "config.json"))
    if pooling is None:
        return None
    length: Any = None
    if (folder / "sentence_bert_config.json").is_file():
        length = read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    return Told(pooling, len(kinds) == 3, length if isinstance(length, int) else None)


def _inside(folder: Path, name: str) -> Path:
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise ModelFolderError(f"names {name}, outside of it", file=folder / _MODULES)
    return place


def _pooling(config: Mapping[str, Any]) -> Pooling | None:
    """The only way of pooling that is on; newer folders have its name, older ones a switch each."""
    name = config.get("pooling_mode")
    names: dict[Any, Pooling] = {"mean": "mean", "cls": "cls", "lasttoken": "last"}
    if name is not None:
        return names.get(name) if isinstance(name, str) else None
    on = [x for x, value in config.items() if x.startswith("pooling_mode_") and value is True]
    return next((how for how, mode in _MODES.items() if on == [mode]), None)


def written_files(
    told: Told, width: int, *, prefix: str = "", pair_prefix: str = ""
) -> dict[str, str]:
    """The files by their names in the folder.

    Args:
        told: how vectors are made.
        width: of a vector.
        prefix: what stands before a text.
        pair_prefix: what stands before one that is to be found.
    """
    kinds = [("", "Transformer"), (_POOLING, "Pooling")]
    kinds += [(_NORMALIZE, "Normalize")] * told.normalize
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": _KINDS + kind}
        for number, (path, kind) in enumerate(kinds)
    ]
    pooling = {mode: how == told.pooling for how, mode in _MODES.items()}
    prompts = {"query": prefix, "document": pair_prefix}
    texts = {
        _MODULES: modules,
        f"{_POOLING}/config.json": {"word_embedding_dimension": width, **pooling},
        "sentence_bert_config.json": {"max_seq_length": told.max_length, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "prompts": prompts,
            "default_prompt_name": "query" if prefix else None,
            "similarity_fn_name": "cosine",
        },
    }
    return {name: json.dumps(value, indent=2) + "\n" for name, value in texts.items()}
