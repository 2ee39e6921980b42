"""Model folders in, model folders out: Hugging Face's layout, safetensors alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from glossator.errors import ModelFolderError
from glossator.files import durable_write
from glossator.models import families
from glossator.models.causal import CausalLanguageModel
from glossator.models.class_fields import class_fields
from glossator.models.encoder import Encoder
from glossator.models.extra_heads import HeadBuilders, load_extra, read_extra, save_extra
from glossator.models.headless import EncoderModel
from glossator.models.heads import (
    ChoiceModel,
    ProblemType,
    SequenceClassifier,
    SpanFinder,
    TokenClassifier,
)
from glossator.models.initialization import fill, new_parameters, shapes_of
from glossator.models.label_head import CHOOSER, CLASSIFIER, FINDER, TAGGER, LabelHead
from glossator.models.masked import MaskedLanguageModel
from glossator.models.multi_task import MultiTaskModel, head_name
from glossator.models.replaced import ReplacedTokenModel
from glossator.models.sentences import SentenceModel
from glossator.models.source import ModelSource
from glossator.models.weights import write_weights

__all__ = [
    "load_causal",
    "load_chooser",
    "load_classifier",
    "load_encoder",
    "load_finder",
    "load_headless",
    "load_masked",
    "load_multi_task",
    "load_sentences",
    "load_tagger",
    "save",
]

_NUMBER = ("LABEL_0",)  # as transformers calls what a regression gives
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


def load_encoder(folder: str | Path) -> Encoder:
    """The encoder of a model folder, in evaluation mode; heads in the folder are left out.

    Args:
        folder: holds `config.json` and safetensors, as `transformers` or `save` wrote them;
            half-precision weights are read as float32.

    Raises:
        ModelFolderError: the folder is missing, incomplete, malformed, holds weights of another
            kind, or is of a family that is not supported.
    """
    return load_headless(folder).encoder


def load_headless(
    folder: str | Path, extra: HeadBuilders | None = None, seed: int = 0
) -> EncoderModel:
    """An encoder with heads of its own alone, in evaluation mode.

    Args:
        folder: as for `load_encoder`.
        extra: makes of the encoder's config each head that no class of Hugging Face reads; those
            that the folder lacks are new, and `notes` of the result says so.
        seed: of the new parameters.

    Raises:
        ModelFolderError: as for `load_encoder`, or such a head in the folder is of another make.
    """
    source = ModelSource(folder)
    model = EncoderModel(source.encoder())
    _read(model, source)
    model.extra, model.notes = _extra(source, extra, seed)
    return model


def load_classifier(
    folder: str | Path,
    labels: Sequence[str] | None = None,
    seed: int = 0,
    problem_type: ProblemType | None = None,
    extra: HeadBuilders | None = None,
) -> SequenceClassifier:
    """A classifier from a model folder, in evaluation mode.

    With other labels than the folder's, for another problem, or where it has no classifier, the
    last layer is new, and so are what the folder lacks of the head and all of `extra`; `notes` of
    the result says so.

    Args:
        folder: as for `load_encoder`.
        labels: label names, in the order of the logits; None: those of the folder, and of a new
            regression the one name that transformers gives it.
        seed: of the new parameters.
        problem_type: None: that of the folder.
        extra: as for `load_headless`.

    Raises:
        ModelFolderError: as for `load_headless`, or `labels` is None and the folder holds no
            trained classifier.
    """
    source = ModelSource(folder)
    source.refuse_decoder()
    if labels is None and problem_type == "regression":
        own = source.problem_type == "regression" and len(source.labels()) == 1
        labels = None if own and CLASSIFIER.is_trained(source) else _NUMBER
    kept = CLASSIFIER.is_kept(source, labels) and problem_type in (None, source.problem_type)
    names = source.labels() if labels is None else tuple(labels)
    assert problem_type != "regression" or len(names) == 1, "a regression gives one number"
    problem = source.problem_type if kept else problem_type
    model = SequenceClassifier(source.encoder(), source.head(len(names)), names, problem)
    _read(model, source, lambda name: not kept and CLASSIFIER.is_new(source, name), seed)
    model.extra, new = _extra(source, extra, seed, kept)
    model.notes = (*(() if kept else [CLASSIFIER.note(source, names)]), *new)
    return model


def load_tagger(
    folder: str | Path,
    labels: Sequence[str] | None = None,
    seed: int = 0,
    extra: HeadBuilders | None = None,
) -> TokenClassifier:
    """A token classifier from a model folder, in evaluation mode.

    Args and what is new are as for `load_classifier`.

    Raises:
        ModelFolderError: as for `load_headless`, or `labels` is None and the folder holds no
            trained token classifier.
    """
    source = ModelSource(folder)
    source.refuse_decoder()
    kept = TAGGER.is_kept(source, labels)
    names = source.labels() if labels is None else tuple(labels)
    model = TokenClassifier(source.encoder(), source.tagger(len(names)), names)
    _read(model, source, lambda name: not kept and TAGGER.is_new(source, name), seed)
    model.extra, new = _extra(source, extra, seed, kept)
    model.notes = (*(() if kept else [TAGGER.note(source, names)]), *new)
    return model


def load_finder(folder: str | Path, *, new: bool = False, seed: int = 0) -> SpanFinder:
    """A finder of answers from a model folder, in evaluation mode.

    Args:
        folder: as for `load_encoder`.
        new: whether a folder without such a head gets one; `notes` of the result says so.
        seed: of the new parameters.

    Raises:
        ModelFolderError: as for `load_encoder`, or there is no trained one and `new` is false.
    """
    source = _nameless(folder, FINDER, new=new)
    model = SpanFinder(source.encoder(), source.finder())
    model.notes = _read_nameless(model, source, FINDER, seed)
    return model


def load_chooser(folder: str | Path, *, new: bool = False, seed: int = 0) -> ChoiceModel:
    """A model that scores choices from a model folder, in evaluation mode.

    Args and what is raised are as for `load_finder`.
    """
    source = _nameless(folder, CHOOSER, new=new)
    model = ChoiceModel(source.encoder(), source.chooser())
    model.notes = _read_nameless(model, source, CHOOSER, seed)
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
    source = _tied(folder)
    model = MaskedLanguageModel(source.encoder(), source.predictions())
    if _read(model, source, lambda name: _is_new_prediction(source, name), seed):
        model.notes = (f"a new masked-language head was put on {source.folder.name}",)
    return model


def load_sentences(folder: str | Path, seed: int = 0) -> SentenceModel:
    """A masked language model with a head over pairs of texts, in evaluation mode.

    Args and what is new are as for `load_masked`.

    Raises:
        ModelFolderError: as for `load_masked`, or the family has no such head.
    """
    source = _tied(folder)
    model = SentenceModel(source.encoder(), source.predictions(), source.sentences())
    names = shapes_of(model)
    words = {name for name in names if _is_new_prediction(source, name)}
    pairs = {name for name in names if name.startswith("sentences.") and not source.has(name)}
    _read(model, source, lambda name: name in words | pairs, seed)
    new = [*["masked-language"] * bool(words), *["sentence"] * bool(pairs)]
    model.notes = tuple(f"a new {name} head was put on {source.folder.name}" for name in new)
    return model


def load_multi_task(folder: str | Path, models: Mapping[str, nn.Module]) -> MultiTaskModel:
    """A trained model of several tasks from its folder, in evaluation mode.

    Args:
        folder: as for `load_encoder`.
        models: one of each task by name, whose parameters will be those of the folder.

    Raises:
        ModelFolderError: as for `load_encoder`, or a head is missing, or of another make.
    """
    model = MultiTaskModel(load_encoder(folder), models)
    for name in models:
        read_extra(Path(folder), head_name(name), model.of(name))
    model.notes = ()
    return model.eval()


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
    _read(model, source)
    return model


def save(
    model: Encoder
    | EncoderModel
    | SequenceClassifier
    | TokenClassifier
    | SpanFinder
    | ChoiceModel
    | MaskedLanguageModel
    | CausalLanguageModel
    | ReplacedTokenModel,
    folder: str | Path,
) -> None:
    """Write `config.json` and `model.safetensors` (float32) into `folder`, made if it is missing.

    `AutoModelForSequenceClassification`, `AutoModelForTokenClassification`,
    `AutoModelForQuestionAnswering`, `AutoModelForMultipleChoice`,
    `AutoModelForMaskedLM`, `AutoModelForCausalLM`, or `AutoModel`
    for an encoder, opens the result. What a model has of `extra` goes into `heads.safetensors`,
    which they leave alone. Of a model that detects replaced tokens the generator is left out, and
    `AutoModelForPreTraining` opens the rest, as it opens a model that judges pairs of texts.

    Raises:
        OSError: the disk is full or read-only; a file is then whole or as it was.
    """
    model = EncoderModel(model) if isinstance(model, Encoder) else model
    config = model.encoder.config
    family = families.by_model_type(config.model_type)
    named = {
        x: p for x, p in model.named_parameters() if not x.startswith(("generator.", "extra."))
    }
    tensors = family.names.to_hf(named)
    if isinstance(model, EncoderModel):
        tensors = {x.removeprefix(family.names.prefix): p for x, p in tensors.items()}
    fields = {name: x for name, x in model.encoder.hf_fields.items() if name not in _NOT_KEPT}
    fields |= config.to_hf() | {"dtype": "float32"}
    fields |= class_fields(model)
    write_weights(Path(folder) / "model.safetensors", tensors)
    save_extra(getattr(model, "extra", nn.ModuleDict()), Path(folder))
    text = json.dumps(fields, indent=2, allow_nan=False)
    durable_write(Path(folder) / "config.json", text + "\n")


def _tied(folder: str | Path) -> ModelSource:
    """The folder of an encoder whose output layer is the word table."""
    source = ModelSource(folder)
    source.refuse_decoder()
    if source.raw.get("tie_word_embeddings", True) is False:
        raise ModelFolderError(
            "tie_word_embeddings is false; supported are models whose output layer is the word "
            "table",
            file=source.folder / "config.json",
        )
    return source


def _is_new_prediction(source: ModelSource, name: str) -> bool:
    """Whether a parameter of the masked-language head is not in the folder.

    A classifier of some families has its dense layer under the same name, but it was trained for
    something else.
    """
    if not name.startswith("predictions."):
        return False
    other = source.architecture.endswith(
        (CLASSIFIER.ending, TAGGER.ending, FINDER.ending, CHOOSER.ending)
    )
    return other or not source.has(name)


def _extra(
    source: ModelSource, builders: HeadBuilders | None, seed: int, kept: bool = True
) -> tuple[nn.ModuleDict, tuple[str, ...]]:
    """The heads that no class of Hugging Face reads, and what is to be said of them."""
    seed += 1  # or a head of the same shape would begin as a copy of the model's own
    heads, new = load_extra(source.folder, source.config, builders or {}, seed=seed, kept=kept)
    return heads, tuple(f"a new head {x} was put on {source.folder.name}" for x in new)


def _nameless(folder: str | Path, head: LabelHead, *, new: bool) -> ModelSource:
    """A folder for a head whose outputs have no names of their own."""
    source = ModelSource(folder)
    source.refuse_decoder()
    if not new:
        head.refuse_untrained(source)
    return source


def _read_nameless(
    model: nn.Module, source: ModelSource, head: LabelHead, seed: int
) -> tuple[str, ...]:
    """Give a model its parameters; what is to be said of its head."""
    kept = head.is_trained(source)
    _read(model, source, lambda name: not kept and head.is_new(source, name), seed)
    return () if kept else (f"a new {head.name} was put on {source.folder.name}",)


def _read(
    model: nn.Module,
    source: ModelSource,
    is_new: Callable[[str], bool] = lambda name: False,
    seed: int = 0,
) -> bool:
    """Give a model its parameters, new ones or those of a folder; whether some are new."""
    shapes = shapes_of(model)
    new = {x: shapes.pop(x) for x in list(shapes) if is_new(x)}
    std, generator = source.config.initializer_range, torch.Generator().manual_seed(seed)
    fill(model, source.read(shapes) | new_parameters(new, std=std, generator=generator))
    return bool(new)
