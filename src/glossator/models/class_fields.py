"""Which class of Hugging Face opens a model: the fields of `config.json` that say so."""

from __future__ import annotations

from typing import Any

from torch import nn

from glossator.models import families
from glossator.models.causal import CausalLanguageModel
from glossator.models.encoder import EncoderConfig
from glossator.models.headless import EncoderModel
from glossator.models.heads import (
    ChoiceModel,
    SequenceClassifier,
    SpanFinder,
    TokenClassifier,
)
from glossator.models.label_head import CHOOSER, CLASSIFIER, FINDER, TAGGER
from glossator.models.masked import MaskedLanguageModel
from glossator.models.multi_task import MultiTaskModel
from glossator.models.replaced import ReplacedTokenModel
from glossator.models.sentences import SentenceModel

__all__ = ["class_fields"]

# How the classes of Hugging Face end.
_ENDINGS: dict[type[nn.Module], str] = {
    EncoderModel: "Model",
    MultiTaskModel: "Model",
    SequenceClassifier: CLASSIFIER.ending,
    TokenClassifier: TAGGER.ending,
    SpanFinder: FINDER.ending,
    ChoiceModel: CHOOSER.ending,
    MaskedLanguageModel: "ForMaskedLM",
    CausalLanguageModel: "LMHeadModel",
    ReplacedTokenModel: "ForPreTraining",
    SentenceModel: "ForPreTraining",
}


def class_fields(model: nn.Module) -> dict[str, Any]:
    """The fields of `config.json` that say which class opens a model, and its labels."""
    config: EncoderConfig = model.encoder.config  # type: ignore[assignment, union-attr]
    names = families.by_model_type(config.model_type).class_names
    return {
        "architectures": [names[config.model_type] + _ENDINGS[type(model)]],
        **_label_fields(model),
    }


def _label_fields(model: nn.Module) -> dict[str, Any]:
    if not isinstance(model, SequenceClassifier | TokenClassifier):
        return {}
    fields: dict[str, Any] = {
        "id2label": {str(number): label for number, label in enumerate(model.labels)},
        "label2id": {label: number for number, label in enumerate(model.labels)},
    }
    problem = {"problem_type": model.problem_type} if isinstance(model, SequenceClassifier) else {}
    return fields | problem
