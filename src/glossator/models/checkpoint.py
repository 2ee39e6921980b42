"""Model folders in, model folders out: Hugging Face's layout, safetensors alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from glossator.errors import ModelFolderError
from glossator.files import durable_write
from glossator.models import families
from glossator.models.causal import CausalLanguageModel
from glossator.models.encoder import Encoder, EncoderConfig
from glossator.models.heads import SequenceClassifier
from glossator.models.initialization import new_parameters
from glossator.models.masked import MaskedLanguageModel
from glossator.models.neighbours import look_at_neighbours
from glossator.models.replaced import ReplacedTokenModel
from glossator.models.source import ModelSource
from glossator.models.weights import write_weights

__all__ = [
    "load_causal",
    "load_classifier",
    "load_encoder",
    "load_masked",
    "new_causal",
    "new_masked",
    "new_replaced",
    "save",
]

_CLASSIFIER = "ForSequenceClassification"
_MASKED = "ForMaskedLM"
_CAUSAL = "LMHeadModel"
_PROBLEM_TYPES = ("multi_label_classification", "regression", "single_label_classification")
# How the classes of Hugging Face end.
_ENDINGS: dict[type[nn.Module], str] = {
    SequenceClassifier: _CLASSIFIER,
    MaskedLanguageModel: _MASKED,
    CausalLanguageModel: _CAUSAL,
    ReplacedTokenModel: "ForPreTraining",
}
# Fields of the source that are not true of what we save, or that name code to run.
_NOT_KEPT = (
    "_name_or_path",
    "architectures",
    "auto_map",
    "dtype",
    "id2label",
    "label2id",
    "num_labels",
    "problem_type",
    "torch_dtype",
    "transformers_version",
)


ModelT = TypeVar("ModelT", MaskedLanguageModel, CausalLanguageModel)


def load_encoder(folder: str | Path) -> Encoder:
    """The encoder of a model folder, in evaluation mode; heads in the folder are left out.

    Args:
        folder: holds `config.json` and safetensors, as `transformers` or `save` wrote them;
            half-precision weights are read as float32.

    Raises:
        ModelFolderError: the folder is missing, incomplete, malformed, holds weights of another
            kind, or is of a family that is not supported.
    """
    source = ModelSource(folder)
    encoder = source.encoder()
    tensors = source.read(_shapes(encoder, "encoder."))
    _fill(encoder, {name.removeprefix("encoder."): x for name, x in tensors.items()})
    return encoder


def load_classifier(
    folder: str | Path, labels: Sequence[str] | None = None, seed: int = 0
) -> SequenceClassifier:
    """A classifier from a model folder, in evaluation mode.

    With other labels than the folder's, or where it has no classifier, the last layer is new, and
    so is what the folder lacks of the head; `notes` of the result says so.

    Args:
        folder: as for `load_encoder`.
        labels: label names, in the order of the logits; None: those of the folder.
        seed: of the new parameters.

    Raises:
        ModelFolderError: as for `load_encoder`, or `labels` is None and the folder holds no
            trained classifier.
    """
    source = ModelSource(folder)
    source.refuse_decoder()
    kept = _keeps_head(source, labels)
    names = source.labels() if labels is None else tuple(labels)
    model = SequenceClassifier(source.encoder(), source.head(len(names)), names)
    shapes = _shapes(model)
    new = {} if kept else {x: shapes.pop(x) for x in list(shapes) if _is_new(source, x)}
    std, generator = source.config.initializer_range, torch.Generator().manual_seed(seed)
    _fill(model, source.read(shapes) | new_parameters(new, std=std, generator=generator))
    if kept and source.raw.get("problem_type") in _PROBLEM_TYPES:
        model.problem_type = source.raw["problem_type"]
    model.notes = () if kept else (_note(source, names),)
    return model


def load_masked(folder: str | Path, seed: int = 0) -> MaskedLanguageModel:
    """A masked language model from a model folder, in evaluation mode.

    Where the folder has no masked-language head it is new, and `notes` of the result says so.

    Args:
        folder: as for `load_encoder`.
        seed: of the new parameters.

    Raises:
        ModelFolderError: as for `load_encoder`, or the output layer is not the word table.
    """
    source = ModelSource(folder)
    source.refuse_decoder()
    if source.raw.get("tie_word_embeddings", True) is False:
        raise ModelFolderError(
            "tie_word_embeddings is false; supported are models whose output layer is the word "
            "table",
            file=source.folder / "config.json",
        )
    model = MaskedLanguageModel(source.encoder(), source.predictions())
    shapes = _shapes(model)
    new = {x: shapes.pop(x) for x in list(shapes) if _is_new_prediction(source, x)}
    std, generator = source.config.initializer_range, torch.Generator().manual_seed(seed)
    _fill(model, source.read(shapes) | new_parameters(new, std=std, generator=generator))
    if new:
        model.notes = (f"a new masked-language head was put on {source.folder.name}",)
    return model


def load_causal(folder: str | Path) -> CausalLanguageModel:
    """A causal language model from a model folder, in evaluation mode.

    Args:
        folder: as for `load_encoder`.

    Raises:
        ModelFolderError: as for `load_encoder`, or the folder holds an encoder.
    """
    source = ModelSource(folder)
    if not source.family.is_decoder:
        raise ModelFolderError(
            f"{source.config.model_type} is an encoder, which sees what it would predict; "
            f"expected a decoder, one of {', '.join(families.DECODERS)}",
            file=source.folder / "config.json",
        )
    model = CausalLanguageModel(source.encoder())
    _fill(model, source.read(_shapes(model)))
    return model


def new_masked(config: EncoderConfig, seed: int = 0) -> MaskedLanguageModel:
    """A masked language model of an encoder's config, parameters random, in evaluation mode."""
    family = families.by_model_type(config.model_type)
    assert family.predictions is not None, f"{config.model_type} is a decoder"
    with torch.device("meta"):
        model = MaskedLanguageModel(family.encoder(config), family.predictions(config))
    return _begun(model, config, seed)


def new_causal(config: EncoderConfig, seed: int = 0) -> CausalLanguageModel:
    """A causal language model of a decoder's config, parameters random, in evaluation mode."""
    family = families.by_model_type(config.model_type)
    assert family.is_decoder, f"{config.model_type} is an encoder"
    with torch.device("meta"):
        model = CausalLanguageModel(family.encoder(config))
    _begun(model, config, seed).calm()
    return model


def new_replaced(config: EncoderConfig, seed: int = 0) -> ReplacedTokenModel:
    """An encoder of a config that detects replaced tokens, and its generator, both random."""
    family = families.by_model_type(config.model_type)
    assert family.generator is not None, f"{config.model_type} has no generator"
    assert family.detections is not None
    encoder = new_masked(config, seed).encoder
    std, generator = config.initializer_range, torch.Generator().manual_seed(seed + 1)
    with torch.device("meta"):
        head = family.detections(config)
    _fill(head, new_parameters(_shapes(head), std=std, generator=generator))
    return ReplacedTokenModel(encoder, head, new_masked(family.generator(config), seed + 2))


def _begun(model: ModelT, config: EncoderConfig, seed: int) -> ModelT:
    """With random parameters."""
    std, generator = config.initializer_range, torch.Generator().manual_seed(seed)
    _fill(model, new_parameters(_shapes(model), std=std, generator=generator))
    look_at_neighbours(model.encoder, std=std, generator=generator)
    return model


def save(
    model: Encoder
    | SequenceClassifier
    | MaskedLanguageModel
    | CausalLanguageModel
    | ReplacedTokenModel,
    folder: str | Path,
) -> None:
    """Write `config.json` and `model.safetensors` (float32) into `folder`, made if it is missing.

    `AutoModelForSequenceClassification`, `AutoModelForMaskedLM`, `AutoModelForCausalLM`, or
    `AutoModel` for an encoder, opens the result. Of a model that detects replaced tokens the
    generator is left out, and `AutoModelForPreTraining` opens the rest.

    Raises:
        OSError: the disk is full or read-only; a file is then whole or as it was.
    """
    encoder = model if isinstance(model, Encoder) else model.encoder
    family = families.by_model_type(encoder.config.model_type)
    class_name = family.class_names[encoder.config.model_type]
    fields = {name: x for name, x in encoder.hf_fields.items() if name not in _NOT_KEPT}
    fields |= encoder.config.to_hf() | {"dtype": "float32"}
    if isinstance(model, Encoder):
        fields["architectures"] = [f"{class_name}Model"]
        named = {f"encoder.{name}": x for name, x in model.named_parameters()}
        tensors = {
            name.removeprefix(family.names.prefix): tensor
            for name, tensor in family.names.to_hf(named).items()
        }
    else:
        fields["architectures"] = [class_name + _ENDINGS[type(model)]]
        fields |= _label_fields(model) if isinstance(model, SequenceClassifier) else {}
        named = dict(model.named_parameters())
        kept = {name: x for name, x in named.items() if not name.startswith("generator.")}
        tensors = family.names.to_hf(kept)
    write_weights(Path(folder) / "model.safetensors", tensors)
    text = json.dumps(fields, indent=2, allow_nan=False)
    durable_write(Path(folder) / "config.json", text + "\n")


def _label_fields(model: SequenceClassifier) -> dict[str, Any]:
    return {
        "id2label": {str(number): label for number, label in enumerate(model.labels)},
        "label2id": {label: number for number, label in enumerate(model.labels)},
        "problem_type": model.problem_type,
    }


def _keeps_head(source: ModelSource, labels: Sequence[str] | None) -> bool:
    """Whether the folder's classifier is the one wanted."""
    trained = source.has("head.output.weight") and (
        not source.architecture or source.architecture.endswith(_CLASSIFIER)
    )
    if labels is None and not trained:
        raise ModelFolderError(
            f"{source.folder} holds no trained classifier "
            f"(it was saved by {source.architecture or 'an unnamed class'}; expected a class "
            f"ending in {_CLASSIFIER}); name the labels to give it a new one",
            file=source.folder / "config.json",
        )
    return trained and (labels is None or source.labels() == tuple(labels))


def _is_new(source: ModelSource, name: str) -> bool:
    """Whether a parameter is made anew under a new head: its last layer, and what is not there."""
    return name.startswith("head.output.") or (name.startswith("head.") and not source.has(name))


def _is_new_prediction(source: ModelSource, name: str) -> bool:
    """Whether a parameter of the masked-language head is not in the folder.

    A classifier of some families has its dense layer under the same name, but it was trained for
    something else.
    """
    if not name.startswith("predictions."):
        return False
    return source.architecture.endswith(_CLASSIFIER) or not source.has(name)


def _note(source: ModelSource, labels: tuple[str, ...]) -> str:
    new = f"a new classification head for {len(labels)} labels was put on {source.folder.name}"
    if not source.architecture.endswith(_CLASSIFIER):
        return new
    old = source.labels()
    shown = ", ".join(old[:5]) + (f" and {len(old) - 5} more" if len(old) > 5 else "")
    return f"{new}; its own, for the labels {shown}, was dropped"


def _shapes(module: nn.Module, prefix: str = "") -> dict[str, torch.Size]:
    return {prefix + name: parameter.shape for name, parameter in module.named_parameters()}


def _fill(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a module built on the meta device its parameters, without a copy."""
    module.load_state_dict(tensors, assign=True)
    module.eval()
